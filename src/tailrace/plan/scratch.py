"""The published warehouse as a throw-away database: reads come from the file, writes stay in memory.

It takes no lock and never waits for a run: the file it reads is replaced by renaming, never written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tailrace.build.graph import Graph, Late, LateSql, ModelNode
from tailrace.errors import Diagnostic, FatalError, WarehouseError
from tailrace.events import Notice, emit
from tailrace.plan.copies import is_readable, open_published
from tailrace.project.spec import Project
from tailrace.validate.held import PREFIX
from tailrace.warehouse.base import META, STAGE, TableRef, Warehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse

SOURCE = "published"
SMALL = (
    *("models", "intervals", "cursors", "format"),
    *("verdicts", "validations", "validation_samples", "quarantine", "distributions"),
)
"""Tables of tailrace_meta that steps write: copied, so that what they write goes nowhere."""


@contextmanager
def scratch(project: Project) -> Iterator[DuckDBWarehouse]:
    """An in-memory warehouse in which every published table can be read under its own name.

    What does not fit into its memory spills into a temporary folder that goes with it.
    """
    target = project.target
    _refuse_other_engines(project)
    with tempfile.TemporaryDirectory(prefix="tailrace-plan-", ignore_cleanup_errors=True) as spill:
        settings = {**target.settings, "temp_directory": spill}
        warehouse = DuckDBWarehouse(None, settings=settings, attach=target.attach)
        try:
            if is_published(project):
                warehouse.attach(target.path, SOURCE)  # type: ignore[arg-type]
                mirror(warehouse)
            yield warehouse
        finally:
            warehouse.close()


@contextmanager
def published(project: Project) -> Iterator[DuckDBWarehouse]:
    """The published file itself, read-only; an empty warehouse where nothing was published yet."""
    warehouse = open_published(project) if is_readable(project) else DuckDBWarehouse(None)
    try:
        yield warehouse
    finally:
        warehouse.close()


def _refuse_other_engines(project: Project) -> None:
    if project.target.type != "duckdb":
        raise FatalError(
            f"target {project.target.name}: rows are rebuilt in memory only where they are DuckDB's",
            "name a duckdb target, such as --target dev",
        )


def is_published(project: Project) -> bool:
    """Whether there is a file to read."""
    return project.published.exists()


def without_hooks(graph: Graph) -> Graph:
    """The graph as a plan builds it: hooks may write anywhere, so they are rendered as nothing."""
    return graph if graph.late is None else replace(graph, late=_NoHooks(graph.late))


class _NoHooks:
    """Late models as they are; every other template is a hook here."""

    def __init__(self, late: Late) -> None:
        self._late = late

    def flagged(self, flags: Mapping[str, Any]) -> Late:
        return _NoHooks(self._late.flagged(flags))

    def node(self, name: str, warehouse: Warehouse, *, incremental: bool) -> LateSql:
        return self._late.node(name, warehouse, incremental=incremental)

    def typed(self, node: ModelNode, warehouse: Warehouse) -> ModelNode:
        return self._late.typed(node, warehouse)

    def config(
        self, text: str, *, path: str, package: str, model: str = "", names: Mapping[str, Any] | None = None
    ) -> tuple[Mapping[str, Any], list[Diagnostic]]:
        return self._late.config(text, path=path, package=package, model=model, names=names)

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


def mirror(warehouse: DuckDBWarehouse) -> None:
    """Tables as views of the file's; views by their own SQL, so that they see what is built here in place of it.

    Of what is staged only the keys that suites hold back are here: without them no verdict could be told to hold still.
    """
    tables = warehouse.query(_TABLES, [SOURCE, STAGE, PREFIX])
    views = warehouse.query(_VIEWS, [SOURCE, STAGE])
    for schema in dict.fromkeys(str(row[0]) for row in (*tables, *views)):
        warehouse.ensure_schema(schema)
    with warehouse.transaction():
        for schema, name in tables:
            _mirror_one(warehouse, TableRef(schema, name))
    for ref in _undefined(warehouse, [(TableRef(schema, name), sql) for schema, name, sql in views]):
        try:
            _mirror_one(warehouse, ref)
        except WarehouseError as error:
            emit(
                Notice(
                    "warning", f"view {ref} cannot be read here, so a plan does without it: {error.message}"
                )
            )


_TABLES = """
SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? AND NOT internal
AND (schema_name <> ? OR starts_with(table_name, ?)) ORDER BY ALL
"""
_VIEWS = """
SELECT schema_name, view_name, sql FROM duckdb_views() WHERE database_name = ? AND schema_name <> ? AND NOT internal
ORDER BY view_oid
"""


def _mirror_one(warehouse: DuckDBWarehouse, ref: TableRef) -> None:
    quoted = warehouse.dialect.table(ref)
    kind = "TABLE" if ref.schema == STAGE or (ref.schema == META and ref.name in SMALL) else "VIEW"
    warehouse.execute(f"CREATE OR REPLACE {kind} {quoted} AS SELECT * FROM {SOURCE}.{quoted}")


def _undefined(warehouse: DuckDBWarehouse, views: list[tuple[TableRef, str]]) -> list[TableRef]:
    """Creates views, each behind those that it reads; gives back those that cannot be made here."""
    waiting = views
    while waiting:
        left = [(ref, sql) for ref, sql in waiting if not _created(warehouse, sql)]
        if len(left) == len(waiting):
            break
        waiting = left
    return [ref for ref, _ in waiting]


def _created(warehouse: DuckDBWarehouse, sql: str) -> bool:
    try:
        warehouse.execute(sql)
    except WarehouseError:
        return False
    return True
