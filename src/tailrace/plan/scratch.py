"""The published warehouse as a throw-away database: reads come from the file, writes stay in memory.

It takes no lock and never waits for a run: the file it reads is replaced by renaming, never written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tailrace.build.graph import Graph, Late, LateSql
from tailrace.project.spec import Project
from tailrace.warehouse.base import META, STAGE, TableRef, Warehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse

SOURCE = "published"
SMALL = ("models", "intervals", "cursors", "verdicts", "validations", "quarantine", "format")
"""Tables of tailrace_meta that steps write: copied, so that what they write goes nowhere."""


@contextmanager
def scratch(project: Project) -> Iterator[DuckDBWarehouse]:
    """An in-memory warehouse in which every published table can be read under its own name.

    What does not fit into its memory spills into a temporary folder that goes with it.
    """
    target = project.target
    with tempfile.TemporaryDirectory(prefix="tailrace-plan-", ignore_cleanup_errors=True) as spill:
        settings = {**target.settings, "temp_directory": spill}
        warehouse = DuckDBWarehouse(None, settings=settings, attach=target.attach)
        try:
            if is_published(project):
                warehouse.attach(target.path, SOURCE)  # type: ignore[arg-type]
                _mirror(warehouse)
            yield warehouse
        finally:
            warehouse.close()


@contextmanager
def published(project: Project) -> Iterator[DuckDBWarehouse]:
    """The published file itself, read-only; an empty warehouse where nothing was published yet."""
    target = project.target
    there = is_published(project)
    path = target.path if there else None
    warehouse = DuckDBWarehouse(path, read_only=there, settings=target.settings, attach=target.attach)
    try:
        yield warehouse
    finally:
        warehouse.close()


def is_published(project: Project) -> bool:
    path = project.target.path
    return path is not None and path.exists()


def without_hooks(graph: Graph) -> Graph:
    """The graph as a plan builds it: hooks may write anywhere, so they are rendered as nothing."""
    return graph if graph.late is None else replace(graph, late=_NoHooks(graph.late))


class _NoHooks:
    """Late models as they are; every other template is a hook here."""

    def __init__(self, late: Late) -> None:
        self._late = late

    def node(self, name: str, warehouse: Warehouse, *, incremental: bool) -> LateSql:
        return self._late.node(name, warehouse, incremental=incremental)

    def text(
        self,
        text: str,  # noqa: ARG002
        warehouse: Warehouse | None,  # noqa: ARG002
        *,
        path: str,  # noqa: ARG002
        package: str,  # noqa: ARG002
        model: str = "",  # noqa: ARG002
        names: Mapping[str, Any] | None = None,  # noqa: ARG002
        writing: bool = False,  # noqa: ARG002
    ) -> str:
        return ""


def _mirror(warehouse: DuckDBWarehouse) -> None:
    rows = warehouse.query(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ? AND table_schema <> ?"
        " ORDER BY 1, 2",
        [SOURCE, STAGE],
    )
    for schema in dict.fromkeys(str(row[0]) for row in rows):
        warehouse.ensure_schema(schema)
    with warehouse.transaction():
        for schema, name in rows:
            quoted = warehouse.dialect.table(TableRef(schema, name))
            kind = "TABLE" if schema == META and name in SMALL else "VIEW"
            warehouse.execute(f"CREATE OR REPLACE {kind} {quoted} AS SELECT * FROM {SOURCE}.{quoted}")
