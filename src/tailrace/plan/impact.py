"""Columns that a vendor no longer brings, and who reads them: models by their SQL, syncs by the models before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tailrace.build.graph import Graph, ModelNode
from tailrace.land.layout import kept_columns
from tailrace.land.shapes import read_shapes
from tailrace.plan.resolve import Resolved
from tailrace.warehouse.base import TableRef, Warehouse


@dataclass(frozen=True)
class Vanished:
    """A stored column whose values stay as they were last; `models` name it or take all columns of its table."""

    resource: str
    column: str
    models: tuple[str, ...]
    syncs: tuple[str, ...]

    def document(self) -> dict[str, object]:
        return {
            "resource": self.resource,
            "column": self.column,
            "models": list(self.models),
            "syncs": list(self.syncs),
        }


def vanished_columns(warehouse: Warehouse, resolved: Resolved) -> list[Vanished]:
    """Of every landed resource, as the last landing found them."""
    found = []
    for pipeline in resolved.project.pipelines:
        for resource in pipeline.resources:
            table = TableRef(pipeline.dataset, resource.name)
            for column in _kept(warehouse, table):
                models = tuple(_readers(resolved.graph, table, column))
                found.append(Vanished(str(table), column, models, _syncs(resolved, models)))
    return found


def _kept(warehouse: Warehouse, table: TableRef) -> list[str]:
    shapes = read_shapes(warehouse, str(table))
    return sorted(kept_columns(warehouse.columns(table), shapes[-1].columns)) if shapes else []


def _readers(graph: Graph, table: TableRef, column: str) -> Iterator[str]:
    for name in graph.order:
        node = graph.nodes[name]
        if node.kind == "model" and table in node.sources and _names(node, column):
            yield name


def _names(node: ModelNode, column: str) -> bool:
    """Whether the SQL names such a column, or takes every column of some table; several tables count as one."""
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(node.sql, dialect="duckdb")
    if any(found.name.lower() == column.lower() for found in tree.find_all(exp.Column)):
        return True
    return any(not isinstance(star.parent, exp.Count) for star in tree.find_all(exp.Star))


def _syncs(resolved: Resolved, models: tuple[str, ...]) -> tuple[str, ...]:
    """Syncs of these models, and of all that is built from them."""
    reached = set(models)
    for name in resolved.graph.order:
        if reached & set(resolved.graph.nodes[name].depends_on):
            reached.add(name)
    return tuple(sync.name for sync in resolved.project.syncs if sync.model in reached)
