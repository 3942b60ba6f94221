"""What a sync has to send: one join of the staged model with the ledger, judged row by row.

Order of judgement: suppressed, filtered, quarantined, then changed or unchanged. Rows that are unchanged leave no trace
in the working table, so its size is the changeset's, not the model's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tailrace.activate import ledger
from tailrace.activate.mapping import (
    MappedField,
    acked_value,
    as_instant,
    comparable_key,
    digest,
    document,
    finite,
    framed,
    links_document,
    literal,
    mapped,
    path,
    scan_hash,
    trimmed,
    value_hash,
)
from tailrace.activate.result import Landed, Scope
from tailrace.connectors.sdk.base import RemoteField
from tailrace.project.spec import Sync
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged

CHANGES = "tailrace_changes"
NEW_ROWS = "tailrace_new_rows"
CREATING = {"insert": "create", "append": "create", "upsert": "upsert", "mirror": "upsert"}


@dataclass(frozen=True)
class Question:
    """Everything that the changeset depends on; `known` is a SELECT of the ledger's rows of `scope`.

    `quarantined` is a SELECT of the keys held back, as `"key"` of the primary key's own type.
    """

    sync: Sync
    staged: Staged
    scope: Scope
    fields: tuple[MappedField, ...]
    columns: dict[str, str]
    digest: str
    known: str
    quarantined: str | None
    full_resync: bool
    remote: Callable[[], Mapping[str, RemoteField]] | None = None
    landed: Landed | None = None


def question(
    warehouse: Warehouse,
    sync: Sync,
    staged: Staged,
    scope: Scope,
    *,
    known: str,
    quarantined: str | None,
    full_resync: bool,
    remote: Callable[[], Mapping[str, RemoteField]] | None = None,
    landed: Landed | None = None,
) -> Question:
    columns = warehouse.columns(staged.ref)
    fields = mapped(sync, columns, warehouse.dialect)
    return Question(
        sync,
        staged,
        scope,
        fields,
        columns,
        digest(sync, fields),
        known,
        quarantined,
        full_resync,
        remote,
        landed,
    )


def collect(warehouse: Warehouse, asked: Question) -> None:
    """Make the working table of everything that changes in the CRM or in the ledger."""
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {CHANGES} AS {changes_sql(warehouse, asked)}")
    if warehouse.query(f"SELECT 1 FROM {CHANGES} WHERE operation IS NOT NULL LIMIT 1"):
        _hold_unsendable(warehouse, asked)
        _look(warehouse, asked)


def _look(warehouse: Warehouse, asked: Question) -> None:
    """Say of every row whether the landed table of the object holds it, by its match value or its remote id."""
    columns = warehouse.columns(asked.landed.table) if asked.landed else {}
    if asked.landed is None or asked.landed.key not in columns:
        return
    quote, table = warehouse.dialect.quote, warehouse.dialect.table(asked.landed.table)
    ids = f"SELECT CAST({quote(asked.landed.key)} AS VARCHAR) FROM {table}"
    there = f"CASE WHEN l_remote_id IS NOT NULL THEN l_remote_id IN ({ids}) END"
    if asked.sync.match_field in columns:
        keys = f"SELECT {comparable_key(trimmed(quote(asked.sync.match_field)))} AS k FROM {table}"
        there = f"coalesce({there}, false) OR coalesce({comparable_key('mk')} IN (SELECT k FROM ({keys}) WHERE k IS NOT NULL), false)"
    warehouse.execute(f"UPDATE {CHANGES} SET there = {there}")


def discard(warehouse: Warehouse) -> None:
    warehouse.execute(f"DROP VIEW IF EXISTS temp.{NEW_ROWS}")
    warehouse.execute(f"DROP TABLE IF EXISTS temp.{CHANGES}")


def gates(warehouse: Warehouse, asked: Question) -> dict[str, int]:
    """Rows of the model by what the row-wise gates say: eligible, suppressed, filtered, quarantined."""
    rows = warehouse.query(f"SELECT gate, count(*) FROM ({_model(warehouse, asked)}) GROUP BY gate")
    return {str(gate): int(count) for gate, count in rows}


def changes_sql(warehouse: Warehouse, asked: Question) -> str:
    """The SELECT that prepare and plan share."""
    values = ", ".join(f"v{number}" for number in range(len(asked.fields)))
    shown = [(field.field, f"e{number}", field.type) for number, field in enumerate(asked.fields)]
    return f"""
    WITH model AS MATERIALIZED ({_model(warehouse, asked)}), known AS ({asked.known}),
    joined AS (
      SELECT coalesce(model.pk, known.primary_key) AS primary_key,
        coalesce(model.ord, TRY_CAST(known.primary_key AS {asked.columns[asked.sync.primary_key]})) AS ord,
        coalesce(gate, 'absent') AS gate, mk, model.scan, links, updated_at, {values}, {_effective(asked)},
        {_ledger_columns()}
      FROM model FULL JOIN known ON known.primary_key = model.pk),
    hashed AS (SELECT *, {_hash(warehouse, asked)} AS hash, coalesce(lower(l_match_key) = lower(mk), false) AS same_key,
      coalesce(lower(l_subject) = lower(mk), false) AS same_subject FROM joined),
    compared AS (SELECT *, {_same(warehouse, asked)} AS same, {_held(asked)} AS held, {_left(asked)} AS leaving FROM hashed),
    decided AS (SELECT *, {_operation(asked)} AS operation FROM compared),
    judged AS (SELECT *, {_status()} AS status, {_target()} AS target FROM decided)
    SELECT * EXCLUDE ({", ".join(name for _, name, _ in shown)}), CAST(NULL AS VARCHAR) AS reason, true AS chosen,
      CAST(NULL AS BOOLEAN) AS there,
      CASE WHEN gate = 'eligible' THEN {document(shown)} END AS vals,
      {_by_id(asked)} AS by_id,
      coalesce(l_status IN ('pending', 'unknown') AND l_sent_hash = {sent_hash()}
        AND (leaving OR same_subject), false) AS through
    FROM judged
    WHERE operation IS NOT NULL OR status IS DISTINCT FROM l_status
      OR ({_refreshes(asked)} AND (l_fields IS DISTINCT FROM {literal(asked.digest)} OR l_scan_hash IS DISTINCT FROM scan))
      OR (gate IN ('suppressed', 'filtered', 'quarantined') AND l_subject IS DISTINCT FROM mk)
    """


def sent_hash() -> str:
    """What `sent_hash` holds for a row that is sent: its values' hash, or the word of what was done to it."""
    return "CASE WHEN leaving THEN operation ELSE hash END"


