"""Unit tests: a model's SQL on fixture rows, in memory, under the very names that it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tailrace.build.batches import EVER, set_batch
from tailrace.build.graph import Graph, ModelNode
from tailrace.build.testing.column_types import ColumnTypes, engine_settings
from tailrace.build.testing.difference import SHOWN, difference
from tailrace.build.testing.fixtures import columns_given, fixture_problems, rows_sql
from tailrace.build.testing.given import Given, missing_inputs
from tailrace.build.testing.inputs import Input, inputs_of
from tailrace.build.testing.outcome import Outcome
from tailrace.build.testing.statement import one_select
from tailrace.build.testing.stubbed import overrides_of, stubbed
from tailrace.errors import Diagnostic, ProjectError, TailraceError, WarehouseError
from tailrace.project.spec import Fixture, Project, UnitTest
from tailrace.warehouse.base import META, TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

ACTUAL, EXPECTED = TableRef(META, "actual"), TableRef(META, "expected")


class UnitTests:
    """Runs the unit tests of one project; no file of the warehouse is written, and of the published one only the schema is read."""

    def __init__(self, project: Project, graph: Graph) -> None:
        self._project = project
        self._graph = graph
        self._types = ColumnTypes(project, graph)

    def run(self, test: UnitTest) -> Outcome:
        """Pass, fail with the difference, or the error that kept the test from being judged."""
        blank = Outcome(test.name, "unit", "error", test.location, test.model)
        try:
            return self._run(test, blank)
        except ProjectError as error:
            return replace(blank, message="\n".join(map(str, error.diagnostics)))
        except TailraceError as error:
            return replace(blank, message=str(error))

    def _run(self, test: UnitTest, blank: Outcome) -> Outcome:
        problems: list[Diagnostic] = []
        overrides = overrides_of(self._project, test, self._graph.nodes[test.model], problems)
        inputs = inputs_of(self._project, self._graph, test, problems)
        if problems:
            raise ProjectError(problems)
        graph = self._graph
        if self._project.target.type != "duckdb" or not overrides.are_none(graph, test):
            graph = stubbed(self._project, graph, test, overrides)
            inputs = inputs_of(self._project, graph, test, problems)
        warehouse = DuckDBWarehouse(None, settings=engine_settings(self._project))
        try:
            given = Given(warehouse, graph, test, self._types)
            trial = _Trial(given, graph.nodes[test.model], incremental=overrides.incremental)
            return trial.run(inputs, blank)
        finally:
            warehouse.close()


@dataclass(frozen=True)
class _Trial:
    """One test in a database of its own."""

    given: Given
    node: ModelNode
    incremental: bool

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return self.given.warehouse

    def run(self, inputs: Sequence[Input], blank: Outcome) -> Outcome:
        sql = (self.node.incremental_sql if self.incremental else "") or self.node.sql
        for one in inputs:
            self.given.lay_out(one, sql)
        graph, test = self.given.graph, self.given.test
        if self.node.late:
            assert graph.late is not None, "a compiled graph renders late models"
            sql = graph.late.node(self.node.name, self.warehouse, incremental=self.incremental).sql
        sql = set_batch(sql, *EVER)
        if problems := missing_inputs(graph, self.node, test, inputs, sql):
            raise ProjectError(problems)
        blank = replace(blank, sql=sql)
        try:
            self._create(ACTUAL, sql)
        except WarehouseError as error:
            return replace(blank, message=f"{self.node.path}: {error.message.rstrip('.')}")
        return self._compared(blank)

    def _compared(self, blank: Outcome) -> Outcome:
        columns = self._expect()
        quote, table = self.warehouse.dialect.quote, self.warehouse.dialect.table
        heads = ", ".join(map(quote, columns))
        query = "SELECT {} FROM {} EXCEPT ALL SELECT {} FROM {} ORDER BY ALL"
        missing = self.warehouse.query(query.format(heads, table(EXPECTED), heads, table(ACTUAL)))
        unexpected = self.warehouse.query(query.format(heads, table(ACTUAL), heads, table(EXPECTED)))
        if not missing and not unexpected:
            return replace(blank, status="pass")
        found = difference(columns, missing[:SHOWN], unexpected[:SHOWN])
        number = max(len(found.rows), len(missing), len(unexpected))
        said = f"{number:,} {'row differs' if number == 1 else 'rows differ'}"
        return replace(blank, status="fail", failures=number, message=said, difference=found)

    def _expect(self) -> tuple[str, ...]:
        """The expected rows, typed like the actual ones; returns the columns that are compared."""
        actual, fixture = self.warehouse.columns(ACTUAL), self.given.test.expect
        if fixture.sql is not None:
            self._create(EXPECTED, one_select(self.given.rendered(fixture), fixture.location))
            return self._retyped(actual)
        if problems := fixture_problems(fixture, actual, "what is expected"):
            raise ProjectError(problems)
        named = {name.casefold() for name in columns_given(fixture)}
        types = {name: kind for name, kind in actual.items() if name.casefold() in named or not named}
        try:
            self._create(EXPECTED, rows_sql(fixture, types, self.warehouse.dialect))
        except WarehouseError as error:
            raise self.given.wrong(fixture, "what is expected", types, error) from error
        return tuple(types)

    def _retyped(self, actual: dict[str, str]) -> tuple[str, ...]:
        """Expected rows that came from a query, their columns cast to the actual ones' types."""
        names = {name.casefold(): name for name in actual}
        expected = self.warehouse.columns(EXPECTED)
        as_rows = Fixture("", self.given.test.expect.location, (dict.fromkeys(expected),))
        if problems := fixture_problems(as_rows, actual, "what is expected"):
            raise ProjectError(problems)
        quote, table = self.warehouse.dialect.quote, self.warehouse.dialect.table(EXPECTED)
        items = ", ".join(
            f"CAST({quote(name)} AS {actual[names[name.casefold()]]}) AS {quote(names[name.casefold()])}"
            for name in expected
        )
        self.warehouse.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {items} FROM {table}")
        return tuple(names[name.casefold()] for name in expected)

    def _create(self, ref: TableRef, sql: str) -> None:
        self.warehouse.execute(f"CREATE TABLE {self.warehouse.dialect.table(ref)} AS\n{sql}\n")
