"""The published warehouse as a throw-away database: reads come from the file, writes stay in memory.

It takes no lock and never waits for a run: the file it reads is replaced by renaming, never written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tailrace.project.spec import Project
from tailrace.warehouse.base import META, STAGE, TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

SOURCE = "published"
SMALL = ("models", "intervals", "cursors", "verdicts", "validations", "quarantine", "format")
"""Tables of tailrace_meta that steps write: copied, so that what they write goes nowhere."""


@contextmanager
def scratch(project: Project) -> Iterator[DuckDBWarehouse]:
    """An in-memory warehouse in which every published table can be read under its own name."""
    target = project.target
    warehouse = DuckDBWarehouse(None, settings=target.settings, attach=target.attach)
    try:
        if target.path is not None and target.path.exists():
            warehouse.attach(target.path, SOURCE)
            for schema, name in _relations(warehouse):
                _mirror(warehouse, TableRef(schema, name))
        yield warehouse
    finally:
        warehouse.close()


def _relations(warehouse: DuckDBWarehouse) -> list[tuple[str, str]]:
    rows = warehouse.query(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ? AND table_schema <> ?"
        " ORDER BY 1, 2",
        [SOURCE, STAGE],
    )
    return [(str(schema), str(name)) for schema, name in rows]


def _mirror(warehouse: DuckDBWarehouse, ref: TableRef) -> None:
    quoted = warehouse.dialect.table(ref)
    kind = "TABLE" if ref.schema == META and ref.name in SMALL else "VIEW"
    warehouse.ensure_schema(ref.schema)
    warehouse.execute(f"CREATE OR REPLACE {kind} {quoted} AS SELECT * FROM {SOURCE}.{quoted}")
