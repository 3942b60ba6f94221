"""Which rows may differ: one join of the model's keys and hashes with the ledger's, and nothing else of either.

The hash is the engine's own and covers the primary key, the match value and every column that is mapped. Equal means unchanged;
different means that the row is looked at, and the md5 of its values decides. Values, JSON and md5 are made for candidates alone.
"""

from __future__ import annotations

from tailrace.activate.mapping import hashable, literal, scan_hash, trimmed
from tailrace.activate.question import CANDIDATES, Question
from tailrace.activate.result import ChangesetStopped, SyncCounts
from tailrace.warehouse.base import Warehouse

HELD = "('suppressed', 'filtered', 'quarantined')"
EVERY = "'eligible'"
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")


def find(warehouse: Warehouse, asked: Question, *, hidden: bool = False) -> None:
    """Make the table of candidates: `place` of the staged row, `lid` of the ledger row, one of them NULL where there is none.

    `gate` and `scan` are the staged row's; `gone`: a row that left and is settled. Raises ChangesetStopped for primary keys
    that are missing or repeat; `hidden`: without naming their values.
    """
    _check_missing(warehouse, asked)
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {CANDIDATES} AS {_sql(warehouse, asked)}")
    _check_repeated(warehouse, asked, hidden=hidden)


def model(asked: Question, wanted: str) -> str:
    """A SELECT over all rows of the staged model."""
    return f"SELECT {wanted} FROM {asked.dialect.table(asked.staged.ref)}"


def place(asked: Question) -> str:
    """What names a staged row while it is compared: where it lies, unless the model has a column of that name."""
    return '"rowid"' if "rowid" not in {name.lower() for name in asked.columns} else _key_text(asked)


def gate(asked: Question) -> str:
    """Suppressed before filtered before quarantined, else eligible."""
    sync = asked.sync
    # consent that is not known is no consent: NULL suppresses
    # a condition may end in a comment: what follows it needs a line of its own
    rules = [f"WHEN coalesce(({sync.suppress}\n), true) THEN 'suppressed'"] if sync.suppress else []
    if sync.where:
        rules.append(f"WHEN NOT coalesce(({sync.where}\n), false) THEN 'filtered'")
    if asked.quarantined:
        # typed: the keys are of the model's own column, and equal only where the engine says so
        key = asked.dialect.quote(sync.primary_key)
        rules.append(f"WHEN {key} IN (SELECT \"key\" FROM ({asked.quarantined})) THEN 'quarantined'")
    return f"CASE {' '.join(rules)} ELSE {EVERY} END" if rules else EVERY


def match_value(asked: Question) -> str:
    """The match value as it is sent; NULL where the row has none, or nothing is matched."""
    column = asked.sync.match_column
    return trimmed(asked.dialect.quote(column)) if column else "CAST(NULL AS VARCHAR)"


def only_this(asked: Question, key: str, match: str) -> str:
    """Whether a row is the one that was asked for."""
    if asked.only is None:
        return "false"
    told, value = literal(asked.only), literal(asked.only.strip())
    # a primary key is that row alone: another row's match value may read the same
    keyed = f"EXISTS ({model(asked, '1')} WHERE {_key_text(asked)} = {told})"
    return f"coalesce({key} = {told} OR ({match} = {value} AND NOT {keyed}), false)"


def _sql(warehouse: Warehouse, asked: Question) -> str:
    ours, theirs = _join_keys(asked)
    rule = gate(asked)
    here = model(
        asked, f"{place(asked)} AS place, {ours} AS pk, {rule} AS gate, {_scan(warehouse, asked)} AS hashed,"
        f" {_forced(asked)} AS forced",
    )  # fmt: skip
    # below zero: a row that is held back
    scan = "CASE WHEN gate = 'eligible' THEN hashed ELSE -1 - (hash(gate, hashed) >> 1)::BIGINT END"
    # a gate that is the same for all rows is no part of the join: it would be copied with each of them
    gates = "" if rule == EVERY else "gate, "
    here = f"SELECT place, pk, {gates}{scan} AS scan, {_seen(asked, scan)} AS seen FROM ({here})"
    if not warehouse.query(f"SELECT 1 FROM ({asked.known}) LIMIT 1"):
        shown = gates or f"{EVERY} AS gate, "
        return f"SELECT place, CAST(NULL AS BIGINT) AS lid, {shown}scan, false AS gone FROM ({here})"
    known = f"SELECT lid, {theirs} AS pk, {_known_scan(asked)} AS seen, {_gone(asked)} AS gone FROM ({asked.known})"
    shown = gates or f"CASE WHEN place IS NOT NULL THEN {EVERY} END AS gate, "
    return (
        f"SELECT place, lid, {shown}scan, coalesce(place IS NULL AND gone, false) AS gone FROM ({here}) AS m"
        f" FULL JOIN ({known}) AS l ON l.pk = m.pk WHERE NOT coalesce(m.seen = l.seen, false)"
    )


