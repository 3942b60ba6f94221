"""A change log that was turned on after its table had rows: it begins with them as they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from tailrace.land.cursors import Cursor
from tailrace.land.layout import Layout, quoted, same_key
from tailrace.warehouse.base import Warehouse


def begins_late(warehouse: Warehouse, layout: Layout, cursor: Cursor, *, made: bool) -> bool:
    """Rows are there and the log is empty; not asked where the cursor knows, unless the log was `made` just now."""
    if not cursor.raw_done or (cursor.logged and not made):
        return False
    table = warehouse.dialect.table
    return bool(
        warehouse.query(f"SELECT 1 FROM {table(layout.current)} LIMIT 1")
        and not warehouse.query(f"SELECT 1 FROM {table(layout.log)} LIMIT 1")
    )


def begin_log(warehouse: Warehouse, layout: Layout, cursor: Cursor, run_id: str, now: datetime) -> Cursor:
    """Log every current row as inserted, under numbers that no raw row has; the cursor behind them."""
    table, instant = warehouse.dialect.table, warehouse.dialect.type("timestamp")
    seen = now.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    logged = layout.logged()
    warehouse.execute(
        f"INSERT INTO {table(layout.log)} (_op, _changed_at, _seen_at, _run_id, _seq, {quoted(warehouse, logged)})"
        f" SELECT 'insert', k._version_at, CAST('{seen}' AS {instant}), {warehouse.dialect.literal(run_id)},"
        f" {cursor.raw_done} + ROW_NUMBER() OVER (ORDER BY {quoted(warehouse, layout.key, 't')}), {quoted(warehouse, logged, 't')}"
        f" FROM {table(layout.current)} AS t JOIN {table(layout.keys)} AS k ON {same_key(warehouse, layout, 't', 'k')}"
    )
    rows = int(warehouse.query(f"SELECT COUNT(*) FROM {table(layout.current)}")[0][0])
    return replace(cursor, raw_done=cursor.raw_done + rows)
