"""The tests that a project really has: those switched off, and those of models that are, are none."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.build.graph import Graph
from tailrace.build.testing.configured import Configuring
from tailrace.build.testing.reading import reads_of
from tailrace.errors import Diagnostic
from tailrace.project.spec import DataTest, Project, UnitTest


def active_data_tests(
    project: Project, graph: Graph, problems: list[Diagnostic] | None = None
) -> Iterator[DataTest]:
    """In the project's order, each with its whole configuration; what is wrong with that of a singular one is a problem."""
    off = _switched_off(project, graph)
    configuring = Configuring(project, graph, problems)
    for written in project.data_tests:
        test = configuring.configured(written)
        if test.config.get("enabled") is not False and not (off and _reads_any(test, off)):
            yield test


def active_unit_tests(project: Project, graph: Graph) -> Iterator[UnitTest]:
    """In the project's order."""
    off = _switched_off(project, graph)
    for test in project.unit_tests:
        if test.config.get("enabled") is not False and test.model.casefold() not in off:
            yield test


def _switched_off(project: Project, graph: Graph) -> frozenset[str]:
    """Models and seeds that are in the project and not in the graph, casefolded."""
    return frozenset(
        file.name.casefold()
        for files in (project.models, project.seeds)
        for file in files
        if file.name not in graph.nodes
    )


def _reads_any(test: DataTest, off: frozenset[str]) -> bool:
    return any(name.casefold() in off for name in reads_of(test).models)