def _model(warehouse: Warehouse, asked: Question) -> str:
    quote = warehouse.dialect.quote
    sync = asked.sync
    key = quote(sync.primary_key)
    match = trimmed(quote(sync.match_column)) if sync.match_column else "CAST(NULL AS VARCHAR)"
    values = ", ".join(f"{field.value} AS v{number}" for number, field in enumerate(asked.fields))
    # consent that is not known is no consent: NULL suppresses
    # a condition may end in a comment: what follows it needs a line of its own
    rules = [f"WHEN coalesce(({sync.suppress}\n), true) THEN 'suppressed'"] if sync.suppress else []
    if sync.where:
        rules.append(f"WHEN NOT coalesce(({sync.where}\n), false) THEN 'filtered'")
    if asked.quarantined:
        # typed: the keys are of the model's own column, and equal only where the engine says so
        rules.append(f"WHEN {key} IN (SELECT \"key\" FROM ({asked.quarantined})) THEN 'quarantined'")
    gate = f"CASE {' '.join(rules)} ELSE 'eligible' END" if rules else "'eligible'"
    inner = [field.value for field in asked.fields]
    return f"""SELECT {key} AS ord, CAST({key} AS VARCHAR) AS pk, {match} AS mk, {_updated_at(asked, quote)} AS updated_at,
      {links_document(sync.associations, quote)} AS links,
      {gate} AS gate, {scan_hash(f"duckdb {_engine(warehouse)} {asked.digest}", inner)} AS scan, {values}
      FROM {warehouse.dialect.table(asked.staged.ref)}"""


