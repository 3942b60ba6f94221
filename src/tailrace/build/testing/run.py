"""Every chosen data test on an open warehouse: the simple ones of a table together, the rest one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tailrace import interrupts
from tailrace.build.graph import Graph, flagged
from tailrace.build.spoken import as_the_target_says
from tailrace.build.testing.batch import Count, count_sql, counted
from tailrace.build.testing.config import config_of
from tailrace.build.testing.data import Asking, Question, judged
from tailrace.build.testing.generic import KnownTests, known_tests
from tailrace.build.testing.outcome import Outcome
from tailrace.build.testing.reading import reads_of, source_table
from tailrace.project.spec import DataTest, Project, UnitTest
from tailrace.warehouse.base import Warehouse

Tell = Callable[[Outcome], None]


def _nobody(_outcome: Outcome) -> None:
    """Nobody listens."""


def run_data_tests(
    warehouse: Warehouse,
    project: Project,
    graph: Graph,
    tests: Sequence[DataTest],
    *,
    store: bool = False,
    fail_fast: bool = False,
    tell: Tell = _nobody,
) -> list[Outcome]:
    """One outcome for each test, in their order; with `fail_fast`, up to the first that fails.

    `store`: failing rows are kept where the test itself does not say otherwise.
    """
    graph = flagged(graph, WHICH="test", STORE_FAILURES=store)
    return list(_until_bad(DataTests(warehouse, project, graph, store=store).run(tests), fail_fast, tell))


def nothing_built(tests: Sequence[DataTest]) -> list[Outcome]:
    """Every test skipped: there is no warehouse to ask."""
    said = "nothing is built yet (tailrace run)"
    return [
        Question(test, config_of(test, []), reads_of(test)).outcome("skip", message=said) for test in tests
    ]


def run_unit_tests(
    project: Project,
    graph: Graph,
    tests: Sequence[UnitTest],
    *,
    fail_fast: bool = False,
    tell: Tell = _nobody,
) -> list[Outcome]:
    """One outcome for each; no warehouse is opened but for the published columns' types."""
    from tailrace.build.testing.unit import UnitTests

    running = UnitTests(project, graph)
    return list(_until_bad((_timed(lambda t=test: running.run(t)) for test in tests), fail_fast, tell))  # type: ignore[misc]


def _until_bad(outcomes: Iterator[Outcome], fail_fast: bool, tell: Tell) -> Iterator[Outcome]:
    for outcome in outcomes:
        interrupts.check()
        tell(outcome)
        yield outcome
        if fail_fast and outcome.is_bad:
            return


def _timed(run: Callable[[], Outcome]) -> Outcome:
    started = time.monotonic()
    found = run()
    return replace(found, seconds=time.monotonic() - started)


class DataTests:
    """Runs data tests of one project on one warehouse."""

    def __init__(self, warehouse: Warehouse, project: Project, graph: Graph, *, store: bool | None) -> None:
        reserved = warehouse.query(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
        )
        self._asking = Asking(project, graph, warehouse, store, frozenset(str(row[0]) for row in reserved))
        self._known: KnownTests = known_tests(project)
        self._there: dict[str, dict[str, str]] = {}

    def run(self, tests: Sequence[DataTest]) -> Iterator[Outcome]:
        """One outcome after the other, on what stands now."""
        self._there.clear()
        questions = [Question(test, config_of(test, []), reads_of(test)) for test in tests]  # see check_tests
        simple = {index: count for index, one in enumerate(questions) if (count := self._simple(one))}
        started = time.monotonic()
        counts = counted(self._asking.warehouse, list(simple.values()))
        each = (time.monotonic() - started) / max(1, len(counts))
        for index, question in enumerate(questions):
            if (count := simple.get(index)) in counts and count is not None:
                found = _timed(lambda q=question, c=count: self._told(q, c, counts[c]))  # type: ignore[misc]
                yield replace(found, seconds=found.seconds + each)
            else:
                yield _timed(lambda q=question: self._alone(q))  # type: ignore[misc]

    def _simple(self, question: Question) -> Count | None:
        """A not_null or unique test with nothing special about it, on a table that stands."""
        if self._missing(question):
            return None
        test, config = question.test, question.config
        column = test.column or test.kwargs.get("column_name")
        others = {name for name in test.kwargs if name != "column_name"}
        if (
            test.test not in ("not_null", "unique")
            or others
            or not isinstance(column, str)
            or self._asking.is_kept(config)
        ):
            return None
        if not config.counts_rows or not self._known.is_built_in(test.test):
            return None
        table = self._table(question)
        count = Count(test.test, table, column) if table else None
        return count if count and count.can_join() else None

    def _table(self, question: Question) -> str | None:
        """The tested table, quoted; None for an ephemeral model, which has none."""
        quoted, test = self._asking.warehouse.dialect.table, question.test
        if test.source is not None:
            database, ref = source_table(self._asking.project, *test.source)
            mine = f"{self._asking.warehouse.dialect.quote(database)}." if database else ""
            return mine + quoted(ref)
        node = self._asking.graph.nodes[test.model]
        return None if node.materialized == "ephemeral" else quoted(node.table)

    def _told(self, question: Question, count: Count, failures: int) -> Outcome:
        found = judged(question, failures, warn=failures != 0, error=failures != 0)
        asked = count_sql(count.test, count.table, count.column)
        found = replace(found, sql=as_the_target_says(self._asking.warehouse, asked))
        return self._asking.with_samples(question, found)

    def _alone(self, question: Question) -> Outcome:
        missing = self._missing(question)
        if missing:
            return question.outcome("skip", message=missing)
        return self._asking.ask(question)

    def _missing(self, question: Question) -> str:
        """What the test reads and what is not there yet."""
        graph = self._asking.graph
        for name in question.reads.models:
            node = graph.nodes.get(name)
            if node is None or node.materialized == "ephemeral":
                continue  # rendering says what is wrong with an unknown name
            if node.table.name.casefold() not in self._tables(node.schema):
                return f"{node.kind} {name} is not built"
        for source, name in question.reads.sources:
            database, table = source_table(self._asking.project, source, name)
            if not database and table.name.casefold() not in self._tables(table.schema):
                return f"{table} is not landed"
        return ""

    def _tables(self, schema: str) -> dict[str, str]:
        if schema not in self._there:
            found = self._asking.warehouse.tables(schema)
            self._there[schema] = {name.casefold(): kind for name, kind in found.items()}
        return self._there[schema]
