"""What a model was built from, and whether that has changed: its SQL, what it reads, the data, the day.

A view holds no rows: it is built again for its own definition and its upstream's, never for new data. What it passes on
to the tables that read it does carry the data's version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tailrace.build.graph import Graph, ModelNode
from tailrace.warehouse.base import META, TableRef, Warehouse

MODELS = TableRef(META, "models")
COLUMNS = "model, schema_name, materialized, fingerprint, content, parts, rows, built_at, run_id"
UNKNOWN = "unknown"
SUFFIXES = ("__changes", "__keys", "__raw")


@dataclass(frozen=True)
class Decision:
    """What to do with a model, and why, in words."""

    model: str
    action: Literal["build", "skip"]
    why: str


@dataclass(frozen=True)
class Fingerprint:
    """`definition`: what the relation is; `content`: what it holds, for those who read it; `parts`: to say what changed."""

    definition: str
    content: str
    parts: Mapping[str, Any]


@dataclass(frozen=True)
class Built:
    """A row of tailrace_meta.models."""

    schema: str
    materialized: str
    fingerprint: str
    content: str
    parts: Mapping[str, Any]


def digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


@dataclass
class Judge:
    """Decides model by model in the graph's order; what was really built is told back, so that a failure shows downstream."""

    warehouse: Warehouse
    graph: Graph
    built: dict[str, Built] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.built = read_built(self.warehouse)
        self.versions = _data_versions(self.warehouse)
        self.there = {
            schema: self.warehouse.tables(schema)
            for schema in {node.schema for node in self.graph.nodes.values()}
        }

    def judge(self, name: str) -> tuple[Decision, Fingerprint]:
        """Whether the model is what it should be, given what its upstream is by now."""
        node = self.graph.nodes[name]
        found = self._fingerprint(node)
        why = self._why(node, found)
        return Decision(name, "build" if why else "skip", why or "up to date"), found

    def settle(self, name: str, found: Fingerprint | None) -> None:
        """The model is as `found` says; None: as it was before, which is all that its readers can get."""
        if found is not None:
            self.contents[name] = found.content
        elif name in self.built:
            self.contents[name] = self._held(self.graph.nodes[name])
        else:
            self.contents[name] = "absent"

    def _held(self, node: ModelNode) -> str:
        """What an unchanged relation passes on: a view's data goes on moving under it."""
        built = self.built[node.name]
        return self._fingerprint(node).content if built.materialized == "view" else built.content

    def _fingerprint(self, node: ModelNode) -> Fingerprint:
        upstream = {name: self.contents.get(name, "absent") for name in node.depends_on}
        definitions = {name: self.graph.nodes[name].canonical for name in node.depends_on}
        data = {str(source): self.versions.get(_landed(source), 0) for source in node.sources}
        day = self.graph.run_date if node.volatile else None
        definition = digest(node.canonical, node.materialized, node.schema, definitions, day)
        content = digest(node.canonical, upstream, data, list(node.externals), day)
        parts = {
            "sql": node.canonical,
            "upstream": upstream,
            "definitions": definitions,
            "data": data,
            "day": day,
        }
        return Fingerprint(definition, content, parts)

    def _why(self, node: ModelNode, found: Fingerprint) -> str:
        built = self.built.get(node.name)
        if built is None:
            return "never built"
        expected = "view" if node.materialized == "view" else "table"
        if self.there.get(node.schema, {}).get(node.name) is None:
            return f"its {expected} is gone"
        if built.parts.get("sql") != node.canonical:
            return "its file changed" if node.kind == "seed" else "its SQL changed"
        if (built.materialized, built.schema) != (node.materialized, node.schema):
            return f"it becomes a {expected} in {node.schema}"
        if built.parts.get("day") != found.parts["day"]:
            return "the day turned"
        if node.materialized == "view":
            changed = _changed(built.parts.get("definitions", {}), found.parts["definitions"])
            return f"upstream {', '.join(changed)} changed" if changed else ""
        return self._why_table(node, built, found)

    def _why_table(self, node: ModelNode, built: Built, found: Fingerprint) -> str:
        if node.externals:
            return f"{', '.join(node.externals)} is not landed here, so its version is unknown"
        data = _changed(built.parts.get("data", {}), found.parts["data"])
        if data:
            return f"{', '.join(data)} has new data"
        upstream = _changed(built.parts.get("upstream", {}), found.parts["upstream"])
        return f"upstream {', '.join(upstream)} changed" if upstream else ""


def decide(warehouse: Warehouse, graph: Graph, selected: Collection[str] | None) -> list[Decision]:
    """What a build would do with the selected models (None: all), in the order in which it would do it."""
    judge = Judge(warehouse, graph)
    decisions: list[Decision] = []
    for name in graph.order:
        if selected is not None and name not in selected:
            judge.settle(name, None)
            continue
        decision, found = judge.judge(name)
        decisions.append(decision)
        judge.settle(name, found)
    return decisions


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {**before, **after} if before.get(name) != after.get(name))


def _landed(source: TableRef) -> str:
    name = source.name
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return f"{source.schema}.{name}"


def _data_versions(warehouse: Warehouse) -> dict[str, int]:
    """The newest landed row that altered each resource's table."""
    if not warehouse.columns(TableRef(META, "cursors")):
        return {}
    rows = warehouse.query(f"SELECT resource, coalesce(data_version, 0) FROM {META}.cursors")
    return {str(resource): int(version) for resource, version in rows}


def read_built(warehouse: Warehouse) -> dict[str, Built]:
    """What was built last, by model."""
    if not warehouse.columns(MODELS):
        return {}
    rows = warehouse.query(
        f"SELECT model, schema_name, materialized, fingerprint, content, parts FROM {META}.models"
    )
    return {row[0]: Built(row[1], row[2], row[3], row[4], json.loads(row[5])) for row in rows}
