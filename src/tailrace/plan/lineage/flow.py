"""Every column of a project and what flows between them: landed columns, models' columns, CRM fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tailrace.build.graph import Graph, ModelNode
from tailrace.build.lineage.model import ModelLineage
from tailrace.build.lineage.relation import ANY, Ref
from tailrace.project.spec import Sync

How = Literal["direct", "indirect"]
WRITES_MATCH = ("insert", "upsert", "mirror")
"""Modes that make records, and with them the property they are matched by."""


class Place(NamedTuple):
    """A column (`kind` "column": schema, table, column) or a CRM field ("field": connection, object, field), lower case."""

    kind: str
    home: str
    table: str
    name: str


class Edge(NamedTuple):
    """`to` is computed from `source`, or joined, filtered or grouped by it."""

    source: Place
    to: Place
    how: How


@dataclass
class Flow:
    """All edges, both ways. A model's `filters` act on each of its columns and are kept once, by table."""

    models: Mapping[str, ModelLineage]
    made: dict[tuple[str, str], ModelNode] = field(default_factory=dict)
    """The model or seed that makes a table, by lower-case schema and name."""
    shown: dict[Place, str] = field(default_factory=dict)
    up: dict[Place, list[tuple[Place, How]]] = field(default_factory=dict)
    down: dict[Place, list[tuple[Place, How]]] = field(default_factory=dict)
    filters: dict[tuple[str, str], list[Place]] = field(default_factory=dict)
    filtered: dict[Place, list[tuple[str, str]]] = field(default_factory=dict)
    columns: dict[tuple[str, str], dict[str, Place]] = field(default_factory=dict)
    syncs: dict[Place, list[Sync]] = field(default_factory=dict)

    def column(self, ref: Ref) -> Place:
        """The place of a column, put on the list of its table."""
        schema, table, name = ref
        place = Place("column", schema.lower(), table.lower(), name.lower())
        if place not in self.shown:
            self.shown[place] = f"{schema}.{table}.{name}".lstrip(".")  # a table function has no schema
            self.columns.setdefault((place.home, place.table), {})[place.name] = place
        return place

    def link(self, source: Place, to: Place, how: How) -> None:
        if source != to and (source, how) not in self.up.setdefault(to, []):
            self.up[to].append((source, how))
            self.down.setdefault(source, []).append((to, how))

    def table(self, home: tuple[str, str]) -> list[Place]:
        """A table's columns: as its model lists them, then those that others name."""
        found = self.columns.get(home, {})
        node = self.made.get(home)
        listed = self.models[node.name].columns if node is not None else {}
        return [found[name] for name in dict.fromkeys([*listed, *found]) if name in found and name != ANY]

    def maker(self, place: Place) -> ModelNode | None:
        return self.made.get((place.home, place.table)) if place.kind == "column" else None

    def is_end(self, place: Place) -> bool:
        """Whether a column is at the far end: landed, of a seed, or of a table that nobody here makes."""
        node = self.maker(place)
        return place.kind == "column" and (node is None or node.kind == "seed")

    def sources(self, place: Place) -> list[tuple[Place, How]]:
        """What a column or field comes from, one step back."""
        found = list(self.up.get(place, ()))
        if place.kind == "column":
            found += [(other, "indirect") for other in self.filters.get((place.home, place.table), ())]
        return found

    def readers(self, place: Place) -> list[tuple[Place, How]]:
        """What comes from a column, one step on; a column that nobody could name may be this one."""
        found = list(self.down.get(place, ()))
        tables = list(self.filtered.get(place, ()))
        anyone = place._replace(name=ANY)
        if place.kind == "column" and place.name != ANY:
            found += self.down.get(anyone, ())
            tables += self.filtered.get(anyone, ())
        for table in tables:
            found += [(other, "indirect") for other in self.columns.get(table, {}).values()]
        return found


def flow_of(
    graph: Graph,
    models: Mapping[str, ModelLineage],
    syncs: Iterable[Sync],
    conditions: Mapping[str, Iterable[str]],
    asked: Iterable[Ref] = (),
) -> Flow:
    """The whole project's columns. `conditions` are the columns that each sync filters by; `asked` columns that nobody lists."""
    flow = Flow(models)
    for node in graph.nodes.values():
        flow.made[node.table.schema.lower(), node.table.name.lower()] = node
    for sync in syncs:
        _send(flow, graph.nodes[sync.model], sync, conditions.get(sync.name, ()))
    for ref in asked:
        flow.column(ref)
    for name in reversed(graph.order):  # whoever reads a model's unlisted columns comes before it here
        _model(flow, graph.nodes[name], models[name])
    return flow


def written(sync: Sync) -> list[tuple[str, str]]:
    """The CRM fields that a sync writes, each with the model's column that it takes."""
    pairs = [(mapped.field, mapped.column) for mapped in sync.fields]
    return [*pairs, (sync.match_field, sync.match_column)] if sync.mode in WRITES_MATCH else pairs


def _send(flow: Flow, node: ModelNode, sync: Sync, conditions: Iterable[str]) -> None:
    def column(name: str) -> Place:
        return flow.column((node.table.schema, node.table.name, name))

    by = [sync.primary_key, sync.match_column, *conditions, *([sync.updated_at] if sync.updated_at else [])]
    for name, source in written(sync):
        place = Place("field", sync.connection.lower(), sync.object.lower(), name.lower())
        flow.shown.setdefault(place, f"{sync.connection}.{sync.object}.{name}")
        flow.syncs.setdefault(place, []).append(sync)
        flow.link(column(source), place, "direct")
        for other in by:
            if other.lower() != source.lower():
                flow.link(column(other), place, "indirect")


def _model(flow: Flow, node: ModelNode, lineage: ModelLineage) -> None:
    schema, table = node.table.schema, node.table.name
    home = (schema.lower(), table.lower())
    mentioned = [name for name in flow.columns.get(home, {}) if name not in lineage.columns]
    listed = [column.name for column in lineage.columns.values()]
    for name in [*listed, *mentioned]:
        found = lineage.column(name)
        if found is None:
            continue
        place = flow.column((schema, table, name))
        for ref in sorted(found.direct):
            flow.link(flow.column(ref), place, "direct")
        for ref in sorted(found.indirect - found.direct):
            flow.link(flow.column(ref), place, "indirect")
    for ref in sorted(lineage.filters):
        source = flow.column(ref)
        flow.filters.setdefault(home, []).append(source)
        flow.filtered.setdefault(source, []).append(home)
