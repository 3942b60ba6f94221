"""Tests between a model and those who read it: what fails them is not swapped in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from tailrace.build.graph import Graph
from tailrace.build.materialize.job import Audit, Instead
from tailrace.build.testing.active import active_data_tests, active_unit_tests
from tailrace.build.testing.outcome import Outcome
from tailrace.build.testing.reading import reads_of
from tailrace.build.testing.run import DataTests, run_unit_tests
from tailrace.build.testing.stand_in import standing_in
from tailrace.project.spec import DataTest, Project, UnitTest
from tailrace.warehouse.base import Warehouse


@dataclass
class _Audit:
    """The tests of one model, the unit tests first."""

    run: Callable[[_Audit, Instead], Iterator[Outcome]]
    tell: Callable[[Outcome], None]
    unit: list[UnitTest] = field(default_factory=list)
    data: list[DataTest] = field(default_factory=list)

    def __call__(self, instead: Instead) -> str | None:
        """What fails, in a sentence; None where nothing does. `instead`: the tables in which the new rows are still aside."""
        bad = []
        for outcome in self.run(self, instead):
            self.tell(outcome)
            if outcome.is_bad:
                bad.append(f"{outcome.name} ({outcome.message.splitlines()[0] if outcome.message else ''})")
            if outcome.status == "error":
                break  # the engine may have given up the transaction that the others would be asked in
        if not bad:
            return None
        return f"{'a test fails' if len(bad) == 1 else f'{len(bad)} tests fail'}: {', '.join(bad)}"


def audits_of(
    warehouse: Warehouse,
    project: Project,
    graph: Graph,
    selected: Collection[str],
    tell: Callable[[Outcome], None],
) -> Mapping[str, Audit]:
    """By model, the tests to run once it is built: a test of several is of the last selected one in the graph's order.

    Tests that read sources alone are of no model. `tell` hears of every test as it ends.
    """
    place = {name: number for number, name in enumerate(graph.order) if name in selected}
    names = {name.casefold(): name for name in place}

    def run(audit: _Audit, instead: Instead) -> Iterator[Outcome]:
        yield from run_unit_tests(project, graph, audit.unit)
        if audit.data:
            yield from DataTests(standing_in(warehouse, instead), project, graph, store=None).run(audit.data)

    found: dict[str, _Audit] = {}
    for unit in active_unit_tests(project, graph):
        if unit.model in place:
            found.setdefault(unit.model, _Audit(run, tell)).unit.append(unit)
    for data in active_data_tests(project, graph):
        reads = [names[name.casefold()] for name in reads_of(data).models if name.casefold() in names]
        if reads:
            last = max(reads, key=place.__getitem__)
            found.setdefault(last, _Audit(run, tell)).data.append(data)
    return found
