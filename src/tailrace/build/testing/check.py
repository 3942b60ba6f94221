"""What is wrong with the tests of a project, as far as that is known without running any."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.build.graph import Graph
from tailrace.build.testing.active import active_data_tests, active_unit_tests
from tailrace.build.testing.config import config_of
from tailrace.build.testing.generic import KnownTests, known_tests
from tailrace.build.testing.reading import reads_of
from tailrace.errors import Diagnostic, near_miss
from tailrace.project.spec import DataTest, Project


def check_tests(project: Project, graph: Graph) -> list[Diagnostic]:
    """Unknown tests, models and settings of data tests; inputs and overrides of unit tests."""
    problems: list[Diagnostic] = []
    if project.data_tests:
        known, folded = known_tests(project), {name.casefold() for name in graph.nodes}
        for test in active_data_tests(project, graph, problems):
            problems += _data_test(test, graph, known, folded)
    if project.unit_tests:
        problems += _unit_tests(project, graph)
    return problems


def _data_test(test: DataTest, graph: Graph, known: KnownTests, folded: set[str]) -> Iterator[Diagnostic]:
    problems: list[Diagnostic] = []
    if test.config:
        config_of(test, problems)
    yield from problems
    if test.test and not known.has(test.test, test.package):
        yield _missing(test, f"there is no test {test.test}", test.test, known.names)
    for name in reads_of(test).models if not test.package else ():  # dbt only warns of a package's
        if name.casefold() not in folded:
            said = f"{test.name} reads {name}, and there is no such model or seed"
            yield _missing(test, said, name, sorted(graph.nodes))


def _missing(test: DataTest, message: str, word: str, known: list[str]) -> Diagnostic:
    fix = near_miss(word, known)
    return Diagnostic(test.location, message, fix[:1].upper() + fix[1:])


def _unit_tests(project: Project, graph: Graph) -> list[Diagnostic]:
    from tailrace.build.testing.inputs import inputs_of
    from tailrace.build.testing.stubbed import overrides_of

    problems: list[Diagnostic] = []
    for test in active_unit_tests(project, graph):
        node = graph.nodes.get(test.model)
        if node is None or node.kind != "model" or node.materialized == "snapshot":
            said = f"{test.name} tests {test.model}, which is no model"
            problems.append(Diagnostic(test.location, said, "Unit tests are of models"))
        else:
            inputs_of(project, graph, test, problems)
            overrides_of(project, test, node, problems)
    return problems
