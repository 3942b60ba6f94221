"""How long raw rows are kept: `keep_raw`, and of what is older only each record's newest, which `replay` begins from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tailrace.land.layout import Layout, quoted
from tailrace.warehouse.base import Warehouse


def drop_orphans(warehouse: Warehouse, layout: Layout, raw_done: int) -> None:
    """Raw rows that a kill or an error left behind the last transaction; they will be read again."""
    table = warehouse.dialect.table(layout.raw)
    if warehouse.query(f"SELECT 1 FROM {table} WHERE _raw_seq > {raw_done} LIMIT 1"):
        warehouse.execute(f"DELETE FROM {table} WHERE _raw_seq > {raw_done}")


def drop_outlived(
    warehouse: Warehouse, layout: Layout, keep: float, now: datetime, pruned: int, done: int
) -> int:
    """Drop raw rows older than `keep` seconds; the number up to which it was done, `pruned` where nothing was due.

    The newest version of each key stays, whatever its age: a current row's values are in the current table anyway, and
    of a deleted record it is the tombstone, which has none.
    """
    table = warehouse.dialect.table(layout.raw)
    before = now.astimezone(UTC).replace(tzinfo=None) - timedelta(seconds=keep)
    due = warehouse.query(
        f"SELECT MAX(_raw_seq) FROM {table} WHERE _raw_seq > {pruned} AND _raw_seq <= {done} AND _seen_at < ?",
        [before],
    )[0][0]
    if due is None:
        return pruned
    own = f"CASE WHEN r._deleted THEN '' ELSE {warehouse.dialect.row_hash('r', layout.hashed())} END"
    newest = (
        f"SELECT _raw_seq FROM {table} AS r WHERE _raw_seq <= {due} QUALIFY ROW_NUMBER() OVER ("
        f"PARTITION BY {quoted(warehouse, layout.key)} ORDER BY _version_at DESC, _deleted DESC, _shape DESC, {own} DESC) = 1"
    )
    warehouse.execute(f"DELETE FROM {table} WHERE _raw_seq <= {due} AND _raw_seq NOT IN ({newest})")
    return int(due)
