"""Whether what a model was built from has changed: its SQL, what it reads, its configuration, the data, the day.

A view holds no rows: it is built again for its own definition, never for new data, but what it passes on to the tables
that read it does carry the data's version. What is not built in this run (not chosen, or it failed) counts as what it
was built from last, so that its readers are built once more when it has caught up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from tailrace.build.asked import EPHEMERAL, NOTHING, UP_TO_DATE, Asked
from tailrace.build.built import Built, Parts, digest, read_built
from tailrace.build.externals import Externals
from tailrace.build.graph import Graph, ModelNode, flagged
from tailrace.build.intervals import truncated
from tailrace.build.shaping import FROM_NOTHING, shape_of
from tailrace.build.through import seen_through
from tailrace.build.versions import ABSENT, Data
from tailrace.errors import FatalError
from tailrace.warehouse.base import TableRef, Warehouse

UNENDED = "its last build did not end"


@dataclass(frozen=True)
class Decision:
    """What to do with a model, and why, in words. `modified`: the project changed it, not the data."""

    model: str
    action: Literal["build", "skip"]
    why: str
    modified: bool = False


@dataclass(frozen=True)
class Judgement:
    """A decision, the parts that the relation will be made of, and the node with the SQL that makes it.

    `whole`: from nothing, whatever stands there. `before` are the parts of what stands, None where they are unknown.
    """

    decision: Decision
    parts: Parts
    node: ModelNode
    whole: bool = True
    before: Parts | None = None


class Judge:
    """Decides model by model in the graph's order; what became of each is told back by `settle`.

    `run_id` signs what is built anew though nothing of it changed.
    """

    def __init__(
        self, warehouse: Warehouse, graph: Graph, asked: Asked = NOTHING, run_id: str = "plan"
    ) -> None:
        self._warehouse = warehouse
        self._graph = graph
        self._asked = asked
        self._run_id = run_id
        self._nodes = seen_through(graph)
        self._built = read_built(warehouse)
        self._data = Data(warehouse)
        self._externals = Externals(warehouse, graph.now.isoformat())
        self._there = {
            schema: {name.casefold(): kind for name, kind in warehouse.tables(schema).items()}
            for schema in sorted({node.schema for node in graph.nodes.values()})
        }
        self._contents: dict[str, str] = {}
        self._definitions: dict[str, str] = {}

    def judge(self, name: str, *, renders: bool = True) -> Judgement:
        """Whether the model is what it should be, given what its upstream is by now.

        A late model is rendered on the warehouse as it stands; without `renders` only if nothing else tells.
        """
        node = self._nodes[name]
        if node.materialized == "ephemeral":
            return Judgement(Decision(name, "skip", EPHEMERAL), self._parts(node), node)
        built = self._built.get(name)
        if node.late and self._graph.late is not None:
            known = replace(node, canonical=built.parts.sql) if built else node
            told = not renders and self._why(known, self._parts(known), built)
            node = known if told else self._rendered(node)
        return self._judged(node, built, renders)

    def _judged(self, node: ModelNode, built: Built | None, renders: bool) -> Judgement:
        parts = self._parts(node)
        modified = built is None or (built.materialized, built.schema, built.parts.sql, built.parts.config) != (
            node.materialized, node.schema, parts.sql, parts.config,
        )  # fmt: skip
        why = self._why(node, parts, built)
        forced = "" if why else self._forced(node)
        whole = self._whole(node, parts, built)
        said = why or forced
        # what keeps rows of earlier builds is not told by its inputs: the same ones again may find it changed
        if forced or (why and (_keeps_rows(node) or (whole and self._asked.refreshes(node)))):
            parts = replace(parts, revision=self._run_id)
        if renders and said and not whole and node.late and node.settings.incremental:
            node = self._rendered(node, incremental=True)
        decision = Decision(node.name, "build" if said else "skip", said or UP_TO_DATE, modified)
        return Judgement(decision, parts, node, whole, built.parts if built else None)

    def _rendered(self, node: ModelNode, *, incremental: bool = False) -> ModelNode:
        late = self._graph.late
        if late is None:
            return node
        found = late.node(node.name, self._warehouse, incremental=incremental)
        if incremental:
            return replace(node, incremental_sql=found.sql, incremental_origin=found.origin)
        # its SQL follows the data; what stands is made anew only for what a person changed
        keeps = node.settings.incremental or node.settings.snapshot
        return replace(
            node,
            sql=found.sql,
            canonical=found.definition if keeps else found.canonical,
            definition=found.definition,
            volatile=found.volatile or node.volatile,
            origin=found.origin,
        )

    def is_there(self, name: str) -> bool:
        """Whether the model's relation exists; an ephemeral one needs none."""
        return self._nodes[name].materialized == "ephemeral" or self.kind_of(name) is not None

    def kind_of(self, name: str) -> str | None:
        """Whether a "table" or a "view" stands where the model goes, if anything does."""
        table = self._nodes[name].table
        return self._there[table.schema].get(table.name.casefold())

    def is_landed(self, table: TableRef) -> bool:
        """Whether a landed table exists."""
        return self._data.shape(str(table)) != ABSENT

    def reads_of(self, name: str) -> ModelNode:
        """The node as it is judged: what it reads by way of ephemeral models is its own."""
        return self._nodes[name]

    def built_of(self, name: str) -> Built | None:
        """What was built last."""
        return self._built.get(name)

    def settle(self, name: str, parts: Parts | None) -> None:
        """The model is made of `parts` now; None: it is what it was before."""
        node = self._nodes[name]
        if node.materialized == "ephemeral":
            return
        if parts is not None:
            there = "view" if node.materialized == "view" else "table"
            self._there[node.schema][node.table.name.casefold()] = there
        else:
            parts = self._standing(name)
        self._contents[name] = parts.content() if parts else ABSENT
        self._definitions[name] = parts.definition if parts else ABSENT

    @property
    def contents(self) -> Mapping[str, str]:
        """What the relation of every model that was settled holds."""
        return self._contents

    def _standing(self, name: str) -> Parts | None:
        """What an untouched relation passes on: a table what it was built from, a view what its inputs are today."""
        built = self._built.get(name)
        if built is None or not self.is_there(name):
            return None
        parts = built.parts
        if built.materialized != "view":
            return parts
        sql = self._nodes[name].sql
        return replace(
            parts,
            data={table: self._data.version(table, sql) for table in parts.data},
            upstream={up: self._contents.get(up, ABSENT) for up in parts.upstream},
            unknown={name: self._externals.version(name) for name in parts.unknown},
        )

    def _parts(self, node: ModelNode) -> Parts:
        built = self._built.get(node.name)
        batch = node.settings.incremental.microbatch if node.settings.incremental else None
        day = self._graph.run_date if node.volatile else None
        if batch:
            day = truncated(self._graph.now, batch.batch_size).isoformat()
        return Parts(
            sql=node.canonical,
            data={str(table): self._data.version(str(table), node.sql) for table in node.reads},
            upstream={up: self._contents.get(up, ABSENT) for up in node.depends_on},
            unknown={name: self._externals.version(name) for name in node.externals},
            day=day,
            config=shape_of(node),
            definition=digest(
                "" if node.kind == "seed" else node.definition or node.canonical,
                [self._definitions.get(up, ABSENT) for up in node.depends_on],
            ),
            revision=built.parts.revision if built else "",
            batched=batch is not None,
        )

    def _why(self, node: ModelNode, parts: Parts, built: Built | None) -> str:
        if built is None:
            return "never built"
        kind = "view" if node.materialized == "view" else "table"
        before = TableRef(built.schema, built.relation(node.name))
        if before != node.table:
            moved = built.schema != node.schema
            return (
                f"it moves from {built.schema if moved else before} to {node.schema if moved else node.table}"
            )
        # a file published with fewer schemas holds views as tables, and a plan tables as views: only the first stand still
        there = self.kind_of(node.name)
        if there is None or (there, built.materialized) == ("table", "view"):
            return UNENDED if there is None and built.parts.unsure else f"its {kind} is gone"
        if built.parts.sql != parts.sql:
            return "its file changed" if node.kind == "seed" else "its SQL changed"
        if built.materialized != node.materialized:
            return f"it was {_named(built.materialized)} and becomes {_named(node.materialized)}"
        if config := _changed(built.parts.config, parts.config):
            return f"its configuration changed: {', '.join(config)}"
        if kind == "table" and node.settings.incremental and built.parts.definition != parts.definition:
            return "the SQL of what it reads changed"
        if built.parts.day != parts.day:
            return "a new batch began" if parts.batched else "the day turned"
        if kind == "view":
            return ""
        unknown = [name for name in node.externals if not self._externals.is_known(name)]
        if unknown:
            return f"it reads {', '.join(unknown)}, and nobody can tell whether that changed"
        return _why_table(parts, built) or (UNENDED if built.parts.unsure else "")

    def _forced(self, node: ModelNode) -> str:
        if self._asked.refreshes(node):
            return "full refresh asked for"
        return self._asked.words() if self._asked.span(node.name) else ""

    def _whole(self, node: ModelNode, parts: Parts, built: Built | None) -> bool:
        """Whether the relation is made from nothing; a snapshot's history never is."""
        settings = node.settings.incremental
        if settings is None and node.materialized != "snapshot":
            return True
        if self.kind_of(node.name) is None:
            return True
        if settings is None:
            return built is not None and built.materialized != "snapshot"
        if built is not None and built.parts.unsure:
            return True
        if settings.full_refresh is False:
            return False
        if built is None or built.materialized != node.materialized or built.table(node.name) != node.table:
            return True
        changed = [key for key in _changed(built.parts.config, parts.config) if key in FROM_NOTHING]
        definition = not parts.batched and built.parts.definition != parts.definition
        return bool(
            changed or definition or built.parts.sql != parts.sql
            or settings.full_refresh is True or self._asked.refreshes(node)
        )  # fmt: skip


