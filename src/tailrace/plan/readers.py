"""Who reads the columns that a model would no longer have as they were: other models, CRM fields, syncs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.plan.diff import Change
from tailrace.plan.resolve import Resolved


@dataclass(frozen=True)
class Readers:
    """Of one column: `models` read it at first hand, `fields` and `syncs` at any remove."""

    column: str
    change: str
    models: tuple[str, ...]
    fields: tuple[str, ...]
    syncs: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in self.__dict__.items()
        }


def readers_of(resolved: Resolved, changes: Mapping[str, Change]) -> dict[str, list[Readers]]:
    """By model, of every column that is gone, retyped or computed otherwise and that somebody reads."""
    wanted = {name: columns for name, change in changes.items() if (columns := change.read_differently())}
    if not wanted:
        return {}
    from tailrace.plan.lineage.answer import lineage
    from tailrace.plan.lineage.flow import Flow, Place
    from tailrace.plan.lineage.trace import trace_on

    def readers(flow: Flow, name: str, column: str) -> Readers:
        table = resolved.graph.nodes[name].table
        place = Place("column", table.schema.lower(), table.name.lower(), column.lower())
        near = {node.name for other, _ in flow.readers(place) if (node := flow.maker(other))}
        fields = [far for far in trace_on(flow, [place], indirect=True).reached if far.kind == "field"]
        syncs = {sync.name for field in fields for sync in flow.syncs[field]}
        return Readers(
            column,
            changes[name].columns[column],
            tuple(one for one in resolved.graph.order if one in near),
            tuple(sorted(flow.shown[field] for field in fields)),
            tuple(sync.name for sync in resolved.project.syncs if sync.name in syncs),
        )

    gone = {
        name: [one for one in columns if changes[name].columns[one] == "gone"]
        for name, columns in wanted.items()
    }
    flow = lineage(resolved, gone).flow()
    found = {name: [readers(flow, name, column) for column in columns] for name, columns in wanted.items()}
    return {
        name: read
        for name, some in found.items()
        if (read := [one for one in some if one.models or one.fields])
    }
