"""The compiled models as one frozen graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tailrace.warehouse.base import TableRef


@dataclass(frozen=True)
class ModelNode:
    """A model or seed. `sql` is what the warehouse runs, its clock already set; `canonical` is a digest of its meaning.

    `sources` are the resources whose rows it reads and `reads` their tables (`contacts__changes` for `contacts`);
    `externals` are tables that nobody here makes, `volatile` says that it reads the date. `on_lines`: the SQL's lines
    are the file's.
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
    reads: tuple[TableRef, ...] = ()
    externals: tuple[str, ...] = ()
    volatile: bool = False
    columns: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()
    on_stale: str = "build"
    config: Mapping[str, Any] = field(default_factory=dict)
    on_lines: bool = False

    @property
    def table(self) -> TableRef:
        return TableRef(self.schema, self.name)


@dataclass(frozen=True)
class Graph:
    """Nodes by name, and an order in which each comes after what it reads. `now` is the run's clock, in UTC."""

    nodes: Mapping[str, ModelNode]
    order: tuple[str, ...]
    now: datetime

    @property
    def run_date(self) -> str:
        """The clock's day, ISO."""
        return self.now.date().isoformat()


def ordered(depends_on: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], list[list[str]]]:
    """A topological order, by name where there is a choice, and the cycles `[a, b, a]` that stand in its way."""
    done: dict[str, None] = {}
    cycles: list[list[str]] = []
    for start in sorted(depends_on):
        _visit(start, depends_on, done, cycles)
    return tuple(done), cycles


def _visit(
    start: str, depends_on: Mapping[str, tuple[str, ...]], done: dict[str, None], cycles: list[list[str]]
) -> None:
    """Depth first without recursion; `path` holds what is being visited, in order."""
    path: dict[str, None] = {}
    stack = [start]
    while stack:
        name = stack[-1]
        path.setdefault(name)
        waiting = next((up for up in sorted(depends_on[name]) if up in depends_on and up not in done), None)
        if waiting is None:
            done[stack.pop()] = None
            path.pop(name, None)
        elif waiting in path:
            names = list(path)
            cycles.append([*names[names.index(waiting) :], waiting])
            done.update(dict.fromkeys(names[names.index(waiting) :]))
            del stack[len(stack) - len(names) + names.index(waiting) :]
            for member in names[names.index(waiting) :]:
                path.pop(member)
        else:
            stack.append(waiting)