def _keeps_rows(node: ModelNode) -> bool:
    settings = node.settings.incremental
    return node.materialized == "snapshot" or (settings is not None and settings.microbatch is None)


def _named(materialized: str) -> str:
    return materialized if materialized == "incremental" else f"a {materialized}"


def _why_table(parts: Parts, built: Built) -> str:
    before, after = ({**one.data, **one.unknown} for one in (built.parts, parts))
    if data := _changed(before, after):
        return f"{' and '.join(data)} {'has' if len(data) == 1 else 'have'} new data"
    if upstream := _changed(built.parts.upstream, parts.upstream):
        return f"upstream {' and '.join(upstream)} changed"
    return ""


def decide(
    warehouse: Warehouse, graph: Graph, selected: Collection[str] | None, asked: Asked = NOTHING
) -> list[Decision]:
    """What a build would do with the selected models (None: all), in the order in which it would do it."""
    judge = Judge(warehouse, flagged(graph, FULL_REFRESH=asked.full_refresh), asked)
    decisions: list[Decision] = []
    for name in graph.order:
        if selected is not None and name not in selected:
            judge.settle(name, None)
            continue
        try:
            judgement = judge.judge(name, renders=False)
        except FatalError as error:  # a template that asks for what is not there yet
            decisions.append(Decision(name, "build", f"its template fails: {error.message.splitlines()[0]}"))
            judge.settle(name, None)
            continue
        decisions.append(judgement.decision)
        parts = judgement.parts
        if parts.batched and judgement.decision.action == "build":
            parts = replace(parts, revision="planned")
        judge.settle(name, parts)
    return decisions


def contents(warehouse: Warehouse, graph: Graph) -> Mapping[str, str]:
    """By model a text that changes with its rows, a view's with those of its inputs; "absent" of one that does not stand."""
    judge = Judge(warehouse, graph)
    for name in graph.order:
        judge.settle(name, None)
    return judge.contents


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {**before, **after} if before.get(name) != after.get(name))