def _updated_at(asked: Question, quote: Callable[[str], str]) -> str:
    """When our row changed, as a time in UTC."""
    column = asked.sync.updated_at
    return as_instant(quote(column), asked.columns[column]) if column else "CAST(NULL AS TIMESTAMP)"


def _engine(warehouse: Warehouse) -> str:
    """An engine may change its own hash between versions."""
    return str(warehouse.query("SELECT version()")[0][0])


def _effective(asked: Question) -> str:
    """A NULL that is skipped keeps the value that was last accepted."""
    parts = []
    for number, field in enumerate(asked.fields):
        value = (
            f"coalesce(v{number}, {acked_value('known.acked_values', field)})"
            if field.skips
            else f"v{number}"
        )
        parts.append(f"{value} AS e{number}")
    return ", ".join(parts)


def _ledger_columns() -> str:
    return ", ".join(
        f"known.{name} AS l_{name}"
        for name in ledger.COLUMNS
        if name not in ("account", "object", "sync", "primary_key")
    )


def _hash(warehouse: Warehouse, asked: Question) -> str:
    parts = [
        (field.field, framed(warehouse.dialect, f"e{number}", field.type))
        for number, field in enumerate(asked.fields)
    ]
    return (
        "CASE WHEN l_status <> 'unknown' AND l_scan_hash = scan AND l_acked_hash IS NOT NULL THEN l_acked_hash"
        f" WHEN gate = 'eligible' THEN {value_hash(parts)} END"
    )


def _acked_hash_now(warehouse: Warehouse, asked: Question) -> str:
    """The accepted values under today's mapping: a field that was never sent differs from every value."""
    parts = []
    for field in asked.fields:
        there = f"json_exists(l_acked_values, {path(field.field)})"
        known = framed(warehouse.dialect, acked_value("l_acked_values", field), field.type)
        parts.append((field.field, f"CASE WHEN {there} THEN {known} ELSE 'absent' END"))
    return value_hash(parts)


def _same(warehouse: Warehouse, asked: Question) -> str:
    if asked.sync.mode == "insert":
        return "coalesce(gate = 'eligible' AND l_acked_at IS NOT NULL AND l_status <> 'unknown', false)"
    if asked.full_resync:
        return "false"
    return (
        "coalesce(gate = 'eligible' AND l_acked_hash IS NOT NULL AND l_status <> 'unknown' AND same_key AND CASE"
        f" WHEN l_fields = {literal(asked.digest)} OR l_acked_hash = hash THEN l_acked_hash = hash"
        f" ELSE {_acked_hash_now(warehouse, asked)} = hash END, false)"
    )


def _held(asked: Question) -> str:
    """Refused before, and nothing has changed since: neither its values nor its key nor the mapping."""
    if asked.full_resync:
        return "false"
    return (
        "coalesce(gate = 'eligible' AND l_status IN ('dead', 'unmatched', 'conflict') AND l_sent_hash = hash"
        f" AND l_fields = {literal(asked.digest)} AND same_subject, false)"
    )


def _left(asked: Question) -> str:
    """Rows that left the model or the `where` just now, and that the vendor has something of."""
    if asked.sync.on_removed == "keep":
        return "false"
    return (
        "coalesce(gate IN ('absent', 'filtered') AND (l_acked_values IS NOT NULL OR l_status = 'unknown')"
        " AND l_status NOT IN ('removed', 'filtered', 'suppressed'), false)"
    )


