"""What is wrong with the tests of a project, as far as that is known without running any."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.build.graph import Graph
from tailrace.build.testing.config import config_of
from tailrace.build.testing.generic import known_tests
from tailrace.build.testing.reading import reads_of
from tailrace.errors import Diagnostic, near_miss
from tailrace.project.spec import DataTest, Project


def check_tests(project: Project, graph: Graph) -> list[Diagnostic]:
    """Unknown tests, models and settings of data tests; inputs and overrides of unit tests."""
    problems: list[Diagnostic] = []
    known = known_tests(project) if project.data_tests else None
    for test in project.data_tests:
        if not config_of(test, problems).enabled:
            continue
        if test.test and known is not None and not known.has(test.test):
            fix = near_miss(test.test, known.names)
            said = f"there is no test {test.test}"
            problems.append(Diagnostic(test.location, said, fix[:1].upper() + fix[1:]))
        problems += _unread(test, graph)
    problems += _unit_tests(project, graph)
    return problems


def _unread(test: DataTest, graph: Graph) -> Iterator[Diagnostic]:
    """A model that is not in the graph, be it missing or switched off."""
    folded = {name.casefold() for name in graph.nodes}
    for name in reads_of(test).models:
        if name.casefold() not in folded:
            fix = near_miss(name, sorted(graph.nodes))
            said = f"{test.name} reads {name}, and there is no such model or seed"
            yield Diagnostic(test.location, said, fix[:1].upper() + fix[1:])


def _unit_tests(project: Project, graph: Graph) -> list[Diagnostic]:
    if not project.unit_tests:
        return []
    from tailrace.build.testing.inputs import inputs_of
    from tailrace.build.testing.stubbed import overrides_of

    problems: list[Diagnostic] = []
    for test in project.unit_tests:
        node = graph.nodes.get(test.model)
        if node is None:
            fix = near_miss(test.model, sorted(graph.nodes))
            said = f"there is no model {test.model} to test"
            problems.append(Diagnostic(test.location, said, fix[:1].upper() + fix[1:]))
        elif node.kind != "model" or node.materialized == "snapshot":
            kind = "snapshot" if node.materialized == "snapshot" else "seed"
            problems.append(
                Diagnostic(test.location, f"{test.model} is a {kind}", "A unit test is of a model")
            )
        else:
            inputs_of(project, graph, test, problems)
            overrides_of(project, test, node, problems)
    return problems
