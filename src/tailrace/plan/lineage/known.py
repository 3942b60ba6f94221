"""What SQL alone does not say: the published warehouse's columns, or as many as the project's files tell; what late templates become."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tailrace.build.graph import Graph
from tailrace.build.lineage.graph import Given, Known
from tailrace.errors import FatalError
from tailrace.project.spec import Project, Resource
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

_COLUMNS = """
SELECT database_name, schema_name, table_name, column_name FROM duckdb_columns()
WHERE NOT internal ORDER BY database_name, schema_name, table_name, column_index
"""


def given_of(project: Project, graph: Graph) -> Given:
    """Of the published file, where there is one. A warehouse that cannot be opened tells nothing, and stops nothing."""
    dialect = "bigquery" if project.target.type == "bigquery" else "duckdb"
    try:
        with _published(project) as warehouse:
            columns = _columns(warehouse) if warehouse else {}
            late = _late(graph, warehouse) if warehouse else {}
    except FatalError:
        columns, late = {}, {}
    return Given(_known(project, columns), late, dialect)


@contextmanager
def _published(project: Project) -> Iterator[DuckDBWarehouse | None]:
    target = project.target
    if target.path is None or not target.path.exists():
        yield None
        return
    warehouse = DuckDBWarehouse(target.path, read_only=True, settings=target.settings, attach=target.attach)
    try:
        yield warehouse
    finally:
        warehouse.close()


def _columns(warehouse: DuckDBWarehouse) -> dict[TableRef, tuple[str, ...]]:
    """Of every table and view, those of attached files as `alias.schema`."""
    own = str(warehouse.query("SELECT current_database()")[0][0])
    found: dict[TableRef, list[str]] = {}
    for database, schema, table, column in warehouse.query(_COLUMNS):
        place = str(schema) if database == own else f"{database}.{schema}"
        found.setdefault(TableRef(place, str(table)), []).append(str(column))
    return {ref: tuple(columns) for ref, columns in found.items()}


def _late(graph: Graph, warehouse: DuckDBWarehouse) -> dict[str, str]:
    """The SQL of models whose templates ask the warehouse; none where the published one has no answer."""
    found = {}
    for name in graph.order:
        if graph.nodes[name].late and graph.late is not None:
            try:
                found[name] = graph.late.node(name, warehouse, incremental=False).sql
            except FatalError:
                continue  # lineage says so in its place
    return found


def _known(project: Project, published: dict[TableRef, tuple[str, ...]]) -> dict[TableRef, Known]:
    """Published columns are all there are, but for properties that the next landing brings; declared ones are some of them."""
    found = {ref: Known(columns) for ref, columns in published.items()}
    for ref, columns in _declared(project):
        there = found.get(ref)
        both = tuple(dict.fromkeys([*(there.columns if there else ()), *columns]))
        found[ref] = Known(both, there is not None)
    return found


def _declared(project: Project) -> Iterator[tuple[TableRef, tuple[str, ...]]]:
    for pipeline in project.pipelines:
        for resource in pipeline.resources:
            yield TableRef(pipeline.dataset, resource.name), _properties(resource)
    for source in project.sources:
        schema = f"{source.database}.{source.schema}" if source.database else source.schema
        yield TableRef(schema, source.identifier), tuple(column.name for column in source.columns)


def _properties(resource: Resource) -> tuple[str, ...]:
    listed = resource.options.get("properties")
    return tuple(str(name) for name in listed) if isinstance(listed, list | tuple) else ()


def resource_tables(ref: TableRef) -> tuple[TableRef, ...]:
    """A resource's tables that carry the vendor's columns."""
    return ref, *(ref.suffixed(suffix) for suffix in ("__changes", "__keys", "__raw"))
