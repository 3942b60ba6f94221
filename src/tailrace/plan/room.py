"""How much a plan may hold: what would have to be built, guessed from the published tables' rows, against the room that there is."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable

from tailrace.build.graph import Graph
from tailrace.plan.scratch import SOURCE
from tailrace.warehouse.base import TableRef, Warehouse

CELL = 16
"""Bytes that a value takes in memory, in the middle."""
MOST = 8 << 30
"""Bytes that a plan holds at most, whatever the disk's room."""


def room() -> int:
    """Bytes that a plan may spill: a quarter of what is free where temporary files go."""
    return min(MOST, shutil.disk_usage(tempfile.gettempdir()).free // 4)


def needed(warehouse: Warehouse, graph: Graph, models: Iterable[str]) -> int:
    """Bytes that these models would hold: as large as they are published, or as what they read where they never were."""
    sizes = _sizes(warehouse)
    found: dict[str, int] = {}
    chosen = set(models)
    for name in graph.order:
        node = graph.nodes[name]
        read = [found.get(up, 0) for up in node.depends_on] + [sizes.get(table, 0) for table in node.reads]
        found[name] = sizes.get(node.table, 0) or max(read, default=0)
    return sum(found[name] for name in chosen if graph.nodes[name].materialized not in ("view", "ephemeral"))


def _sizes(warehouse: Warehouse) -> dict[TableRef, int]:
    rows = warehouse.query(
        "SELECT schema_name, table_name, estimated_size * column_count FROM duckdb_tables() WHERE database_name = ?",
        [SOURCE],
    )
    return {TableRef(str(schema), str(name)): int(cells or 0) * CELL for schema, name, cells in rows}
