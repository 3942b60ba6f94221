"""Bring a delivery's outcomes from the journal into the ledger, in bulk; done twice it gives the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from tailrace.activate.dead_letter import write_letters
from tailrace.activate.ledger import COLUMNS, LEDGER, MERGED, SYNC_LOG, within
from tailrace.activate.mapping import comparable_key, literal, with_dropped
from tailrace.activate.result import Scope
from tailrace.failpoints import reach
from tailrace.state.journal import BatchRecord, Delivery
from tailrace.warehouse.base import Warehouse

CHUNK, CHUNKS = 10_000, 16
"""Rows merged in one transaction at least, and transactions at most: memory grows with the one, and each of the others looks
through the whole ledger."""

FAR_CHUNK = 250_000
"""The same where a transaction is a job over there: as many jobs for ten rows as for most syncs."""

ANSWERS = "tailrace_answers"
OVERWRITTEN = "tailrace_overwritten"
STAGED = (
    "primary_key", "match_key", "operation", "by_id", "remote_id", "hash", "vals", "sent", "scan", "target", "fresh", "attempts",
    "l_acked_hash", "l_acked_values", "l_acked_at", "l_match_key", "l_scan_hash",
)  # fmt: skip
"""What the ledger and the log need of a staged row."""

SENT = "coalesce(sent, vals)"
"""A file says what is sent only where it is not the row's whole value."""

SHAPE = (
    '[{"first":"BIGINT","at":"VARCHAR","o":{"all":"VARCHAR","r":"VARCHAR","ids":["VARCHAR"],'
    '"x":[{"p":"BIGINT","o":"VARCHAR","r":"VARCHAR","f":"VARCHAR","k":"VARCHAR","s":"VARCHAR","t":"BOOLEAN"}]}}]'
)


