"""The ledger: one row per account, object, sync and primary key, with one status and what was last accepted."""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.activate.mapping import literal
from tailrace.activate.result import Options, Scope
from tailrace.errors import FatalError
from tailrace.warehouse.base import META, TableRef, Warehouse

LEDGER = TableRef(META, "ledger")
SYNC_LOG = TableRef(META, "sync_log")
DEAD_LETTERS = TableRef(META, "dead_letters")
MERGED = TableRef(META, "deliveries")
MERGES_READ = TableRef(META, "merges_read")
"""How far each sync has read the landed change log for records that the vendor merged."""

COLUMNS = {
    "account": "VARCHAR",
    "object": "VARCHAR",
    "sync": "VARCHAR",
    "primary_key": "VARCHAR",
    "status": "VARCHAR",
    "acked_hash": "VARCHAR",
    "acked_values": "VARCHAR",
    "sent_hash": "VARCHAR",
    "error": "VARCHAR",
    "attempts": "INTEGER",
    "remote_id": "VARCHAR",
    "acked_at": "TIMESTAMP",
    "run_id": "VARCHAR",
    "subject": "VARCHAR",
    "match_key": "VARCHAR",
    "scan_hash": "BIGINT",
    "fields": "VARCHAR",
}
"""`match_key` is the match value last accepted, `subject` the one last seen: whose the data in `acked_values` is.

`fields` is a digest of the mapping that was sent; `scan_hash` is the engine's own hash and only spares work.
"""

RETRY = "retry"
"""In `sent_hash` of a row that somebody asked for: it is sent though the vendor may have accepted these very values before."""

REPLACED = "tailrace_replaced"

NO_MERGE = "CAST(NULL AS VARCHAR) AS merged_from"

TABLES = {
    LEDGER: COLUMNS,
    SYNC_LOG: {
        "run_id": "VARCHAR",
        "sync": "VARCHAR",
        "key": "VARCHAR",
        "operation": "VARCHAR",
        "fields": "VARCHAR",
        "answer": "VARCHAR",
        "at": "TIMESTAMP",
        "subject": "VARCHAR",
        "account": "VARCHAR",
        "object": "VARCHAR",
    },
    DEAD_LETTERS: {
        "account": "VARCHAR",
        "object": "VARCHAR",
        "sync": "VARCHAR",
        "primary_key": "VARCHAR",
        "reason": "VARCHAR",
        "field": "VARCHAR",
        "payload": "VARCHAR",
        "attempts": "INTEGER",
        "first_at": "TIMESTAMP",
        "last_at": "TIMESTAMP",
        "subject": "VARCHAR",
    },
    MERGED: {"delivery": "VARCHAR", "sync": "VARCHAR", "merged": "BIGINT"},
    MERGES_READ: {"account": "VARCHAR", "object": "VARCHAR", "sync": "VARCHAR", "seq": "BIGINT"},
}


def ensure(warehouse: Warehouse) -> None:
    """Create what is missing; writes nothing where all is there, so that an idle run leaves the file alone."""
    there = warehouse.tables(META)
    for ref, columns in TABLES.items():
        if ref.name not in there:
            warehouse.ensure_schema(META)
            inner = ", ".join(f"{warehouse.dialect.quote(name)} {kind}" for name, kind in columns.items())
            warehouse.execute(f"CREATE TABLE IF NOT EXISTS {warehouse.dialect.table(ref)} ({inner})")


def relation(warehouse: Warehouse, scope: Scope, table: str | None = None) -> str:
    """A SELECT of one scope's rows, with their place as `lid`; `table` may name a ledger elsewhere, a missing one is empty."""
    if table is None and LEDGER.name not in warehouse.tables(META):
        nothing = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in COLUMNS.items())
        return f"SELECT {nothing}, {NO_MERGE}, CAST(NULL AS BIGINT) AS lid WHERE false"
    return f"SELECT *, {NO_MERGE}, rowid AS lid FROM {table or warehouse.dialect.table(LEDGER)} WHERE {within(scope)}"


def within(scope: Scope, alias: str = "") -> str:
    """The condition for one scope's rows."""
    dot = f"{alias}." if alias else ""
    return (
        f"{dot}account = {literal(scope.account)} AND {dot}object = {literal(scope.object)}"
        f" AND {dot}sync = {literal(scope.sync)}"
    )


def statuses(warehouse: Warehouse, scope: Scope, table: str | None = None) -> dict[str, int]:
    """How many ledger rows have which status."""
    found = warehouse.query(
        f"SELECT status, count(*) FROM ({relation(warehouse, scope, table)}) GROUP BY status"
    )
    return {str(status): int(rows) for status, rows in found}