def _operation(asked: Question) -> str:
    sync = asked.sync
    usual = literal(CREATING.get(sync.mode, "update"))
    if usual == "'upsert'":
        # a known record whose key has changed is changed in place: an upsert would make a second one
        usual = f"CASE WHEN {_moved()} THEN 'update' ELSE 'upsert' END"
    leaving = literal(sync.on_removed)
    return (
        f"CASE WHEN gate = 'eligible' AND NOT same AND NOT held THEN {usual}"
        f" WHEN leaving AND NOT coalesce(l_status = 'dead' AND l_sent_hash = {leaving}, false) THEN {leaving} END"
    )


def _moved() -> str:
    return "(l_remote_id IS NOT NULL AND l_acked_values IS NOT NULL AND NOT same_key)"


def _by_id(asked: Question) -> str:
    moved = _moved() if CREATING.get(asked.sync.mode) == "upsert" else "false"
    return f"CASE WHEN leaving THEN l_remote_id IS NOT NULL ELSE {moved} END"


def _status() -> str:
    resent = "CASE WHEN l_status = 'unknown' THEN 'unknown' ELSE 'pending' END"
    return (
        f"CASE WHEN operation IS NOT NULL THEN {resent} WHEN same THEN 'acked' WHEN held OR leaving THEN l_status"
        " WHEN gate = 'absent' THEN 'removed' ELSE gate END"
    )


def _target() -> str:
    return "CASE gate WHEN 'eligible' THEN 'acked' WHEN 'absent' THEN 'removed' ELSE gate END"


def _refreshes(asked: Question) -> str:
    return "false" if asked.sync.mode == "insert" else "same"


def _hold_unsendable(warehouse: Warehouse, asked: Question) -> None:
    """Rows that no request could carry are held back with their reason; nobody is asked about them."""
    match = asked.sync.match_column
    _hold(warehouse, "match_key_missing", "mk IS NULL AND NOT leaving", "unmatched", f"{match} is empty")
    _hold(
        warehouse,
        "left_without_key",
        "leaving AND l_remote_id IS NULL AND l_match_key IS NULL",
        "",
        "no remote id is known",
    )
    owned = f"SELECT lower(mk) FROM ({_model(warehouse, asked)}) WHERE gate = 'eligible' AND mk IS NOT NULL"
    _hold(
        warehouse,
        "another_row_owns_the_record",
        f"leaving AND lower(l_match_key) IN ({owned})",
        "",
        "its record is another row's now",
    )
    for number, field in enumerate(asked.fields):
        sound = finite(f"v{number}", field.type)
        if sound:
            _hold(
                warehouse,
                "not_finite",
                f"NOT {sound}",
                "dead",
                f"{field.column} is not a number: NaN or infinite",
            )
    _hold_duplicates(warehouse, asked)


def _hold(warehouse: Warehouse, what: str, condition: str, status: str, reason: str) -> None:
    """`status` empty: the row goes to where it was going, without a request. `what` names the rule in errors."""
    wanted = literal(status) if status else "target"
    warehouse.execute(
        f"UPDATE {CHANGES} SET operation = NULL, status = {wanted}, reason = {literal(reason)}"
        f" WHERE operation IS NOT NULL AND {condition} /* {what} */"
    )


def _hold_duplicates(warehouse: Warehouse, asked: Question) -> None:
    """Two rows with one match value would overwrite each other at the vendor: neither is sent."""
    name = asked.sync.match_column
    twins = (
        f"SELECT lower(mk) AS twin, count(*) AS n FROM ({_model(warehouse, asked)}) WHERE gate = 'eligible' AND lower(mk) IN"
        f" (SELECT lower(mk) FROM {CHANGES} WHERE operation IS NOT NULL AND NOT leaving) GROUP BY 1 HAVING count(*) > 1"
    )
    warehouse.execute(
        f"UPDATE {CHANGES} SET operation = NULL, status = 'dead', reason = {literal(name + ' is the same in ')} || n || ' rows'"
        f" FROM ({twins}) AS t WHERE {CHANGES}.operation IS NOT NULL AND NOT leaving AND lower(mk) = t.twin"
    )


