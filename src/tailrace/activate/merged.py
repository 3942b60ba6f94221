"""Records that the vendor has merged: the ledger follows to the record that is left."""

from __future__ import annotations

from tailrace.activate import landed_log
from tailrace.activate.ledger import MERGES_READ, within
from tailrace.activate.mapping import literal
from tailrace.activate.result import Landed, Scope
from tailrace.warehouse.base import META, Warehouse

MERGES = "tailrace_merges"
TOLD = "tailrace_told"
CHAIN = 32
"""How often a record that has taken others in may be taken in itself."""


def look(warehouse: Warehouse, scope: Scope, landed: Landed | None) -> int | None:
    """Make the table MERGES (loser, winner) of what the landed log tells anew; its last `_seq`, None where it tells nothing."""
    if landed is None or not landed_log.is_new(warehouse, scope, landed):
        return None
    if not {landed.key, "_merged_into", "_seq"} <= set(warehouse.columns(landed.changes)):
        return None
    log, key = warehouse.dialect.table(landed.changes), warehouse.dialect.quote(landed.key)
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {TOLD} AS SELECT CAST({key} AS VARCHAR) AS loser, _merged_into AS winner, _seq AS seq"
        f" FROM {log} WHERE _merged_into IS NOT NULL AND _seq > {_read(warehouse, scope)}"
    )
    last = warehouse.query(f"SELECT max(seq) FROM {TOLD}")[0][0]
    if last is None:
        return None
    warehouse.execute(
        f"""CREATE OR REPLACE TEMP TABLE {MERGES} AS
        WITH RECURSIVE told AS (SELECT loser, arg_max(winner, seq) AS winner FROM {TOLD} GROUP BY loser),
        chain AS (
          SELECT loser, winner, 1 AS steps FROM told UNION ALL
          SELECT chain.loser, told.winner, steps + 1 FROM chain JOIN told ON told.loser = chain.winner WHERE steps < {CHAIN})
        SELECT loser, arg_max(winner, steps) AS winner FROM chain GROUP BY loser"""
    )
    return int(last)


def rekeyed(known: str) -> str:
    """The ledger's rows with the records that they are now; what those hold of our values is not known."""
    return (
        "SELECT l.* REPLACE (coalesce(m.winner, l.remote_id) AS remote_id, m.loser AS merged_from,"
        " CASE WHEN m.loser IS NULL THEN l.acked_hash END AS acked_hash,"
        " CASE WHEN m.loser IS NULL THEN l.scan_hash END AS scan_hash)"
        f" FROM ({known}) AS l LEFT JOIN {MERGES} AS m ON m.loser = l.remote_id"
    )


def remember(warehouse: Warehouse, scope: Scope, last: int) -> None:
    """The log up to there is in the ledger; inside the caller's transaction."""
    table = warehouse.dialect.table(MERGES_READ)
    warehouse.execute(f"DELETE FROM {table} WHERE {within(scope)}")
    warehouse.execute(
        f"INSERT INTO {table} VALUES ({literal(scope.account)}, {literal(scope.object)}, {literal(scope.sync)}, {last})"
    )


def _read(warehouse: Warehouse, scope: Scope) -> int:
    if MERGES_READ.name not in warehouse.tables(META):
        return -1
    table = warehouse.dialect.table(MERGES_READ)
    rows = warehouse.query(f"SELECT max(seq) FROM {table} WHERE {within(scope)}")
    return int(rows[0][0]) if rows[0][0] is not None else -1
