"""How long raw rows are kept: `keep_raw`, and of what is older only each record's newest, which `replay` begins from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tailrace.land.cursors import Cursor
from tailrace.land.desk import is_far
from tailrace.land.layout import Layout, same_key
from tailrace.warehouse.base import Warehouse


def drop_orphans(warehouse: Warehouse, layout: Layout, raw_done: int) -> None:
    """Raw rows that a kill or an error left behind the last transaction; they will be read again.

    A far engine's raw rows come with the transaction, so there are none.
    """
    if is_far(warehouse):
        return
    table = warehouse.dialect.table(layout.raw)
    if warehouse.query(f"SELECT 1 FROM {table} WHERE _raw_seq > {raw_done} LIMIT 1"):
        warehouse.execute(f"DELETE FROM {table} WHERE _raw_seq > {raw_done}")


def drop_outlived(warehouse: Warehouse, layout: Layout, keep: float, now: datetime, cursor: Cursor) -> Cursor:
    """Drop raw rows older than `keep` seconds; the cursor as it was where nothing was due.

    The newest version of each key stays, whatever its age: a current row's values are in the current table anyway, and
    of a deleted record it is the tombstone, which has none.
    """
    before = now.astimezone(UTC).replace(tzinfo=None) - timedelta(seconds=keep)
    if is_far(warehouse):
        before = day_of(before)
        due: int | None = cursor.raw_done if _new_days(cursor, before) else None
    else:
        due = _newest_outlived(warehouse, layout, cursor, before)
    if due is None:
        return cursor
    table, instant = warehouse.dialect.table, warehouse.dialect.type("timestamp")
    kept = f"k._version_at = r._version_at AND k._deleted = r._deleted AND {same_key(warehouse, layout, 'k', 'r')}"
    warehouse.execute(
        f"DELETE FROM {table(layout.raw)} AS r WHERE r._seen_at < CAST('{before.isoformat(sep=' ')}' AS {instant})"
        f" AND r._raw_seq <= {due} AND NOT EXISTS (SELECT 1 FROM {table(layout.keys)} AS k WHERE {kept})"
    )
    return replace(cursor, pruned=due, pruned_at=before)


def day_of(moment: datetime) -> datetime:
    """Its midnight: a far engine's raw rows lie by days."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _new_days(cursor: Cursor, before: datetime) -> bool:
    """Once a day, and only where rows came since: what the cursor knows, for asking the rows is billed."""
    if cursor.updated_at is None or cursor.pruned_at is None:
        return bool(cursor.raw_done)
    return before > cursor.pruned_at and cursor.updated_at >= cursor.pruned_at


def _newest_outlived(warehouse: Warehouse, layout: Layout, cursor: Cursor, before: datetime) -> int | None:
    found = warehouse.query(
        f"SELECT MAX(_raw_seq) FROM {warehouse.dialect.table(layout.raw)}"
        f" WHERE _raw_seq > {cursor.pruned} AND _raw_seq <= {cursor.raw_done} AND _seen_at < ?",
        [before],
    )[0][0]
    return None if found is None else int(found)
