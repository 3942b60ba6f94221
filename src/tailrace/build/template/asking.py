"""Queries of templates: run_query, statement and what they leave; SQL in the models' dialect, sent in the target's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from tailrace.build.batches import has_marks, unfiltered
from tailrace.build.clock import set_clock
from tailrace.build.spoken import in_own_words
from tailrace.build.template.failures import Mistake
from tailrace.build.template.limits import unlimited
from tailrace.build.template.scope import Scope
from tailrace.build.template.table import Table, result_of
from tailrace.warehouse.base import Warehouse

_READS = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(?:\(\s*)*(SELECT|WITH|FROM|VALUES|DESCRIBE|SHOW|SUMMARIZE)\b",
    re.DOTALL | re.IGNORECASE,
)
_SHOWS = ("DESCRIBE", "SHOW", "SUMMARIZE")


def _exact(value: Any) -> Any:
    """A number with a fraction is a Decimal, as dbt has it."""
    return Decimal(repr(value)) if isinstance(value, float) else value


class Asking:
    """Asks the open warehouse; without one nothing is asked, and whoever is rendered is noted as late."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._results: dict[str, Mapping[str, Any]] = {}

    def run_query(self, sql: Any) -> Table | None:
        """The rows of a query; None where no warehouse is open, as in dbt while it parses."""
        warehouse = self._scope.ask()
        return None if warehouse is None else self.rows(warehouse, str(sql))

    def statement(
        self,
        name: str | None = None,
        fetch_result: bool = False,
        auto_begin: bool = True,  # noqa: ARG002 - dbt's signature
        language: str = "sql",
        caller: Callable[[], Any] | None = None,
    ) -> str:
        """The SQL inside of a call block is run; load_result() has its rows by that name."""
        if language != "sql":
            raise Mistake(f"statement() runs SQL, not {language}", "Write SQL")
        sql = str(caller()) if caller is not None else ""
        warehouse = self._scope.ask()
        if warehouse is None:
            return ""
        rows = self.rows(warehouse, sql)
        if name is not None:
            self._results[name] = result_of(rows if fetch_result else Table([], []), "OK")
        return ""

    def load_result(self, name: str) -> Mapping[str, Any] | None:
        """What a statement left under that name."""
        return self._results.get(name)

    def store_result(self, name: str, response: Any = None, agate_table: Any = None) -> str:
        """Leaves a result for load_result()."""
        table = agate_table if isinstance(agate_table, Table) else Table([], [])
        self._results[name] = result_of(table, str(response or "OK"))
        return ""

    def forget(self) -> None:
        """Results belong to one rendering."""
        self._results.clear()

    def rows(self, warehouse: Warehouse, sql: str) -> Table:
        """The rows of one query in the models' dialect; anything else only where writing is allowed."""
        sql = unfiltered(sql)
        if has_marks(sql):
            raise Mistake(
                "the query of the template asks for the batch's edges", "Ask for all rows: batches come later"
            )
        found = _READS.match(sql)
        if found is None:
            self.write(warehouse, sql, "run_query")
            return Table([], [])
        if found[1].upper() not in _SHOWS:
            sql = in_own_words(warehouse, self._selected(sql))
        elif warehouse.engine != "duckdb":
            said = f"{found[1].upper()} is not among BigQuery's words"
            raise Mistake(said, "Ask adapter.get_columns_in_relation(), or information_schema")
        with unlimited():
            table = warehouse.arrow(sql)
        columns = [[_exact(value) for value in column.to_pylist()] for column in table.columns]
        return Table(table.column_names, list(zip(*columns, strict=True)), self._say)

    def _say(self, text: str) -> None:
        self._scope.calls.log(text, info=True)

    def write(self, warehouse: Warehouse, sql: str, what: str) -> None:
        """Statements that change something: for hooks and operations."""
        if not self._scope.writing:
            raise Mistake(
                f"{what} would change the warehouse, and only hooks may",
                "Ask with a SELECT, or make it a hook",
            )
        from tailrace.build.sql import Wrong, read_text

        try:
            facts = read_text(sql, self._scope.project.dialect, self._target)
        except Wrong as wrong:
            raise Mistake(
                f"the query of the template: {wrong.problems[0].message}", wrong.problems[0].fix
            ) from None
        with unlimited():
            warehouse.execute(in_own_words(warehouse, set_clock(facts.sql, self._scope.now)))

    def described(self, warehouse: Warehouse, sql: str) -> list[tuple[str, str]]:
        """Names and types of what a query gives, in DuckDB's words."""
        if warehouse.engine == "duckdb":
            rows = self.rows(warehouse, f"SELECT column_name, column_type FROM (DESCRIBE {sql})")
            return [(str(row[0]), str(row[1])) for row in rows]
        from tailrace.build.materialize.bigquery.catalogue import described

        return list(described(warehouse, self._selected(sql)).items())

    def _selected(self, sql: str) -> str:
        from tailrace.build.calls import quoter
        from tailrace.build.marks import placed_tables
        from tailrace.build.sql import Wrong, read_sql

        try:
            facts = read_sql(sql, self._scope.project.dialect, self._target)
        except Wrong as wrong:
            raise Mistake(
                f"the query of the template: {wrong.problems[0].message}", wrong.problems[0].fix
            ) from None
        placed = placed_tables(facts.sql, self._scope.calls.names, quoter(self._target))
        return set_clock(placed.replace("@tailrace:ctes@", ""), self._scope.now)

    @property
    def _target(self) -> str:
        return "bigquery" if self._scope.project.target.type == "bigquery" else "duckdb"
