"""Reads `tailrace_meta` as it is published: tables and columns that an earlier release did not make count as empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tailrace.warehouse.base import META, TableRef, Warehouse


class Published:
    """A published file, open for reading. Columns of a table are asked for once."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self._columns: dict[str, dict[str, str]] = {}

    def columns(self, table: str) -> dict[str, str]:
        """Of a table in `tailrace_meta`; {} where it is not there."""
        if table not in self._columns:
            self._columns[table] = self.warehouse.columns(TableRef(META, table))
        return self._columns[table]

    def relation(self, table: str, columns: Sequence[str]) -> str:
        """A subquery with exactly these columns, those that are not there as NULL."""
        there = {name.lower() for name in self.columns(table)}
        quote = self.warehouse.dialect.quote
        parts = [quote(name) if name in there else f"NULL AS {quote(name)}" for name in columns]
        return f"(SELECT {', '.join(parts)} FROM {self.warehouse.dialect.table(TableRef(META, table))})"

    def rows(
        self, table: str, columns: Sequence[str], rest: str = "", params: Sequence[Any] = ()
    ) -> list[dict[str, Any]]:
        """Its rows as mappings; `rest` is what stands behind FROM."""
        if not self.columns(table):
            return []
        found = self.warehouse.query(f"SELECT * FROM {self.relation(table, columns)} AS t {rest}", params)
        return [dict(zip(columns, row, strict=True)) for row in found]
