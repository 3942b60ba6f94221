"""Rows that are known already never reach the transaction, and an idle read never reaches dlt."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from tailrace.land.layout import Layout, same_key
from tailrace.warehouse.base import Warehouse

BATCH = "_tailrace_batch"


@dataclass(frozen=True)
class News:
    """`rows` may be news. `returned`: those among them that a scope once ended, as they would be if they were back."""

    rows: pa.Table
    returned: pa.Table


def find_news(
    warehouse: Warehouse, layout: Layout, table: pa.Table, *, deleted: bool, versioned: bool
) -> News:
    """What is not known to be old. The hash is the transaction's own expression over the same types.

    A tombstone of a key that was never seen is news: an older page of that key may still come.
    """
    dialect = warehouse.dialect
    hashed = {name: kind for name, kind in layout.hashed().items() if name in table.column_names}
    if deleted:
        known, back = "k._deleted AND k._version_at >= b._version_at", "FALSE"
    else:
        known = f"NOT k._deleted AND k._hash = {dialect.row_hash('b', hashed)}"
        known += " AND k._version_at >= b._version_at" if versioned else ""
        back = "k._deleted AND k._shape = 0 AND k._version_at >= b._version_at"
    counted = table.append_column("_row", pa.array(range(table.num_rows), pa.int64()))
    with warehouse.registered(BATCH, counted) as batch:
        found = warehouse.arrow(
            f"SELECT b._row, COALESCE({back}, FALSE) AS _back, k._version_at AS _ended_at FROM {batch} AS b"
            f" LEFT JOIN {dialect.table(layout.keys)} AS k ON {same_key(warehouse, layout, 'b', 'k')}"
            f" WHERE NOT COALESCE({known}, FALSE) ORDER BY b._row"
        )
    rows = table if found.num_rows == table.num_rows else table.take(found["_row"])
    return News(rows, _returned(table, found.filter(found["_back"])))


def _returned(table: pa.Table, back: pa.Table) -> pa.Table:
    """With the time of the tombstone that scopes gave them, under `_ended_at`."""
    return table.take(back["_row"]).append_column("_ended_at", back["_ended_at"])
