"""SQL that compile left in the target's words, on its way to the open warehouse."""

from __future__ import annotations

from tailrace.warehouse.base import Warehouse


def in_own_words(warehouse: Warehouse, sql: str) -> str:
    """The text, marked for an engine that would take it for DuckDB's and translate it."""
    if warehouse.engine == "duckdb":
        return sql
    from tailrace.warehouse.bigquery.warehouse import Native

    return Native(sql)
