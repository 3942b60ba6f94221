"""Rows that a vendor refused: kept with their reason until they change, are retried, or are dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tailrace.activate.ledger import DEAD_LETTERS, LEDGER, ensure, within
from tailrace.activate.mapping import literal
from tailrace.activate.result import Scope
from tailrace.warehouse.base import META, Warehouse

LIVING = "('dead', 'pending', 'unknown')"
"""A row that is tried again keeps its letter until the vendor has answered."""


@dataclass(frozen=True)
class DeadLetter:
    """`payload` is JSON text of the fields as they were sent."""

    sync: str
    primary_key: str
    reason: str
    field: str | None
    payload: str | None
    attempts: int
    first_at: datetime | None
    last_at: datetime | None


def dead_list(warehouse: Warehouse, sync: str | None = None) -> list[DeadLetter]:
    """The current ones, the newest first. Writes nothing, so the published file will do."""
    if DEAD_LETTERS.name not in warehouse.tables(META):
        return []
    rows = warehouse.query(
        "SELECT sync, primary_key, reason, field, payload, attempts, first_at, last_at"
        f" FROM {warehouse.dialect.table(DEAD_LETTERS)} WHERE {_of(sync)} ORDER BY last_at DESC, sync, primary_key"
    )
    return [DeadLetter(*row) for row in rows]


def dead_retry(warehouse: Warehouse, sync: str | None = None, keys: Sequence[str] = ()) -> int:
    """Have refused, unmatched and kept-back rows sent by the next run; returns how many."""
    ensure(warehouse)
    ledger = warehouse.dialect.table(LEDGER)
    which = f"status IN ('dead', 'unmatched', 'conflict') AND {_of(sync)} AND {_keys(keys)}"
    rows = int(warehouse.query(f"SELECT count(*) FROM {ledger} WHERE {which}")[0][0])
    if rows:
        warehouse.execute(f"UPDATE {ledger} SET status = 'pending', sent_hash = NULL WHERE {which}")
    return rows


def dead_drop(warehouse: Warehouse, sync: str | None = None, keys: Sequence[str] = ()) -> int:
    """Forget letters; their rows stay unsent until their values change. Returns how many."""
    ensure(warehouse)
    letters = warehouse.dialect.table(DEAD_LETTERS)
    which = f"{_of(sync)} AND {_keys(keys)}"
    rows = int(warehouse.query(f"SELECT count(*) FROM {letters} WHERE {which}")[0][0])
    if rows:
        warehouse.execute(f"DELETE FROM {letters} WHERE {which}")
    return rows


def prune(warehouse: Warehouse, scope: Scope) -> None:
    """Remove the letters of rows that the ledger no longer counts as refused."""
    letters, ledger = warehouse.dialect.table(DEAD_LETTERS), warehouse.dialect.table(LEDGER)
    stale = (
        f"{within(scope)} AND primary_key NOT IN"
        f" (SELECT primary_key FROM {ledger} WHERE {within(scope)} AND status IN {LIVING})"
    )
    if warehouse.query(f"SELECT 1 FROM {letters} WHERE {stale} LIMIT 1"):
        warehouse.execute(f"DELETE FROM {letters} WHERE {stale}")


def write_letters(warehouse: Warehouse, scope: Scope, rows: str) -> None:
    """Replace the letters of all keys in `rows`, inside the caller's transaction.

    That SELECT gives primary_key, dead, reason, field, payload, attempts, told_at and subject.
    """
    letters = warehouse.dialect.table(DEAD_LETTERS)
    had = bool(warehouse.query(f"SELECT 1 FROM {letters} WHERE {within(scope)} LIMIT 1"))
    if not had and not warehouse.query(f"SELECT 1 FROM ({rows}) WHERE dead LIMIT 1"):
        return
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE tailrace_letters AS SELECT r.*, coalesce(d.first_at, r.told_at) AS first_at FROM ({rows}) r"
        f" LEFT JOIN (SELECT * FROM {letters} WHERE {within(scope)}) d ON d.primary_key = r.primary_key"
    )
    warehouse.execute(
        f"DELETE FROM {letters} WHERE {within(scope)} AND primary_key IN (SELECT primary_key FROM tailrace_letters)"
    )
    warehouse.execute(
        f"INSERT INTO {letters} BY NAME SELECT {literal(scope.account)} AS account, {literal(scope.object)} AS object,"
        f" {literal(scope.sync)} AS sync, primary_key, reason, field, payload, attempts, first_at, told_at AS last_at, subject"
        " FROM tailrace_letters WHERE dead"
    )
    warehouse.execute("DROP TABLE temp.tailrace_letters")


def _of(sync: str | None) -> str:
    return f"sync = {literal(sync)}" if sync is not None else "true"


def _keys(keys: Sequence[str]) -> str:
    return f"primary_key IN ({', '.join(literal(key) for key in keys)})" if keys else "true"
