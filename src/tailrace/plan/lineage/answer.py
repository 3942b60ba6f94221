"""The answer to a question about lineage, as a document and as what drawings are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from tailrace.build.lineage.graph import ASKS, Given, column_edges, expression_texts
from tailrace.build.lineage.model import ModelLineage
from tailrace.plan.lineage.ask import Asked, Names
from tailrace.plan.lineage.conditions import condition_columns
from tailrace.plan.lineage.flow import Edge, Flow, Place, flow_of
from tailrace.plan.lineage.known import given_of
from tailrace.plan.lineage.trace import Trace, trace_back, trace_on
from tailrace.plan.resolve import Resolved


@dataclass(frozen=True)
class Answer:
    """One column or field. `inputs` and `outputs` are its far ends; `edges` all steps between, `notes` what was guessed."""

    name: str
    places: tuple[Place, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    indirect: tuple[str, ...]
    edges: tuple[Edge, ...]
    notes: tuple[str, ...]
    unanswered: tuple[str, ...] = ()
    """Models that it is or comes from, and whose SQL is known only after the warehouse answers."""


@dataclass
class Lineage:
    """A project's columns, ready to be asked."""

    resolved: Resolved
    models: dict[str, ModelLineage]
    given: Given
    names: Names

    def find(self, text: str) -> Asked:
        """What a name means; BadInput where it means nothing."""
        return self.names.find(text)

    def flow(self, asked: Asked | None = None) -> Flow:
        """All edges, those of a column that nobody lists among them where it is asked for."""
        syncs = self.resolved.project.syncs
        refs = asked.refs if asked is not None else ()
        return flow_of(self.resolved.graph, self.models, syncs, condition_columns(syncs), refs)

    def answers(self, asked: Asked, flow: Flow, *, indirect: bool) -> list[Answer]:
        """One answer for a column or field, one per column for a model."""
        if asked.model is None:
            places = [Place("column", *(part.lower() for part in ref)) for ref in asked.refs]
            places += [Place("field", *(part.lower() for part in field)) for field in asked.fields]
            return [self._answer(flow, asked.name, places, asked.note, indirect=indirect)]
        table = asked.model.table
        return [
            self._answer(flow, f"{asked.model.name}.{flow.shown[place].rpartition('.')[2]}", [place], "", indirect=indirect)
            for place in flow.table((table.schema.lower(), table.name.lower()))
        ]  # fmt: skip

    def _answer(self, flow: Flow, name: str, places: list[Place], note: str, *, indirect: bool) -> Answer:
        back = trace_back(flow, places, indirect=indirect)
        on = trace_on(flow, places, indirect=indirect)
        inputs = [place for place in back.reached if flow.is_end(place)]
        outputs = [place for place in on.reached if place.kind == "field"]
        only = [
            place
            for trace, ends in ((back, inputs), (on, outputs))
            for place in ends
            if trace.reached[place] == "indirect"
        ]
        notes = [note] if note else []
        return Answer(
            name,
            tuple(places),
            _shown(flow, inputs),
            _shown(flow, outputs),
            _shown(flow, only),
            _once([*back.edges, *on.edges]),
            (*notes, *self._notes(flow, back, on, places)),
            self._unanswered(flow, [*places, *back.reached]),
        )

    def _unanswered(self, flow: Flow, places: Iterable[Place]) -> tuple[str, ...]:
        names = dict.fromkeys(node.name for place in places if (node := flow.maker(place)))
        return tuple(name for name in names if ASKS in self.models[name].notes)

    def _notes(self, flow: Flow, back: Trace, on: Trace, places: list[Place]) -> list[str]:
        """Guesses in the models on the way."""
        found: dict[str, None] = {}
        for place in [*places, *back.reached, *on.reached]:
            node = flow.maker(place)
            if node is not None:
                found |= dict.fromkeys(f"{node.name}: {note}" for note in self.models[node.name].notes)
        return list(found)

    def expressions(self, flow: Flow, answers: Iterable[Answer]) -> dict[Place, str]:
        """The SQL by which each model column on the way is computed."""
        places = {place for answer in answers for edge in answer.edges for place in (edge.source, edge.to)}
        places |= {place for answer in answers for place in answer.places}
        nodes = {node.name: node for place in places if (node := flow.maker(place)) and node.kind == "model"}
        texts = expression_texts(self.resolved.graph, self.models, nodes, self.given)
        found = {}
        for (name, column), text in texts.items():
            table = nodes[name].table
            found[Place("column", table.schema.lower(), table.name.lower(), column)] = text
        return {place: text for place, text in found.items() if place in places}


def _once(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """Without steps that only join or filter where the value takes the same step."""
    found = dict.fromkeys(edges)
    return tuple(edge for edge in found if edge.how == "direct" or edge._replace(how="direct") not in found)


def _shown(flow: Flow, places: Iterable[Place]) -> tuple[str, ...]:
    return tuple(sorted(flow.shown[place] for place in places))


def lineage(resolved: Resolved, gone: Mapping[str, Sequence[str]] = MappingProxyType({})) -> Lineage:
    """Reads every model's columns, from the cache where it knows them; `gone` are columns that models had, for who reads them."""
    project = resolved.project
    given = replace(given_of(project, resolved.graph), gone=gone)
    models = column_edges(resolved.graph, given, cache_dir=project.state_dir / "cache")
    return Lineage(resolved, models, given, Names(project, resolved.graph, models, given.known))


def document(answer: Answer, flow: Flow, texts: dict[Place, str], *, indirect: bool) -> dict[str, Any]:
    """One answer as JSON; `path` are its steps, `expressions` the SQL that makes each column on it."""
    found: dict[str, Any] = {
        "column": answer.name,
        "inputs": list(answer.inputs),
        "outputs": list(answer.outputs),
    }
    if indirect:
        found["indirect"] = list(answer.indirect)
    found["path"] = [
        {"from": flow.shown[edge.source], "to": flow.shown[edge.to], "how": edge.how} for edge in answer.edges
    ]
    on_path = dict.fromkeys([*answer.places, *(edge.to for edge in answer.edges)])
    found["expressions"] = {flow.shown[place]: texts[place] for place in on_path if place in texts}
    found["notes"] = list(answer.notes)
    return found
