"""Which tests a SELECT names: those of the models that it selects, as dbt has it, or tests by their own names and types."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tailrace.build.graph import Graph
from tailrace.build.testing.active import active_data_tests, active_unit_tests
from tailrace.build.testing.reading import reads_of
from tailrace.errors import BadInput, near_miss
from tailrace.project.selection import Node, select
from tailrace.project.spec import DataTest, Project, UnitTest

TYPES = ("data", "generic", "singular", "unit")
_OWN = ("test_type", "test_name")
_PREFIX = "test:"


@dataclass(frozen=True)
class ChosenTests:
    """In the project's order."""

    data: tuple[DataTest, ...]
    unit: tuple[UnitTest, ...]


def choose_tests(
    project: Project,
    graph: Graph,
    nodes: Collection[Node],
    selects: Sequence[str],
    excludes: Sequence[str] = (),
    modified: Collection[str] | None = None,
) -> ChosenTests:
    """The tests that SELECT names and --exclude does not; all of them without one. BadInput for a word that matches nothing."""
    all_of_it = ChosenTests(
        tuple(active_data_tests(project, graph)), tuple(active_unit_tests(project, graph))
    )
    tests = [*_data_nodes(all_of_it, nodes), *_unit_nodes(all_of_it, nodes)]
    words = _Words(all_of_it, [*nodes, *tests], modified)
    chosen = words.union(selects) if any(text.split() for text in selects) else {node.id for node in tests}
    chosen -= words.union(excludes)
    return ChosenTests(
        tuple(test for number, test in enumerate(all_of_it.data) if f"{_PREFIX}data{number}" in chosen),
        tuple(test for number, test in enumerate(all_of_it.unit) if f"{_PREFIX}unit{number}" in chosen),
    )


def _data_nodes(tests: ChosenTests, nodes: Collection[Node]) -> Iterable[Node]:
    ids = {node.name.casefold(): node.id for node in nodes if node.kind in ("model", "seed")}
    sources = {node.name.casefold(): node.id for node in nodes if node.kind == "source"}
    for number, test in enumerate(tests.data):
        reads = reads_of(test)
        upstream = [ids[name.casefold()] for name in reads.models if name.casefold() in ids]
        dotted = (f"{source}.{table}".casefold() for source, table in reads.sources)
        upstream += [sources[name] for name in dotted if name in sources]
        yield Node(f"{_PREFIX}data{number}", "test", test.name, test.tags, test.path, tuple(upstream))


def _unit_nodes(tests: ChosenTests, nodes: Collection[Node]) -> Iterable[Node]:
    """A unit test goes with the model that it tests; what it is given is only made up."""
    ids = {node.name.casefold(): node.id for node in nodes if node.kind in ("model", "seed")}
    for number, test in enumerate(tests.unit):
        upstream = (ids[test.model.casefold()],) if test.model.casefold() in ids else ()
        yield Node(f"{_PREFIX}unit{number}", "test", test.name, test.tags, test.path, upstream)


class _Words:
    """Every term is widened to the tests that read what it selects before terms are added up or compared."""

    def __init__(self, tests: ChosenTests, nodes: Sequence[Node], modified: Collection[str] | None) -> None:
        self._tests = tests
        self._nodes = nodes
        self._modified = modified

    def union(self, texts: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for word in (word for text in texts for word in text.split()):
            found |= set.intersection(*map(self._term, word.split(",")))
        return found

    def _term(self, term: str) -> set[str]:
        method, _, value = term.partition(":")
        if method.lstrip("+@0123456789") in _OWN:
            return self._by_own(method, value)
        ids = select(self._nodes, [term], (), self._modified)
        return {
            node.id
            for node in self._nodes
            if node.kind == "test" and (node.id in ids or not ids.isdisjoint(node.depends_on))
        }

    def _by_own(self, method: str, value: str) -> set[str]:
        if method not in _OWN or value.endswith("+"):
            raise BadInput(f"{method}:{value}: nothing is downstream or upstream of a type", "leave + out")
        if method == "test_type":
            if value not in TYPES:
                raise BadInput(f"test_type:{value} is not known", near_miss(value, TYPES))
            return self._where(lambda test: value in _types(test))
        found = self._where(
            lambda test: isinstance(test, DataTest) and fnmatchcase(test.test.rpartition(".")[2], value)
        )
        if not found:
            known = sorted({test.test.rpartition(".")[2] for test in self._tests.data if test.test})
            raise BadInput(f"test_name:{value} selects nothing", near_miss(value, known))
        return found

    def _where(self, fits: Callable[[DataTest | UnitTest], bool]) -> set[str]:
        data, unit = self._tests.data, self._tests.unit
        found = {f"{_PREFIX}data{number}" for number, test in enumerate(data) if fits(test)}
        return found | {f"{_PREFIX}unit{number}" for number, test in enumerate(unit) if fits(test)}


def _types(test: DataTest | UnitTest) -> tuple[str, ...]:
    if isinstance(test, UnitTest):
        return ("unit",)
    return ("data", "generic" if test.test else "singular")
