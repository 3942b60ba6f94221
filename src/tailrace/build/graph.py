"""The compiled models as one frozen graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from tailrace.build.origin import Origin
from tailrace.build.settings.model import Settings
from tailrace.errors import Diagnostic, Location
from tailrace.project.spec import ColumnDoc
from tailrace.warehouse.base import TableRef, Warehouse


@dataclass(frozen=True)
class BatchInput:
    """A table that a microbatch model reads batch by batch, by its event time; `model` is "" for one that is no model.

    `place` is where a source's event time stands; a model's own settings know theirs. `whole`: it is read without the batch's
    filter as well, so that a change of it may touch any batch.
    """

    table: TableRef
    event_time: str
    model: str = ""
    place: Location | None = field(default=None, compare=False, repr=False)
    whole: bool = False


@dataclass(frozen=True)
class ModelNode:
    """A model, snapshot or seed. `sql` is what the warehouse runs, its clock already set; `canonical` is a digest of its meaning.

    `sources` are the resources whose rows it reads and `reads` their tables (`contacts__changes` for `contacts`);
    `externals` are tables that nobody here makes, `volatile` says that it reads the date. The origins tell the file's line of
    a line of the SQL (None where the SQL was written anew for another dialect).

    `incremental_sql` is what runs where the table stands already ("" where the template does not ask is_incremental()). A
    `late` one asks the warehouse while it renders: its `sql` is only what it gives without, and Graph.late renders it when
    its turn comes; `definition` is then a digest of what a person wrote: its text and the macros that it called. An ephemeral one is no relation: `sql` stands in its readers already. A microbatch model's SQL holds
    marks for its batch (see batches.py), which reads `batch_inputs` only in part. `source_calls` are the (source, table) that
    its template names by source().
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
    origin: Origin | None = field(default=None, compare=False, repr=False)
    incremental_origin: Origin | None = field(default=None, compare=False, repr=False)
    package: str = ""
    alias: str = ""
    settings: Settings = field(default_factory=Settings)
    incremental_sql: str = ""
    late: bool = False
    definition: str = ""
    batch_inputs: tuple[BatchInput, ...] = ()
    documented: tuple[ColumnDoc, ...] = ()
    source_calls: tuple[tuple[str, str], ...] = ()
    constraints: tuple[Mapping[str, Any], ...] = ()

    @property
    def table(self) -> TableRef:
        """Where its rows are; an ephemeral model has none."""
        return TableRef(self.schema, self.alias or self.name)


@dataclass(frozen=True)
class LateSql:
    """What a template became when it was rendered on the open warehouse; as ModelNode's fields."""

    sql: str
    canonical: str
    definition: str = ""
    volatile: bool = False
    origin: Origin | None = None


class Late(Protocol):
    """Templates that are rendered when their turn comes: models that ask the warehouse, hooks, tests."""

    def flagged(self, flags: Mapping[str, Any]) -> Late:
        """The same where `flags` says this too: FULL_REFRESH, STORE_FAILURES, WHICH."""

    def node(self, name: str, warehouse: Warehouse, *, incremental: bool) -> LateSql:
        """A late model's SQL now. FatalError with the diagnostics where the template or its SQL is wrong."""

    def typed(self, node: ModelNode, warehouse: Warehouse) -> ModelNode:
        """A model that is no late one, carried over to the target by the types of what it reads. FatalError where it cannot be."""

    def text(
        self,
        text: str,
        warehouse: Warehouse | None,
        *,
        path: str,
        package: str,
        model: str = "",
        names: Mapping[str, Any] | None = None,
        writing: bool = False,
    ) -> str:
        """Any template (a hook, a test) as the target's SQL, its clock set; `this` and `model` are those of `model`.

        `names` are further names that it sees; `writing`: its queries may change the warehouse. FatalError with the
        diagnostics where it is wrong.
        """

    def config(
        self, text: str, *, path: str, package: str, model: str = "", names: Mapping[str, Any] | None = None
    ) -> tuple[Mapping[str, Any], list[Diagnostic]]:
        """The configuration that a template gives itself while no warehouse is open, and what is wrong with it; names as for text()."""


@dataclass(frozen=True)
class Graph:
    """Nodes by name, and an order in which each comes after what it reads. `now` is the run's clock, in UTC."""

    nodes: Mapping[str, ModelNode]
    order: tuple[str, ...]
    now: datetime
    late: Late | None = field(default=None, compare=False, repr=False)
    on_run_start: tuple[tuple[str, str], ...] = ()
    """(package, template) of each hook."""
    on_run_end: tuple[tuple[str, str], ...] = ()
    project: str = ""
    database: str = ""
    dialect: str = "duckdb"
    """In which a person writes SQL."""

    @property
    def run_date(self) -> str:
        """The clock's day, ISO."""
        return self.now.date().isoformat()


def flagged(graph: Graph, **flags: Any) -> Graph:
    """The graph of a command of which templates are told this in `flags`."""
    return graph if graph.late is None else replace(graph, late=graph.late.flagged(flags))


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
