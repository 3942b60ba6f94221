"""Rows that are known already never reach the transaction, and an idle read never reaches dlt."""

from __future__ import annotations

import pyarrow as pa

from tailrace.land.layout import Layout, same_key
from tailrace.warehouse.base import Warehouse

BATCH = "_tailrace_batch"


def unknown_rows(
    warehouse: Warehouse, layout: Layout, table: pa.Table, *, deleted: bool, versioned: bool
) -> pa.Table:
    """The rows that may be news. The hash is the transaction's own expression over the same types.

    A tombstone of a key that was never seen is news: an older page of that key may still come.
    """
    dialect = warehouse.dialect
    hashed = {name: kind for name, kind in layout.hashed().items() if name in table.column_names}
    if deleted:
        known = "k._deleted AND k._version_at >= b._version_at"
    else:
        known = f"NOT k._deleted AND k._hash = {dialect.row_hash('b', hashed)}"
        known += " AND k._version_at = b._version_at" if versioned else ""
    numbered = table.append_column("_row", pa.array(range(table.num_rows), pa.int64()))
    with warehouse.registered(BATCH, numbered) as batch:
        rows = warehouse.arrow(
            f"SELECT b._row FROM {batch} AS b LEFT JOIN {dialect.table(layout.keys)} AS k"
            f" ON {same_key(warehouse, layout, 'b', 'k')} WHERE NOT COALESCE({known}, FALSE) ORDER BY b._row"
        )
    return table if rows.num_rows == table.num_rows else table.take(rows.column(0))