def _join_keys(asked: Question) -> tuple[str, str]:
    """What the model's and the ledger's keys are compared as: whole numbers where the model's are.

    A text in the ledger that is not how the number is written ('007') is no row's key, and becomes NULL.
    """
    kind = asked.columns[asked.sync.primary_key]
    if kind not in WHOLE:
        return _key_text(asked), "primary_key"
    number = f"TRY_CAST(primary_key AS {kind})"
    key = asked.dialect.quote(asked.sync.primary_key)
    return key, f"CASE WHEN CAST({number} AS VARCHAR) = primary_key THEN {number} END"


def _seen(asked: Question, scan: str) -> str:
    """What is compared with the ledger's; NULL: to be looked at whatever it is."""
    if asked.sync.mode == "insert":  # what was accepted once is never looked at again
        return f"CASE WHEN gate = 'eligible' THEN 1 WHEN NOT forced THEN {scan} END"
    return scan if _forced(asked) == "false" else f"CASE WHEN NOT forced THEN {scan} END"


def _scan(warehouse: Warehouse, asked: Question) -> str:
    """An engine may change its own hash between versions: the version is hashed, too."""
    engine = str(warehouse.query("SELECT version()")[0][0])
    key, match = asked.sync.primary_key, asked.sync.match_column
    names = [key, *([match] if match else []), *(each.column for each in asked.parts)]
    # the hash tells neither columns that change places nor types apart (1.50 is 150, a day its number)
    shape = [(each.field, each.column, asked.columns[each.column]) for each in asked.parts]
    return scan_hash(
        f"{asked.scope.sync} {engine} {asked.digest} {[key, asked.columns[key], match, *shape]}",
        [_hashable(asked, name) for name in dict.fromkeys(names)],
    )


def _hashable(asked: Question, name: str) -> str:
    """A column as it is hashed: as text where values that differ may hash alike, as 30 days and a month do."""
    return hashable(asked.dialect.quote(name), asked.columns[name])


def _forced(asked: Question) -> str:
    if asked.full_resync:
        return "true"
    return only_this(asked, _key_text(asked), match_value(asked))


def _known_scan(asked: Question) -> str:
    """What the ledger row was last settled as, in the model's terms."""
    merged = "WHEN merged_from IS NOT NULL THEN NULL " if asked.merges is not None else ""
    accepted = (
        "acked_at IS NOT NULL THEN 1" if asked.sync.mode == "insert" else "scan_hash >= 0 THEN scan_hash"
    )
    return (
        f"CASE {merged}WHEN status = 'acked' AND {accepted}"
        f" WHEN status IN {HELD} AND scan_hash < 0 THEN scan_hash END"
    )


def _gone(asked: Question) -> str:
    return "status = 'removed'" + (" AND merged_from IS NULL" if asked.merges is not None else "")


def _check_missing(warehouse: Warehouse, asked: Question) -> None:
    """Every row needs a key of its own: the ledger is kept by it."""
    sync, key = asked.sync, asked.dialect.quote(asked.sync.primary_key)
    missing = int(warehouse.query(model(asked, "count(*)") + f" WHERE {key} IS NULL")[0][0])
    if missing:
        raise ChangesetStopped(
            f"{sync.name}: {sync.primary_key} is NULL in {missing} rows of {sync.model}; nothing was sent",
            "filter them out in the model",
            SyncCounts(sync.name, rows=asked.staged.rows),
        )


def _check_repeated(warehouse: Warehouse, asked: Question, *, hidden: bool) -> None:
    """A key that the ledger knows repeats where more rows found a ledger row than ledger rows a row: two counts, no sort."""
    new, left = warehouse.query(
        f"SELECT count(*) FILTER (lid IS NULL), count(*) FILTER (place IS NULL) FROM {CANDIDATES}"
    )[0]
    known = int(warehouse.query(f"SELECT count(*) FROM ({asked.known})")[0][0])
    repeated = asked.staged.rows - int(new) != known - int(left)
    if not repeated and new:
        fresh = model(asked, f"count(*), count(DISTINCT {_key_text(asked)})")
        rows, keys = warehouse.query(
            f"{fresh} WHERE {place(asked)} IN (SELECT place FROM {CANDIDATES} WHERE lid IS NULL)"
        )[0]
        repeated = rows != keys or rows != new
    if repeated:
        _name_repeated(warehouse, asked, hidden=hidden)


def _name_repeated(warehouse: Warehouse, asked: Question, *, hidden: bool) -> None:
    sync = asked.sync
    rows = warehouse.query(
        model(asked, f"{_key_text(asked)}, count(*)")
        + " GROUP BY 1 HAVING count(*) > 1 ORDER BY 2 DESC, 1 LIMIT 5"
    )
    named = ", ".join(f"{'***' if hidden else value} ({times} times)" for value, times in rows)
    if rows:
        raise ChangesetStopped(
            f"{sync.name}: {sync.primary_key} is not unique in {sync.model}: {named}; nothing was sent",
            "make the model one row per key",
            SyncCounts(sync.name, rows=asked.staged.rows),
        )


def _key_text(asked: Question) -> str:
    return f"CAST({asked.dialect.quote(asked.sync.primary_key)} AS VARCHAR)"
