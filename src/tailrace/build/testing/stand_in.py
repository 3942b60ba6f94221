"""A warehouse in which other tables stand for some: tests of what is built aside name the model, not its copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from tailrace.warehouse.base import TableRef, Warehouse


class StandIn:
    """BigQuery's SQL, compiled for the names of `instead`, runs over what stands for them; all else is the warehouse's own."""

    def __init__(self, warehouse: Warehouse, instead: Mapping[TableRef, TableRef]) -> None:
        self._warehouse, self._instead = warehouse, instead

    def __getattr__(self, name: str) -> Any:
        return getattr(self._warehouse, name)

    def _said(self, sql: str) -> str:
        from tailrace.build.materialize.bigquery.said import instead_of
        from tailrace.warehouse.bigquery.warehouse import Native

        return Native(instead_of(sql, self._instead)) if isinstance(sql, Native) else sql

    def query(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return self._warehouse.query(self._said(sql), *params)

    def arrow(self, sql: str) -> Any:
        return self._warehouse.arrow(self._said(sql))

    def execute(self, sql: str, *params: Any) -> None:
        self._warehouse.execute(self._said(sql), *params)

    def columns(self, ref: TableRef) -> dict[str, str]:
        found = self._instead.get(ref)
        return self._warehouse.columns(ref) if found is None else self._columns_aside(found)

    def _columns_aside(self, ref: TableRef) -> dict[str, str]:
        found = self._warehouse.jobs.table(ref)  # type: ignore[attr-defined] # what is aside is there alone
        return dict(found.columns) if found else {}

    def tables(self, schema: str) -> dict[str, str]:
        names = {ref.name: "table" for ref in self._instead if ref.schema == schema}
        return {**self._warehouse.tables(schema), **names}


def standing_in(warehouse: Warehouse, instead: Mapping[TableRef, TableRef]) -> Warehouse:
    """The warehouse itself where nothing stands for anything."""
    return cast("Warehouse", StandIn(warehouse, instead)) if instead else warehouse