def choose(warehouse: Warehouse, limit: int | None) -> None:
    """With a limit only the first rows by primary key are sent; the rest waits."""
    if limit is None:
        return
    first = (
        f"SELECT primary_key FROM {CHANGES} WHERE operation IS NOT NULL"
        f" ORDER BY ord NULLS LAST, primary_key LIMIT {int(limit)}"
    )
    warehouse.execute(f"UPDATE {CHANGES} SET chosen = primary_key IN ({first})")


def stage_sql(asked: Question) -> str:
    """The rows to send as the delivery's file holds them: grouped by kind of request, then by primary key."""
    values = "".join(f", v{number}" for number in range(len(asked.fields)))
    skipping = [
        f"CASE WHEN v{number} IS NULL THEN {literal(_drop(field.field))} END"
        for number, field in enumerate(asked.fields)
        if field.skips
    ]
    sent = "vals"
    for patch in skipping:
        sent = f"CAST(json_merge_patch({sent}, coalesce({patch}, '{{}}')) AS VARCHAR)"
    return f"""SELECT primary_key, coalesce(mk, l_match_key) AS match_key, operation, by_id, l_remote_id AS remote_id,
      {sent_hash()} AS hash, vals, {sent} AS sent, links, CASE WHEN NOT same_key THEN l_match_key END AS previous_key,
      updated_at, scan, target, l_status = 'unknown' AS lookup, l_acked_at IS NULL AS fresh,
      coalesce(l_attempts, 0) AS attempts, l_acked_hash, l_acked_values, l_acked_at, l_match_key, l_scan_hash{values}
      FROM {CHANGES} WHERE operation IS NOT NULL AND chosen
      ORDER BY operation, by_id, ord NULLS LAST, primary_key"""


def _drop(field: str) -> str:
    import json

    return json.dumps({field: None})


def new_rows(warehouse: Warehouse, asked: Question, run_id: str, *, passed: bool) -> str:
    """A view of the changes with every ledger column as it becomes (`n_`), and whether it differs (`rewrite`)."""
    sending = f"(operation IS NOT NULL AND chosen AND {'true' if passed else 'false'})"
    given_up = "(leaving AND reason IS NOT NULL)"
    new = {
        "status": "status",
        "acked_hash": f"CASE WHEN same THEN hash WHEN {given_up} THEN NULL ELSE l_acked_hash END",
        "acked_values": f"CASE WHEN same THEN vals WHEN {given_up} THEN NULL ELSE l_acked_values END",
        "sent_hash": f"CASE WHEN {sending} THEN {sent_hash()} WHEN reason IS NOT NULL THEN NULL ELSE l_sent_hash END",
        "error": "CASE WHEN reason IS NOT NULL THEN reason WHEN status = l_status OR operation IS NOT NULL THEN l_error END",
        "attempts": "coalesce(l_attempts, 0)",
        "remote_id": "l_remote_id",
        "acked_at": "l_acked_at",
        "run_id": literal(run_id),
        "subject": "coalesce(mk, l_subject)",
        "match_key": "l_match_key",
        "scan_hash": "CASE WHEN same THEN scan ELSE l_scan_hash END",
        "fields": f"CASE WHEN same THEN {literal(asked.digest)} ELSE l_fields END",
    }
    if _refreshes(asked) != "same":
        new |= {"acked_hash": "l_acked_hash", "acked_values": "l_acked_values"}
    warehouse.execute(
        f"CREATE OR REPLACE TEMP VIEW {NEW_ROWS} AS SELECT primary_key, {_select(new)}, {_differs(new)} AS rewrite FROM {CHANGES}"
    )
    return NEW_ROWS


def _select(new: dict[str, str]) -> str:
    return ", ".join(f"{expression} AS n_{name}" for name, expression in new.items())


def _differs(new: dict[str, str]) -> str:
    compared: Sequence[str] = [name for name in new if name != "run_id"]
    return " OR ".join(f"({new[name]}) IS DISTINCT FROM l_{name}" for name in compared)