def known_account(warehouse: Warehouse, sync: str, obj: str, table: str | None = None) -> str:
    """The account that a sync last wrote to, for a look without a connection; empty where there is none."""
    if table is None and LEDGER.name not in warehouse.tables(META):
        return ""
    source = table or warehouse.dialect.table(LEDGER)
    rows = warehouse.query(
        f"SELECT account FROM {source} WHERE sync = ? AND object = ? GROUP BY account"
        " ORDER BY max(acked_at) DESC NULLS LAST, account LIMIT 1",
        [sync, obj],
    )
    return str(rows[0][0]) if rows else ""


def check_account(warehouse: Warehouse, scope: Scope, options: Options, table: str | None = None) -> None:
    """Refuse a token of another account than the one this sync has written to, unless a person says so."""
    source = table or warehouse.dialect.table(LEDGER)
    rows = warehouse.query(
        f"SELECT DISTINCT account FROM {source} WHERE object = ? AND sync = ?"
        " AND (acked_at IS NOT NULL OR account = ?)",
        [scope.object, scope.sync, scope.account],
    )
    accounts = sorted(str(row[0]) for row in rows)
    if accounts and scope.account not in accounts and not options.approve:
        if scope.target:
            _refuse_target(scope, accounts)
        raise FatalError(
            f"{scope.sync}: the credentials belong to account {scope.account}, its ledger to {', '.join(accounts)}",
            f"use the credentials of {accounts[0]}, or start with the new account: tailrace run --approve",
        )


def _refuse_target(scope: Scope, accounts: Sequence[str]) -> None:
    """The same account, another list or audience in it."""
    account, _, new = scope.account.rpartition("/")
    before = [known.rpartition("/")[2] for known in accounts if known.rpartition("/")[0] == account]
    if before:
        raise FatalError(
            f"{scope.sync}: it has written to {scope.target} {', '.join(before)}, and now names {new}",
            f"go back to {before[0]}, or start with the new one: tailrace run --approve;"
            f" nothing is removed from {scope.target} {before[0]}",
        )


def write_changes(warehouse: Warehouse, scope: Scope, changes: str) -> int:
    """Put the new state of every changed key into the ledger, in one transaction; returns how many."""
    ledger = warehouse.dialect.table(LEDGER)
    found = int(warehouse.query(f"SELECT count(*) FROM {changes} WHERE rewrite")[0][0])
    if not found:
        return 0
    with warehouse.transaction():
        warehouse.execute(
            f"DELETE FROM {ledger} WHERE {within(scope)}"
            f" AND primary_key IN (SELECT primary_key FROM {changes} WHERE rewrite)"
        )
        warehouse.execute(
            f"INSERT INTO {ledger} BY NAME SELECT {', '.join('n_' + name + ' AS ' + name for name in _written())},"
            f" {literal(scope.account)} AS account, {literal(scope.object)} AS object, {literal(scope.sync)} AS sync,"
            f" primary_key FROM {changes} WHERE rewrite"
        )
    return found


def replace_rows(warehouse: Warehouse, scope: Scope, changed: str) -> None:
    """Take over the columns of a table here for the ledger's rows of its primary keys; a remote id and a run that it lacks stay."""
    ledger = warehouse.dialect.table(LEDGER)
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {REPLACED} AS SELECT l.* REPLACE (c.status AS status, c.acked_hash AS acked_hash,"
        " c.acked_values AS acked_values, c.sent_hash AS sent_hash, c.error AS error, c.attempts AS attempts,"
        " coalesce(c.remote_id, l.remote_id) AS remote_id, c.acked_at AS acked_at, c.match_key AS match_key,"
        " c.subject AS subject, c.scan_hash AS scan_hash, c.fields AS fields)"
        f" FROM {ledger} AS l JOIN {changed} AS c ON c.primary_key = l.primary_key WHERE {within(scope, 'l')}"
    )
    with warehouse.transaction():
        warehouse.execute(
            f"DELETE FROM {ledger} WHERE {within(scope)} AND primary_key IN (SELECT primary_key FROM {REPLACED})"
        )
        names = ", ".join(COLUMNS)
        warehouse.execute(f"INSERT INTO {ledger} ({names}) SELECT {names} FROM {REPLACED}")
    warehouse.execute(f"DROP TABLE temp.{REPLACED}")


def _written() -> list[str]:
    return [name for name in COLUMNS if name not in ("account", "object", "sync", "primary_key")]
