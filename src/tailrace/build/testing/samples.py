"""A few rows for a person to look at; what YAML calls personal (`pii: true`) is not among them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tailrace.build.graph import Graph
from tailrace.build.spoken import in_own_words
from tailrace.build.testing.outcome import Samples
from tailrace.build.testing.reading import Reads, source_table
from tailrace.project.spec import ColumnDoc, DataTest, ModelFile, Project, SeedFile
from tailrace.warehouse.base import Warehouse

SHOWN = 5
MASK = "***"
_TESTED = ("unique_field", "value_field", "from_field")
"""What dbt's own tests call the tested column."""
_COUNTS = ("n_records",)


def sample_rows(
    warehouse: Warehouse, sql: str, hidden: Collection[str] | None, known: Collection[str]
) -> Samples:
    """The first rows of a query; where anything is `hidden`, only columns that are `known` to be something else (casefolded)."""
    names, rows = _first(warehouse, sql)
    if not hidden:
        return Samples(names, tuple(rows))
    masked = [name.casefold() in hidden or name.casefold() not in known for name in names]
    return Samples(names, tuple(_masked(row, masked) for row in rows))


def _first(warehouse: Warehouse, sql: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    limited = f"SELECT * FROM (\n{sql}\n) LIMIT {SHOWN}"
    if warehouse.engine == "duckdb":
        rows = warehouse.query(limited)
        return tuple(str(column[0]) for column in warehouse.native().description or ()), rows
    found = warehouse.arrow(in_own_words(warehouse, limited))
    return tuple(found.column_names), list(zip(*(one.to_pylist() for one in found.columns), strict=True))


def _masked(row: Sequence[Any], masked: Sequence[bool]) -> tuple[Any, ...]:
    return tuple(
        MASK if hide and value is not None else value for value, hide in zip(row, masked, strict=True)
    )


def personal_columns(
    project: Project, graph: Graph, warehouse: Warehouse, test: DataTest, reads: Reads
) -> tuple[frozenset[str], frozenset[str]]:
    """(hidden, known) columns of what a test reads, casefolded."""
    documented = _documented(project, reads)
    hidden = {name for columns in documented.values() for name, column in columns.items() if column.pii}
    if not hidden:
        return frozenset(), frozenset()
    known = {name.casefold() for columns in documented.values() for name in columns}
    for name in reads.models:
        if name in graph.nodes:
            known |= {column.casefold() for column in warehouse.columns(graph.nodes[name].table)}
    for source, table in reads.sources:
        known |= {column.casefold() for column in warehouse.columns(source_table(project, source, table)[1])}
    column = (test.column or str(test.kwargs.get("column_name") or "")).casefold()
    known |= {*_COUNTS, *(_TESTED if column in known - hidden else ())}
    return frozenset(hidden), frozenset(known - hidden)


def _documented(project: Project, reads: Reads) -> dict[str, Mapping[str, ColumnDoc]]:
    found: dict[str, Mapping[str, ColumnDoc]] = {}
    files: tuple[ModelFile | SeedFile, ...] = (*project.models, *project.seeds)
    for model in files:
        if model.name in reads.models:
            found[model.name] = {column.name.casefold(): column for column in model.columns}
    for table in project.sources:
        if (table.source, table.name) in reads.sources:
            found[f"{table.source}.{table.name}"] = {c.name.casefold(): c for c in table.columns}
    return found
