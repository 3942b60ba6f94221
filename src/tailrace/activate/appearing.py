"""What the vendor has, as far as a pipeline lands it: whether a row's record is there, and since when."""

from __future__ import annotations

from tailrace.activate.candidates import match_value, model, place
from tailrace.activate.mapping import comparable_key, trimmed
from tailrace.activate.question import CANDIDATES, Question
from tailrace.warehouse.base import TableRef, Warehouse

BY_KEY = f"coalesce({comparable_key('mk')} IN (SELECT k FROM landed_keys), false)"


def tables(warehouse: Warehouse, asked: Question) -> str:
    """CTEs of the landed keys and ids that candidates have: the landed table is streamed past the candidates."""
    landed = asked.landed
    if landed is None or landed.key not in asked.landed_columns:
        return ""
    found = []
    if _matched(asked):
        own = comparable_key(match_value(asked))
        wanted = f"{model(asked, own)} WHERE {place(asked)} IN (SELECT place FROM {CANDIDATES})"
        found.append(f"wanted AS MATERIALIZED ({wanted})")
        found.append(
            f"landed_keys AS (SELECT k FROM ({_keys(asked, landed.table, 'NULL')}) WHERE k IN (FROM wanted))"
        )
    key = f"CAST({asked.dialect.quote(landed.key)} AS VARCHAR)"
    ids = f"SELECT {key} AS k FROM {asked.dialect.table(landed.table)}"
    found.append(f"landed_ids AS (SELECT k FROM ({ids}) WHERE k IN (SELECT remote_id FROM known))")
    if _logged(warehouse, asked):
        keys = f"{_keys(asked, landed.changes, '_run_id')} WHERE _op <> 'delete'"
        found.append(
            f"landed_since AS (SELECT k, max(run) AS run FROM ({keys}) WHERE k IN (FROM wanted) GROUP BY k)"
        )
    return "".join(f"{each}, " for each in found)


def there(asked: Question) -> str:
    """Two columns: whether the landed table holds the row's match value, and its remote id; NULL where that is not known."""
    by_key, by_id = "CAST(NULL AS BOOLEAN)", "CAST(NULL AS BOOLEAN)"
    if asked.landed is not None and asked.landed.key in asked.landed_columns:
        by_id = "CASE WHEN l_remote_id IS NOT NULL THEN l_remote_id IN (SELECT k FROM landed_ids) END"
        if _matched(asked):
            by_key = BY_KEY
    return f"{by_key} AS there_by_key, {by_id} AS there_by_id"


def since(warehouse: Warehouse, asked: Question) -> str:
    """Whether the record of an unmatched row was landed after the row was last tried; runs are named by their time."""
    if asked.landed is None or not _matched(asked) or asked.landed.key not in asked.landed_columns:
        return "false"
    if not _logged(warehouse, asked):  # no log tells since when: it is there now
        return f"coalesce(l_status = 'unmatched' AND {BY_KEY}, false)"
    run = f"(SELECT run FROM landed_since WHERE k = {comparable_key('mk')})"
    return f"coalesce(l_status = 'unmatched' AND {run} > l_run_id, false)"


def _matched(asked: Question) -> bool:
    return bool(asked.sync.match_field) and asked.sync.match_field in asked.landed_columns


def _logged(warehouse: Warehouse, asked: Question) -> bool:
    """Whether rows wait for their record, and a change log tells when records came."""
    if asked.landed is None or not _matched(asked):
        return False
    if not {asked.sync.match_field, "_run_id", "_op"} <= set(warehouse.columns(asked.landed.changes)):
        return False
    return bool(warehouse.query(f"SELECT 1 FROM ({asked.known}) WHERE status = 'unmatched' LIMIT 1"))


def _keys(asked: Question, table: TableRef, run: str) -> str:
    key = comparable_key(trimmed(asked.dialect.quote(asked.sync.match_field)))
    return f"SELECT {key} AS k, {run} AS run FROM {asked.dialect.table(table)}"
