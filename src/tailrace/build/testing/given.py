"""A unit test's inputs, each as a view under the name that the model's SQL reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.build.graph import Graph, ModelNode
from tailrace.build.seeds import seed_select
from tailrace.build.testing.column_types import ColumnTypes
from tailrace.build.testing.columns_read import columns_read
from tailrace.build.testing.fixtures import cell, columns_given, fixture_problems, inferred, of_csv, rows_sql
from tailrace.build.testing.inputs import Input, tables_read
from tailrace.build.testing.statement import one_select
from tailrace.errors import Diagnostic, FatalError, ProjectError, TailraceError, WarehouseError
from tailrace.project.spec import Fixture, UnitTest
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse


@dataclass(frozen=True)
class Given:
    """The database of one unit test; `graph` is the one that the model was compiled in."""

    warehouse: DuckDBWarehouse
    graph: Graph
    test: UnitTest
    types: ColumnTypes

    def lay_out(self, one: Input, sql: str) -> None:
        """The input's rows; `sql` is the model's, which may name columns that nobody else knows."""
        quote = self.warehouse.dialect.quote
        catalog = f"{quote(one.database)}." if one.database else ""
        if one.database:
            self.warehouse.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {quote(one.database)}")
        self.warehouse.execute(f"CREATE SCHEMA IF NOT EXISTS {catalog}{quote(one.table.schema)}")
        table = catalog + self.warehouse.dialect.table(one.table)
        rows = one_select(self._rows(one, sql), one.fixture.location)
        try:
            self.warehouse.execute(f"CREATE VIEW {table} AS {rows}")
            self.warehouse.query(f"SELECT * FROM {table}")
        except WarehouseError as error:
            raise self.wrong(one.fixture, one.shown, self._columns(one, sql), error) from error

    def _rows(self, one: Input, sql: str) -> str:
        if one.fixture.sql is not None:
            return self.rendered(one.fixture)
        if one.fixture.is_blank:
            return seed_select(self.types.seed(one.model), self.types.root)
        known = self.types.of(one)
        if known.whole and (problems := fixture_problems(one.fixture, known.types, one.shown)):
            raise ProjectError(problems)
        return rows_sql(one.fixture, self._columns(one, sql), self.warehouse.dialect)

    def _columns(self, one: Input, sql: str) -> dict[str, str]:
        """Every column that the input has, or that the fixture or the model names, with its type as far as it is known."""
        known = self.types.of(one)
        found = dict(known.types)
        folded = {name.casefold() for name in found}
        others = () if known.whole else columns_read(sql, one.table, "duckdb")
        for name in (*columns_given(one.fixture), *others):
            if name.casefold() not in folded:
                found[name] = ""
                folded.add(name.casefold())
        plain = one.fixture if one.fixture.typed else of_csv(one.fixture)
        return {name: kind or inferred(plain, name) for name, kind in found.items()}

    def rendered(self, fixture: Fixture) -> str:
        """The fixture's query, which may be a template."""
        text = fixture.sql or ""
        if "{{" not in text and "{%" not in text:
            return text
        assert self.graph.late is not None, "a compiled graph renders fixtures"
        test = self.test
        return self.graph.late.text(
            text, self.warehouse, path=test.path, package=test.package, model=test.model
        )

    def wrong(
        self, fixture: Fixture, what: str, types: Mapping[str, str], error: WarehouseError
    ) -> TailraceError:
        """The cell that its column's type does not hold, where it is one; the engine's words otherwise."""
        for number, row in enumerate(fixture.rows, 1):
            folded = {str(name).casefold(): value for name, value in row.items()}
            for name, kind in types.items():
                value = folded.get(name.casefold())
                if value is not None and not self._holds(value, kind):
                    said = f"row {number} of {what}: {name} is {kind}, and {str(value)[:60]!r} is not"
                    return ProjectError.at(fixture.location, said, "Write a value of that type")
        return FatalError(f"{fixture.location}: {what}: {error.message.rstrip('.')}")

    def _holds(self, value: Any, kind: str) -> bool:
        try:
            self.warehouse.query(f"SELECT {cell(value, kind, self.warehouse.dialect)}")
        except WarehouseError:
            return False
        return True


def missing_inputs(
    graph: Graph, node: ModelNode, test: UnitTest, inputs: Sequence[Input], sql: str
) -> list[Diagnostic]:
    """What the SQL reads and the test does not give. A name that the SQL does not hold was rendered away."""
    given = {one.table for one in inputs}
    reads = [(f"ref('{name}')", graph.nodes[name].table) for name in node.depends_on]
    for name in tables_read(node):
        schema, _, table = name.rpartition(".")
        reads.append((f"source('{schema}', '{table}')", TableRef(schema.rpartition(".")[2], table)))
    reads.append(("this", node.table))
    return [
        Diagnostic(
            test.location,
            f"{node.name} reads {shown}, and the test does not give it",
            f"Add `- input: {shown}` with `rows: []`",
        )
        for shown, table in reads
        if table not in given and _is_in(sql, table)
    ]


def _is_in(sql: str, table: TableRef) -> bool:
    schema, name = re.escape(table.schema), re.escape(table.name)
    return re.search(rf'(?<!\w)"?{schema}"?\s*\.\s*"?{name}"?(?!\w)', sql, re.IGNORECASE) is not None
