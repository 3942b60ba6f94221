"""What the vendor has, as far as a pipeline lands it: whether a row's record is there, and since when."""

from __future__ import annotations

from tailrace.activate import landed_log
from tailrace.activate.candidates import match_value, model, place
from tailrace.activate.mapping import comparable_key, literal, trimmed
from tailrace.activate.question import CANDIDATES, Question
from tailrace.activate.result import Landed
from tailrace.warehouse.base import Warehouse

NEAR, LOGGED, IDS, KEYS = "tailrace_landed", "tailrace_logged", "tailrace_wanted_ids", "tailrace_wanted_keys"

BY_KEY = f"coalesce({comparable_key('mk')} IN (SELECT k FROM landed_keys), false)"


def tables(warehouse: Warehouse, asked: Question) -> str:
    """CTEs of the landed keys and ids that candidates have: the landed table is streamed past the candidates."""
    landed = asked.landed
    if landed is None or landed.key not in asked.landed_columns:
        return ""
    found = []
    table = _table(warehouse, asked, landed)
    if _matched(asked):
        found.append(f"wanted AS MATERIALIZED ({_wanted(asked, comparable_key(match_value(asked)))})")
        found.append(
            f"landed_keys AS (SELECT k FROM ({_keys(asked, table, 'NULL')}) WHERE k IN (FROM wanted))"
        )
    key = f"CAST({asked.dialect.quote(landed.key)} AS VARCHAR)"
    ids = f"SELECT {key} AS k FROM {table}"
    found.append(f"landed_ids AS (SELECT k FROM ({ids}) WHERE k IN (SELECT remote_id FROM known))")
    if _logged(warehouse, asked) and landed_log.is_new(warehouse, asked.scope, landed):
        keys = f"{_keys(asked, _log(warehouse, asked, landed), '_run_id')} WHERE _op <> 'delete'"
        found.append(
            f"landed_since AS (SELECT k, max(run) AS run FROM ({keys}) WHERE k IN (FROM wanted) GROUP BY k)"
        )
    return "".join(f"{each}, " for each in found)


def _wanted(asked: Question, key: str) -> str:
    return f"{model(asked, key)} WHERE {place(asked)} IN (SELECT place FROM {CANDIDATES})"


def _table(warehouse: Warehouse, asked: Question, landed: Landed) -> str:
    """The landed table; where it is far away, of it the records that candidates may mean."""
    table = asked.dialect.table(landed.table)
    if warehouse.keep_near(landed.table):
        return table
    quote, field = asked.dialect.quote, asked.sync.match_field
    ids = f"SELECT lid, remote_id FROM ({asked.known}) WHERE lid IN (SELECT lid FROM {CANDIDATES})"
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {IDS} AS SELECT remote_id AS k FROM ({ids}) WHERE remote_id IS NOT NULL"
    )
    condition = f"CAST({quote(landed.key)} AS VARCHAR) IN (SELECT k FROM {IDS})"
    named = quote(landed.key)
    if field and _matched(asked):
        keys = _wanted(asked, f"lower({match_value(asked)}) AS k")
        warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE {KEYS} AS SELECT DISTINCT k FROM ({keys}) WHERE k IS NOT NULL"
        )
        condition += f" OR lower({trimmed(quote(field))}) IN (SELECT k FROM {KEYS})"
        named += f", {quote(field)}" if field != landed.key else ""
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {NEAR} AS SELECT {named} FROM {table} WHERE {condition}")
    return NEAR


def _log(warehouse: Warehouse, asked: Question, landed: Landed) -> str:
    """The landed log; where it is far away, of it what was logged since the first of the rows that wait was tried."""
    log = asked.dialect.table(landed.changes)
    if warehouse.engine == "duckdb":
        return log
    oldest = warehouse.query(f"SELECT min(run_id) FROM ({asked.known}) WHERE status = 'unmatched'")[0][0]
    field = asked.dialect.quote(str(asked.sync.match_field))
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {LOGGED} AS SELECT {field}, _run_id, _op FROM {log}"
        f" WHERE _run_id > {literal(str(oldest or ''))}"
    )
    return LOGGED


def discard(warehouse: Warehouse) -> None:
    """What was brought here."""
    for table in (NEAR, LOGGED, IDS, KEYS):
        warehouse.execute(f"DROP TABLE IF EXISTS temp.{table}")


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
    if not landed_log.is_new(warehouse, asked.scope, asked.landed):
        return "false"  # nothing has come since
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


def _keys(asked: Question, table: str, run: str) -> str:
    key = comparable_key(trimmed(asked.dialect.quote(asked.sync.match_field)))
    return f"SELECT {key} AS k, {run} AS run FROM {table}"
