"""The columns of tables that no model makes: as the published warehouse has them, or as far as the project's files say."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.build.lineage.graph import Known
from tailrace.errors import WarehouseError
from tailrace.land.layout import VARIANT
from tailrace.project.spec import Project, Resource
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

_COLUMNS = """
SELECT database_name, schema_name, table_name, column_name FROM duckdb_columns()
WHERE NOT internal ORDER BY database_name, schema_name, table_name, column_index
"""
Published = dict[TableRef, tuple[str, ...]]


def published_columns(project: Project) -> Published:
    """Every table and view of the published file, and `alias.schema.table` of the attached ones; nothing where none is there."""
    target = project.target
    if target.path is None or not target.path.exists():
        return {}
    try:
        warehouse = DuckDBWarehouse(
            target.path, read_only=True, settings=target.settings, attach=target.attach
        )
    except WarehouseError:
        return {}  # lineage is of the files; a warehouse that cannot be read only tells less
    try:
        rows = warehouse.query(_COLUMNS)
        own = str(warehouse.query("SELECT current_database()")[0][0])
    finally:
        warehouse.close()
    found: dict[TableRef, list[str]] = {}
    for database, schema, table, column in rows:
        place = str(schema) if database == own else f"{database}.{schema}"
        found.setdefault(TableRef(place, str(table)), []).append(str(column))
    return {ref: tuple(columns) for ref, columns in found.items()}


def known_columns(project: Project, published: Published) -> dict[TableRef, Known]:
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


def is_variant(column: str) -> bool:
    """`amount__v_text`: values of a column that did not fit its type."""
    return VARIANT in column
