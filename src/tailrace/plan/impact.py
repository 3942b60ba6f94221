"""Columns that a vendor no longer brings, and who is computed from them or filtered by them: models, CRM fields, syncs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tailrace.land.layout import kept_columns
from tailrace.land.shapes import read_shapes
from tailrace.plan.lineage.answer import lineage
from tailrace.plan.lineage.flow import Flow, Place
from tailrace.plan.lineage.known import resource_tables
from tailrace.plan.lineage.trace import trace_on
from tailrace.plan.resolve import Resolved
from tailrace.warehouse.base import TableRef, Warehouse


@dataclass(frozen=True)
class Vanished:
    """A stored column whose values stay as they were last; `models` read it at first hand, `fields` and `syncs` at any remove."""

    resource: str
    column: str
    models: tuple[str, ...]
    syncs: tuple[str, ...]
    fields: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        return {
            "resource": self.resource,
            "column": self.column,
            "models": list(self.models),
            "syncs": list(self.syncs),
            "fields": list(self.fields),
        }


def vanished_columns(warehouse: Warehouse, resolved: Resolved) -> list[Vanished]:
    """Of every landed resource, as the last landing found them."""
    found = [
        (table, column)
        for pipeline in resolved.project.pipelines
        for resource in pipeline.resources
        for table in [TableRef(pipeline.dataset, resource.name)]
        for column in _kept(warehouse, table)
    ]
    if not found:
        return []
    flow = lineage(resolved).flow()
    return [_vanished(resolved, flow, table, column) for table, column in found]


def _kept(warehouse: Warehouse, table: TableRef) -> list[str]:
    shapes = read_shapes(warehouse, str(table))
    return sorted(kept_columns(warehouse.columns(table), shapes[-1].columns)) if shapes else []


def _vanished(resolved: Resolved, flow: Flow, table: TableRef, column: str) -> Vanished:
    places = [
        Place("column", ref.schema.lower(), ref.name.lower(), column.lower())
        for ref in resource_tables(table)
    ]
    readers = set(_readers(flow, places))
    reached = trace_on(flow, places, indirect=True).reached
    fields = [place for place in reached if place.kind == "field"]
    syncs = {sync.name for place in fields for sync in flow.syncs[place]}
    return Vanished(
        str(table),
        column,
        tuple(name for name in resolved.graph.order if name in readers),
        tuple(sync.name for sync in resolved.project.syncs if sync.name in syncs),
        tuple(sorted(flow.shown[place] for place in fields)),
    )


def _readers(flow: Flow, places: list[Place]) -> Iterator[str]:
    """Models of which some column is computed from one of these, or whose rows are joined, filtered or grouped by it."""
    for place in places:
        for other, _ in flow.readers(place):
            node = flow.maker(other)
            if node is not None:
                yield node.name
