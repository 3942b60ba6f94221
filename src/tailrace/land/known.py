"""Rows that are known already never reach the transaction, and an idle read never reaches dlt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from tailrace.land.layout import Layout, same_key
from tailrace.warehouse.base import Warehouse

BATCH = "_tailrace_batch"
SAME_TIME = timedelta(milliseconds=1)
"""Vendors' times are whole milliseconds; each complete read that corrects a row adds a microsecond to what is held."""


@dataclass(frozen=True)
class News:
    """`rows` may be news. `returned`: those among them that count only where a complete read shows them.

    A scope once ended them, or they changed and their time did not move. `_held_at` is the time of what is held against them.
    """

    rows: pa.Table
    returned: pa.Table


def find_news(
    warehouse: Warehouse, layout: Layout, table: pa.Table, *, deleted: bool, versioned: bool
) -> News:
    """What is not known to be old. The hash is the transaction's own expression over the same types.

    A tombstone of a key that was never seen is news: an older page of that key may still come. Properties that a vendor
    computes (HubSpot's hs_time_in_*, hs_is_closed) change while the row's time stays, so at one time two contents are met.
    """
    dialect = warehouse.dialect
    hashed = {name: kind for name, kind in layout.hashed().items() if name in table.column_names}
    if deleted:
        known, back = "k._deleted AND k._version_at >= b._version_at", "FALSE"
    else:
        own = dialect.row_hash("b", hashed)
        # NULLs are no part of a hash: one of a narrower set of columns says nothing of a column that is read again
        known = f"NOT k._deleted AND k._shape = b._shape AND k._hash = {own}"
        known += " AND k._version_at >= b._version_at" if versioned else ""
        back = "k._version_at >= b._version_at AND (k._deleted AND k._shape = 0 OR NOT k._deleted"
        back += f" AND k._version_at < b._until AND (k._version_at > b._version_at OR k._shape = b._shape AND k._hash > {own}))"
    counted = table.append_column("_row", pa.array(range(table.num_rows), pa.int64()))
    until = pc.add(table["_version_at"], pa.scalar(SAME_TIME, pa.duration("us")))
    counted = counted.append_column("_until", until)
    with warehouse.registered(BATCH, counted) as batch:
        found = warehouse.arrow(
            f"SELECT b._row, COALESCE({back}, FALSE) AS _back, k._version_at AS _held_at FROM {batch} AS b"
            f" LEFT JOIN {dialect.table(layout.keys)} AS k ON {same_key(warehouse, layout, 'b', 'k')}"
            f" WHERE NOT COALESCE({known}, FALSE) ORDER BY b._row"
        )
    rows = table if found.num_rows == table.num_rows else table.take(found["_row"])
    return News(rows, _returned(table, found.filter(found["_back"])))


def _returned(table: pa.Table, back: pa.Table) -> pa.Table:
    """With the time of what is held against them, under `_held_at`."""
    return table.take(back["_row"]).append_column("_held_at", back["_held_at"])
