"""Unit tests: a model's SQL on fixture rows, in memory, under the very names that it reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tailrace.build.graph import Graph, ModelNode
from tailrace.build.seeds import seed_select
from tailrace.build.testing.column_types import ColumnTypes
from tailrace.build.testing.columns_read import columns_read
from tailrace.build.testing.difference import SHOWN, difference
from tailrace.build.testing.fixtures import cell, columns_given, fixture_problems, inferred, of_csv, rows_sql
from tailrace.build.testing.inputs import Input, inputs_of, tables_read
from tailrace.build.testing.outcome import Outcome
from tailrace.build.testing.statement import one_select
from tailrace.build.testing.stubbed import Overrides, overrides_of, stubbed
from tailrace.errors import Diagnostic, FatalError, ProjectError, TailraceError, WarehouseError
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
        if not overrides.are_none(graph, test):
            graph = stubbed(self._project, graph, test, overrides)
            inputs = inputs_of(self._project, graph, test, problems)
        node = graph.nodes[test.model]
        warehouse = DuckDBWarehouse(None, settings=self._project.target.settings)
        try:
            return _Trial(warehouse, graph, node, test, self._types, overrides).run(inputs, blank)
        finally:
            warehouse.close()


class _Trial:
    """One test in a database of its own."""

    def __init__(
        self,
        warehouse: DuckDBWarehouse,
        graph: Graph,
        node: ModelNode,
        test: UnitTest,
        types: ColumnTypes,
        overrides: Overrides,
    ) -> None:
        self._warehouse = warehouse
        self._graph = graph
        self._node = node
        self._test = test
        self._types = types
        self._overrides = overrides

    def run(self, inputs: Sequence[Input], blank: Outcome) -> Outcome:
        sql = self._node.incremental_sql if self._overrides.incremental else ""
        sql = sql or self._node.sql
        for one in inputs:
            self._lay_out(one, sql)
        if self._node.late:
            assert self._graph.late is not None, "a compiled graph renders late models"
            sql = self._graph.late.node(
                self._node.name, self._warehouse, incremental=self._overrides.incremental
            ).sql
        self._refuse_missing(inputs, sql)
        blank = replace(blank, sql=sql)
        try:
            self._create(ACTUAL, sql)
        except WarehouseError as error:
            return replace(blank, message=f"{self._node.path}: {error.message.rstrip('.')}")
        return self._compared(blank)

    def _compared(self, blank: Outcome) -> Outcome:
        columns = self._expect()
        quote, table = self._warehouse.dialect.quote, self._warehouse.dialect.table
        heads = ", ".join(map(quote, columns))
        query = "SELECT {} FROM {} EXCEPT ALL SELECT {} FROM {} ORDER BY ALL"
        missing = self._warehouse.query(query.format(heads, table(EXPECTED), heads, table(ACTUAL)))
        unexpected = self._warehouse.query(query.format(heads, table(ACTUAL), heads, table(EXPECTED)))
        if not missing and not unexpected:
            return replace(blank, status="pass")
        found = difference(columns, missing[:SHOWN], unexpected[:SHOWN])
        number = max(len(found.rows), len(missing), len(unexpected))
        said = f"{number:,} {'row differs' if number == 1 else 'rows differ'}"
        return replace(blank, status="fail", failures=number, message=said, difference=found)

    def _lay_out(self, one: Input, sql: str) -> None:
        """The input's rows, as a view of its own name."""
        table = self._warehouse.dialect.table(one.table)
        if one.database:
            quoted = self._warehouse.dialect.quote(one.database)
            self._warehouse.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {quoted}")
            self._warehouse.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted}.{self._warehouse.dialect.quote(one.table.schema)}")  # fmt: skip
            table = f"{quoted}.{table}"
        else:
            self._warehouse.ensure_schema(one.table.schema)
        rows = self._given(one, sql)
        try:
            self._warehouse.execute(f"CREATE VIEW {table} AS {rows}")
            self._warehouse.query(f"SELECT * FROM {table}")
        except WarehouseError as error:
            raise self._wrong(one.fixture, one.shown, self._given_types(one, sql), error) from error

    def _given(self, one: Input, sql: str) -> str:
        if one.fixture.sql is not None:
            return one_select(self._rendered(one.fixture), one.fixture.location)
        if one.fixture.is_blank:
            return self._seed(one)
        known = self._types.of(one)
        if known.whole and (problems := fixture_problems(one.fixture, known.types, one.shown)):
            raise ProjectError(problems)
        return rows_sql(one.fixture, self._given_types(one, sql), self._warehouse.dialect)

    def _seed(self, one: Input) -> str:
        """A seed's own rows, from its file."""
        node = self._types.seed(one.model)
        return seed_select(node, self._types.root)

    def _given_types(self, one: Input, sql: str) -> dict[str, str]:
        """Every column that the input has, or that the fixture or the model names, with its type as far as it is known."""
        known = self._types.of(one)
        found = dict(known.types)
        folded = {name.casefold() for name in found}
        given = columns_given(one.fixture)
        others = () if known.whole else columns_read(sql, one.table, "duckdb")
        for name in (*given, *others):
            if name.casefold() not in folded:
                found[name] = ""
                folded.add(name.casefold())
        plain = one.fixture if one.fixture.typed else of_csv(one.fixture)
        return {name: kind or inferred(plain, name) for name, kind in found.items()}

    def _rendered(self, fixture: Fixture) -> str:
        text = fixture.sql or ""
        if "{{" not in text and "{%" not in text:
            return text
        assert self._graph.late is not None, "a compiled graph renders fixtures"
        return self._graph.late.text(
            text, self._warehouse, path=self._test.path, package=self._test.package, model=self._test.model
        )

    def _refuse_missing(self, inputs: Sequence[Input], sql: str) -> None:
        """What the SQL reads and the test does not give. A name that the SQL does not hold was rendered away."""
        given = {(one.database, one.table) for one in inputs}
        reads = [(f"ref('{name}')", self._graph.nodes[name].table) for name in self._node.depends_on]
        for name in tables_read(self._node):
            schema, _, table = name.rpartition(".")
            reads.append((f"source('{schema}', '{table}')", TableRef(schema.rpartition(".")[2], table)))
        reads.append(("this", self._node.table))
        tables = {table for _, table in given}
        problems = [
            Diagnostic(
                self._test.location,
                f"{self._node.name} reads {shown}, and the test does not give it",
                f"Add `- input: {shown}` with `rows: []`",
            )
            for shown, table in reads
            if table not in tables and _names(sql, table)
        ]
        if problems:
            raise ProjectError(problems)

    def _expect(self) -> tuple[str, ...]:
        """The expected rows, typed like the actual ones; returns the columns that are compared."""
        actual, fixture = self._warehouse.columns(ACTUAL), self._test.expect
        if fixture.sql is not None:
            self._create(EXPECTED, one_select(self._rendered(fixture), fixture.location))
            return self._retyped(actual)
        if problems := fixture_problems(fixture, actual, "what is expected"):
            raise ProjectError(problems)
        given = {name.casefold() for name in columns_given(fixture)}
        types = {name: kind for name, kind in actual.items() if name.casefold() in given or not given}
        try:
            self._create(EXPECTED, rows_sql(fixture, types, self._warehouse.dialect))
        except WarehouseError as error:
            raise self._wrong(fixture, "what is expected", types, error) from error
        return tuple(types)

    def _retyped(self, actual: dict[str, str]) -> tuple[str, ...]:
        """Expected rows that came from a query, their columns cast to the actual ones' types."""
        names = {name.casefold(): name for name in actual}
        expected = self._warehouse.columns(EXPECTED)
        as_rows = Fixture("", self._test.expect.location, (dict.fromkeys(expected),))
        if problems := fixture_problems(as_rows, actual, "what is expected"):
            raise ProjectError(problems)
        quote, table = self._warehouse.dialect.quote, self._warehouse.dialect.table(EXPECTED)
        items = ", ".join(
            f"CAST({quote(name)} AS {actual[names[name.casefold()]]}) AS {quote(names[name.casefold()])}"
            for name in expected
        )
        self._warehouse.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {items} FROM {table}")
        return tuple(names[name.casefold()] for name in expected)

    def _create(self, ref: TableRef, sql: str) -> None:
        self._warehouse.execute(f"CREATE TABLE {self._warehouse.dialect.table(ref)} AS\n{sql}\n")

    def _wrong(
        self, fixture: Fixture, what: str, types: dict[str, str], error: WarehouseError
    ) -> TailraceError:
        """The cell that its column's type does not hold, where it is one; the engine's words otherwise."""
        for number, row in enumerate(fixture.rows, 1):
            for name, kind in types.items():
                value = next((v for n, v in row.items() if str(n).casefold() == name.casefold()), None)
                if value is not None and not self._holds(value, kind):
                    said = f"row {number} of {what}: {name} is {kind}, and {str(value)[:60]!r} is not"
                    return ProjectError.at(fixture.location, said, "Write a value of that type")
        return FatalError(f"{fixture.location}: {what}: {error.message.rstrip('.')}")

    def _holds(self, value: Any, kind: str) -> bool:
        try:
            self._warehouse.query(f"SELECT {cell(value, kind, self._warehouse.dialect)}")
        except WarehouseError:
            return False
        return True


def _names(sql: str, table: TableRef) -> bool:
    return re.search(rf"(?<!\w){re.escape(table.name)}(?!\w)", sql, re.IGNORECASE) is not None
