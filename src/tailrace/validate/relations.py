"""The staged table as an expectation sees it: whole, only the rows of its `where:`, or with a column more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from tailrace.errors import WarehouseError
from tailrace.validate.own.sql import BATCH, spelled
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged

_NAME = "tailrace_judged_{}"
_NOTHING: Mapping[str, str] = MappingProxyType({})
ROW = "judged"
"""How an added column's SQL calls the row."""


class Relations:
    """One temporary view per distinct condition and added columns, made when it is asked for.

    Views in the connection's temporary memory work on a warehouse that is open for reading only, and any SQL
    condition works as it does in a model.
    """

    def __init__(self, warehouse: Warehouse, staged: Staged) -> None:
        self._warehouse = warehouse
        self._staged = staged
        self._made: dict[str, str | WarehouseError] = {}

    def named(self, where: str | None, adds: Mapping[str, str] = _NOTHING) -> str:
        """The view with the rows of a condition; `adds` maps column names to SQL over the row. An error where either does not fit.

        BigQuery has no temporary views: there it is the SELECT itself, in parentheses, which stands after FROM as well.
        """
        rows = self.select(where, adds)
        if self._warehouse.dialect.name == "bigquery":
            return f"({rows}\n)"
        if rows not in self._made:
            name = _NAME.format(len(self._made))
            try:
                self._warehouse.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {rows}")
                self._made[rows] = name
            except WarehouseError as error:
                self._made[rows] = error
        found = self._made[rows]
        if isinstance(found, WarehouseError):
            raise found
        return found

    def select(self, where: str | None, adds: Mapping[str, str] = _NOTHING) -> str:
        """What the view stands for, over the staged table."""
        dialect = self._warehouse.dialect
        table = dialect.table(self._staged.ref)
        rows = f"SELECT * FROM {table}" + (f" WHERE ({where}\n)" if where else "")
        if where and dialect.name != "duckdb":  # a condition is written in DuckDB's words
            rows = spelled(dialect, f"SELECT * FROM {BATCH} WHERE ({where}\n)").replace(BATCH, table)
        if not adds:
            return rows
        more = ", ".join(f"{sql} AS {dialect.quote(name)}" for name, sql in adds.items())
        return f"SELECT {ROW}.*, {more} FROM ({rows}) AS {ROW}"

    def close(self) -> None:
        for view in self._made.values():
            if isinstance(view, str):
                self._warehouse.execute(f"DROP VIEW IF EXISTS {view}")


@contextmanager
def relations(warehouse: Warehouse, staged: Staged) -> Iterator[Relations]:
    """The views of one judgement; they are gone after it."""
    made = Relations(warehouse, staged)
    try:
        yield made
    finally:
        made.close()
