"""The compiled models as one frozen graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tailrace.warehouse.base import TableRef


@dataclass(frozen=True)
class ModelNode:
    """A model or seed. `sql` is what the warehouse runs, its clock already set; `canonical` names the SQL's meaning.

    `sources` are landed tables, `externals` tables that nobody here makes, `volatile` says that it reads the date.
    """

    name: str
    kind: Literal["model", "seed"]
    schema: str
    path: str
    materialized: str
    canonical: str
    sql: str = ""
    depends_on: tuple[str, ...] = ()
    sources: tuple[TableRef, ...] = ()
    externals: tuple[str, ...] = ()
    volatile: bool = False
    columns: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()
    on_stale: str = "build"
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> TableRef:
        return TableRef(self.schema, self.name)


@dataclass(frozen=True)
class Graph:
    """Nodes by name, and an order in which each comes after what it reads. `run_date` is the clock's day, ISO."""

    nodes: Mapping[str, ModelNode]
    order: tuple[str, ...]
    run_date: str


def ordered(depends_on: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], list[str]]:
    """A topological order (by name where there is a choice), and a cycle `[a, b, a]` if there is one."""
    done: dict[str, None] = {}
    for start in sorted(depends_on):
        stack: list[tuple[str, int]] = [(start, 0)]
        path: list[str] = []
        while stack:
            name, position = stack.pop()
            if name in done:
                continue
            if position == 0:
                if name in path:
                    return tuple(done), [*path[path.index(name) :], name]
                path.append(name)
            waiting = [
                other for other in sorted(depends_on[name]) if other in depends_on and other not in done
            ]
            if waiting:
                stack.append((name, position + 1))
                if waiting[0] in path:
                    return tuple(done), [*path[path.index(waiting[0]) :], waiting[0]]
                stack.append((waiting[0], 0))
                continue
            done[name] = None
            path.remove(name)
    return tuple(done), []