def merge(
    warehouse: Warehouse, delivery: Delivery, records: Sequence[BatchRecord]
) -> Counter[tuple[str, bool, str]]:
    """Merge every answered batch; returns rows by (operation, first time, outcome), merged earlier ones included."""
    counts: Counter[tuple[str, bool, str]] = Counter()
    done = _merged(warehouse, delivery)
    most = max(CHUNK if warehouse.engine == "duckdb" else FAR_CHUNK, -(-delivery.rows // CHUNKS))
    for chunk in _chunks([record for record in records if not _unsent(record)], most):
        _load(warehouse, delivery, chunk)
        for operation, fresh, outcome, rows in warehouse.query(
            f"SELECT operation, fresh, outcome, count(*) FROM {ANSWERS} GROUP BY ALL"
        ):
            counts[operation, fresh, outcome] += int(rows)
        if chunk[-1].seq > done:
            reach("activate:before_merge")
            _merge_chunk(warehouse, delivery, chunk[-1].seq)
            reach("activate:after_merge")
    warehouse.execute(f"DROP TABLE IF EXISTS temp.{ANSWERS}")
    return counts


def give_up(warehouse: Warehouse, delivery: Delivery) -> Counter[tuple[str, bool, str]]:
    """The staged rows are gone, so no answer can be matched: of everything that waits nothing is known any more."""
    scope = Scope(delivery.account, delivery.object, delivery.sync)
    warehouse.execute(
        f"UPDATE {warehouse.dialect.table(LEDGER)} SET status = 'unknown', acked_hash = NULL, scan_hash = NULL"
        f" WHERE {within(scope)} AND status = 'pending'"
    )
    return Counter()


def requests(records: Sequence[BatchRecord]) -> int:
    """Write requests of a delivery; one whose answer is not known counts as sent."""
    return sum(1 if record.outcome is None else int(json.loads(record.outcome)["w"]) for record in records)


def fields_told(records: Sequence[BatchRecord]) -> tuple[int, int]:
    """Fields that were kept as people edited them, and fields written over an edit."""
    odd = [
        each for record in records for each in json.loads(record.outcome or '{"x": []}')["x"] if each.get("s")
    ]
    return sum(len(json.loads(each["s"])) for each in odd), sum(len(each["e"]) for each in odd)


def _chunks(records: Sequence[BatchRecord], most: int) -> Iterator[list[BatchRecord]]:
    """Whole batches, of `most` rows together."""
    chunk: list[BatchRecord] = []
    rows = 0
    for record in records:
        if chunk and rows + record.n > most:
            yield chunk
            chunk, rows = [], 0
        chunk.append(record)
        rows += record.n
    if chunk:
        yield chunk


def _unsent(record: BatchRecord) -> bool:
    """Whether nothing of the batch reached the vendor: its rows stay as they are in the ledger."""
    return record.outcome is not None and record.outcome.startswith('{"all":"pending"')


def _merged(warehouse: Warehouse, delivery: Delivery) -> int:
    """The last batch whose outcome is in this warehouse; -1 for none."""
    table = warehouse.dialect.table(MERGED)
    rows = warehouse.query(f"SELECT max(merged) FROM {table} WHERE delivery = ?", [delivery.delivery])
    return int(rows[0][0]) if rows and rows[0][0] is not None else -1


def _load(warehouse: Warehouse, delivery: Delivery, chunk: Sequence[BatchRecord]) -> None:
    """Answers beside the staged rows they belong to, matched by the place in the file."""
    first, last = chunk[0].first, chunk[-1].first + chunk[-1].n - 1
    warehouse.execute(
        f"""CREATE OR REPLACE TEMP TABLE {ANSWERS} AS
        WITH b AS (SELECT unnest(from_json(?, {literal(SHAPE)})) AS b),
        ids AS (SELECT b.first + generate_subscripts(b.o.ids, 1) - 1 AS ord, unnest(b.o.ids) AS id, b.o."all" AS usual,
          b.o.r AS why, CAST(b.at AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS told_at FROM b),
        odd AS (SELECT first + x.p AS ord, x FROM (SELECT b.first AS first, unnest(b.o.x) AS x FROM b))
        SELECT {", ".join(f"s.{name}" for name in STAGED)}, coalesce(x.o, usual) AS outcome, ids.id, coalesce(x.r, why) AS reason, x.f AS field, x.k AS kept,
          x.s AS kept_names, coalesce(x.t, false) AS touched, ids.told_at
        FROM ids JOIN (SELECT * FROM read_parquet({literal(str(delivery.stage))}, file_row_number = true)
          WHERE file_row_number BETWEEN {first} AND {last}) s ON s.file_row_number = ids.ord
        LEFT JOIN odd ON odd.ord = ids.ord""",
        [_answers(chunk)],
    )


def _answers(chunk: Sequence[BatchRecord]) -> str:
    """The journal's own JSON, strung together; an intent without an answer says that nothing is known."""
    parts = []
    for record in chunk:
        lost = {"all": "unknown", "r": "the answer was lost", "ids": [None] * record.n, "x": []}
        outcome = record.outcome if record.outcome is not None else json.dumps(lost)
        parts.append(f'{{"first":{record.first},"at":{json.dumps(record.sent_at)},"o":{outcome}}}')
    return f"[{','.join(parts)}]"


def _merge_chunk(warehouse: Warehouse, delivery: Delivery, last: int) -> None:
    scope = Scope(delivery.account, delivery.object, delivery.sync)
    ledger, merged = warehouse.dialect.table(LEDGER), warehouse.dialect.table(MERGED)
    with warehouse.transaction():
        warehouse.execute(
            f"DELETE FROM {ledger} WHERE {within(scope)} AND primary_key IN (SELECT primary_key FROM {ANSWERS})"
        )
        new = ", ".join(f"{expression} AS {name}" for name, expression in _ledger_row(delivery).items())
        warehouse.execute(f"INSERT INTO {ledger} BY NAME SELECT {new} FROM {ANSWERS}")
        _forget_overwritten(warehouse, scope)
        write_letters(warehouse, scope, _letters())
        _log(warehouse, delivery)
        warehouse.execute(f"DELETE FROM {merged} WHERE sync = ?", [delivery.sync])
        warehouse.execute(f"INSERT INTO {merged} VALUES (?, ?, ?)", [delivery.delivery, delivery.sync, last])


def _forget_overwritten(warehouse: Warehouse, scope: Scope) -> None:
    """A record that two rows wrote to, one after the other, no longer has what the first one's ledger row says."""
    ledger = warehouse.dialect.table(LEDGER)
    written, key = f"FROM {ANSWERS} WHERE outcome IN ('acked', 'unknown')", comparable_key("match_key")
    # told by key: an engine that is far away is sent their names and need not know how match values are compared
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {OVERWRITTEN} AS SELECT primary_key FROM {ledger}"
        f" WHERE {within(scope)} AND acked_hash IS NOT NULL AND (remote_id IN (SELECT id {written} AND id IS NOT NULL)"
        f" OR {key} IN (SELECT {key} {written} AND match_key IS NOT NULL))"
        f" AND primary_key NOT IN (SELECT primary_key FROM {ANSWERS})"
    )
    warehouse.execute(
        f"UPDATE {ledger} SET acked_hash = NULL, acked_values = NULL, scan_hash = NULL"
        f" WHERE {within(scope)} AND primary_key IN (SELECT primary_key FROM {OVERWRITTEN})"
    )
    warehouse.execute(f"DROP TABLE IF EXISTS temp.{OVERWRITTEN}")


def _ledger_row(delivery: Delivery) -> dict[str, str]:
    """Every ledger column out of an answered row; what was accepted before stays where the vendor said no."""
    kept = "CASE WHEN kept IS NULL THEN vals ELSE CAST(json_merge_patch(vals, kept) AS VARCHAR) END"
    accepted = with_dropped(f"({kept})", "l_acked_values", delivery.meta["parts"])
    moved = "(outcome = 'unmatched' AND by_id AND target = 'acked' AND field IS NULL)"
    row = {
        "account": literal(delivery.account),
        "object": literal(delivery.object),
        "sync": literal(delivery.sync),
        "primary_key": "primary_key",
        # a record that is gone by its id: the next run looks for it by its key; with a field it is another record that lacks
        "status": f"CASE WHEN {_gone()} THEN target WHEN {moved} THEN 'pending' ELSE outcome END",
        # what a lost answer or a half done write left at the vendor is not known: the old hash proves nothing any more
        "acked_hash": f"CASE WHEN {_gone()} AND target = 'acked' THEN hash"
        f" WHEN NOT {_gone()} AND outcome <> 'unknown' AND NOT touched THEN l_acked_hash END",
        "acked_values": f"CASE WHEN NOT {_gone()} THEN l_acked_values WHEN target = 'acked' THEN {accepted} END",
        "sent_hash": "hash",
        "error": f"CASE WHEN NOT {_gone()} THEN reason END",
        "attempts": f"CAST(CASE WHEN {_gone()} THEN 0 ELSE attempts + 1 END AS INTEGER)",
        "remote_id": f"CASE WHEN {moved} OR ({_gone()} AND operation = 'archive') THEN NULL"
        # a refusal names a record only where none is known: it may be somebody else's
        f" WHEN {_gone()} THEN coalesce(id, remote_id) ELSE coalesce(remote_id, id) END",
        "acked_at": f"CASE WHEN {_gone()} AND operation = 'archive' THEN NULL WHEN {_gone()} THEN told_at ELSE l_acked_at END",
        "run_id": literal(delivery.run_id),
        "subject": "match_key",
        # the key of a first request without an answer is kept: a record may stand under it
        "match_key": f"CASE WHEN {_gone()} THEN match_key WHEN outcome = 'unknown' AND l_acked_at IS NULL"
        " AND target = 'acked' THEN coalesce(l_match_key, match_key) ELSE l_match_key END",
        "scan_hash": f"CASE WHEN NOT {_gone()} THEN l_scan_hash WHEN target = 'acked' THEN scan END",
        "fields": literal(str(delivery.meta["digest"])),
    }
    assert set(row) == set(COLUMNS)
    return row


def _gone() -> str:
    """The vendor has what we wanted: it accepted, or a record that we wanted gone is not there."""
    return "(outcome = 'acked' OR (outcome = 'unmatched' AND target <> 'acked'))"


def _letters() -> str:
    return (
        f"SELECT primary_key, outcome = 'dead' AS dead, reason, field, {SENT} AS payload,"
        f" CAST(attempts + 1 AS INTEGER) AS attempts, told_at, match_key AS subject FROM {ANSWERS}"
    )


def _log(warehouse: Warehouse, delivery: Delivery) -> None:
    sent = (
        f"CASE WHEN outcome = 'conflict' THEN NULL WHEN kept IS NULL THEN {SENT}"
        f" ELSE CAST(json_merge_patch({SENT}, kept_names) AS VARCHAR) END"
    )
    warehouse.execute(
        f"INSERT INTO {warehouse.dialect.table(SYNC_LOG)} BY NAME SELECT {literal(delivery.run_id)} AS run_id,"
        f" {literal(delivery.sync)} AS sync, primary_key AS key, operation, {sent} AS fields,"
        " CASE WHEN reason IS NULL THEN outcome ELSE outcome || ': ' || reason END AS answer, told_at AS at, match_key AS subject,"
        f" {literal(delivery.account)} AS account, {literal(delivery.object)} AS object FROM {ANSWERS}"
    )
