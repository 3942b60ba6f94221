"""Rows that a vendor refused: kept with their reason until they change, are retried, or are dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tailrace.activate.ledger import DEAD_LETTERS, LEDGER, RETRY, ensure, within
from tailrace.activate.mapping import literal
from tailrace.activate.result import Scope
from tailrace.warehouse.base import META, Warehouse

STALE, RETRIED = "tailrace_stale", "tailrace_retried"
LIVING = "('dead', 'pending', 'unknown')"
"""A row that is tried again keeps its letter until the vendor has answered."""


PATIENT_FROM = 3
"""Refusals in a row from which a row that has changed waits before it is tried again."""

LONGEST_WAIT = 24
"""Hours; the wait begins with one and doubles with every further refusal."""


@dataclass(frozen=True)
class Which:
    """Dead letters that are meant: of a sync, of these primary keys, whose reason holds a text, whose field has a name."""

    sync: str | None = None
    keys: Sequence[str] = ()
    reason: str | None = None
    field: str | None = None

    def condition(self) -> str:
        """Over dead_letters."""
        parts = [
            f"sync = {literal(self.sync)}" if self.sync is not None else "",
            f"primary_key IN ({', '.join(literal(key) for key in self.keys)})" if self.keys else "",
            f"contains(lower(reason), {literal(self.reason.lower())})" if self.reason else "",
            f"lower(field) = {literal(self.field.lower())}" if self.field else "",
        ]
        return " AND ".join(part for part in parts if part) or "true"


@dataclass(frozen=True)
class DeadLetter:
    """`payload` is JSON text of the fields as they were sent; before `next_try` a changed row is not sent by itself."""

    sync: str
    primary_key: str
    reason: str
    field: str | None
    payload: str | None
    attempts: int
    first_at: datetime | None
    last_at: datetime | None
    next_try: datetime | None = None


def next_try() -> str:
    """When a letter's row may go out by itself again; NULL: as soon as it has changed."""
    hours = f"least(CAST(pow(2, least(attempts - {PATIENT_FROM}, 10)) AS INTEGER), {LONGEST_WAIT})"
    return f"CASE WHEN attempts >= {PATIENT_FROM} THEN last_at + to_hours({hours}) END"


def waiting(warehouse: Warehouse, scope: Scope, now: datetime) -> str | None:
    """A SELECT of the primary keys that are not to be tried yet; None where there are none."""
    if DEAD_LETTERS.name not in warehouse.tables(META):
        return None
    at = literal(now.astimezone(UTC).replace(tzinfo=None).isoformat())
    select = (
        f"SELECT primary_key FROM {warehouse.dialect.table(DEAD_LETTERS)} WHERE {within(scope)}"
        f" AND {next_try()} > CAST({at} AS TIMESTAMP)"
    )
    return select if warehouse.query(f"{select} LIMIT 1") else None


def dead_list(
    warehouse: Warehouse,
    sync: str | None = None,
    keys: Sequence[str] = (),
    *,
    reason: str | None = None,
    field: str | None = None,
) -> list[DeadLetter]:
    """The current ones, the newest first. Writes nothing, so the published file will do."""
    which = Which(sync, keys, reason, field)
    if DEAD_LETTERS.name not in warehouse.tables(META):
        return []
    rows = warehouse.query(
        f"SELECT sync, primary_key, reason, field, payload, attempts, first_at, last_at, {next_try()}"
        f" FROM {warehouse.dialect.table(DEAD_LETTERS)} WHERE {which.condition()} ORDER BY last_at DESC, sync, primary_key"
    )
    return [DeadLetter(*row) for row in rows]


def dead_retry(
    warehouse: Warehouse,
    sync: str | None = None,
    keys: Sequence[str] = (),
    *,
    reason: str | None = None,
    field: str | None = None,
) -> int:
    """Have refused, unmatched and kept-back rows sent by the next run, at once; returns how many."""
    which = Which(sync, keys, reason, field)
    ensure(warehouse)
    ledger, letters = warehouse.dialect.table(LEDGER), warehouse.dialect.table(DEAD_LETTERS)
    which_rows = "status IN ('dead', 'unmatched', 'conflict')"
    if which.reason or which.field:  # only letters say these
        which_rows += (
            f" AND (account, object, sync, primary_key) IN"
            f" (SELECT (account, object, sync, primary_key) FROM {letters} WHERE {which.condition()})"
        )
    which_rows += f" AND {Which(which.sync, which.keys).condition()}"
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {RETRIED} AS SELECT account, object, sync, primary_key FROM {ledger} WHERE {which_rows}"
    )
    rows = int(warehouse.query(f"SELECT count(*) FROM {RETRIED}")[0][0])
    if rows:
        # told by key: an engine that is far away need not know how reasons are searched
        named = " AND ".join(f"r.{name} = l.{name}" for name in ("account", "object", "sync", "primary_key"))
        warehouse.execute(
            f"UPDATE {ledger} AS l SET status = 'pending', sent_hash = {literal(RETRY)} FROM {RETRIED} AS r WHERE {named}"
        )
    warehouse.execute(f"DROP TABLE temp.{RETRIED}")
    return rows


def dead_drop(
    warehouse: Warehouse,
    sync: str | None = None,
    keys: Sequence[str] = (),
    *,
    reason: str | None = None,
    field: str | None = None,
) -> int:
    """Forget letters; their rows stay unsent until their values change. Returns how many."""
    ensure(warehouse)
    which = Which(sync, keys, reason, field)
    letters = warehouse.dialect.table(DEAD_LETTERS)
    rows = int(warehouse.query(f"SELECT count(*) FROM {letters} WHERE {which.condition()}")[0][0])
    if rows:
        warehouse.execute(f"DELETE FROM {letters} WHERE {which.condition()}")
    return rows


def prune(warehouse: Warehouse, scope: Scope) -> None:
    """Remove the letters of rows that the ledger no longer counts as refused."""
    letters, ledger = warehouse.dialect.table(DEAD_LETTERS), warehouse.dialect.table(LEDGER)
    stale = (
        f"SELECT primary_key FROM {letters} WHERE {within(scope)} AND primary_key NOT IN"
        f" (SELECT primary_key FROM {ledger} WHERE {within(scope)} AND status IN {LIVING})"
    )
    if warehouse.query(f"{stale} LIMIT 1"):
        # told by key: an engine that is far away need not look through its ledger
        warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {STALE} AS {stale}")
        warehouse.execute(
            f"DELETE FROM {letters} WHERE {within(scope)} AND primary_key IN (SELECT primary_key FROM {STALE})"
        )
        warehouse.execute(f"DROP TABLE temp.{STALE}")


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
