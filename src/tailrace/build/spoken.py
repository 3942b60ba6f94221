"""SQL on its way to the open warehouse: what compile left in the target's words, and our own in DuckDB's."""

from __future__ import annotations

from tailrace.errors import FatalError, Location
from tailrace.warehouse.base import TableRef, Warehouse


def in_own_words(warehouse: Warehouse, sql: str) -> str:
    """Text in the target's words, marked for an engine that would take it for DuckDB's and translate it."""
    if warehouse.engine == "duckdb":
        return sql
    from tailrace.warehouse.bigquery.warehouse import Native

    return Native(sql)


def as_the_target_says(warehouse: Warehouse, sql: str) -> str:
    """SQL of ours in the target's words, to be shown, or put around a person's."""
    if warehouse.engine == "duckdb":
        return sql
    from tailrace.transpile.statements import to_bigquery

    return to_bigquery(sql, {})


def named(warehouse: Warehouse, ref: TableRef) -> str:
    """A table's name, quoted as the target quotes it."""
    return warehouse.dialect.table(ref) if warehouse.engine == "duckdb" else f"`{ref.schema}`.`{ref.name}`"


def one_bigquery_select(text: str, location: Location) -> None:
    """FatalError where BigQuery's SQL is anything but one SELECT."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        trees = [tree for tree in sqlglot.parse(text, read="bigquery") if tree is not None]
    except SqlglotError as error:
        raise FatalError(f"{location}: the SQL does not parse: {str(error).splitlines()[0]}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise FatalError(f"{location}: this has to be one SELECT", "Write its rows' query and nothing else")
