"""What a suite's own SQL reads; loads sqlglot, so it is imported where something is judged."""

from __future__ import annotations

from collections.abc import Collection

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tailrace.validate.own.sql import BATCH
from tailrace.validate.where import BATCH as NAME
from tailrace.validate.where import outer_tables, volatile_in


def tables_read(query: str) -> set[str] | None:
    """`schema.table` of all that a query reads but `{batch}`; None where that cannot be told, or it differs from call to call."""
    try:
        parsed = sqlglot.parse_one(query.replace(BATCH, NAME), read="duckdb")
    except SqlglotError:
        return None
    tables = outer_tables(parsed)
    if volatile_in(parsed) or not all(_is_plain(table) for table in tables):
        return None
    return {f"{table.db or 'main'}.{table.name}" for table in tables}


def reads_any_of(query: str, personal: Collection[str]) -> bool:
    """Whether a query's result can hold values of these columns (lower case): it names one, or a row as a whole; also where that cannot be told."""
    try:
        parsed = sqlglot.parse_one(query.replace(BATCH, NAME), read="duckdb")
    except SqlglotError:
        return True
    names = {part.name.lower() for part in parsed.find_all(exp.Identifier)}
    stars = [one for one in parsed.find_all(exp.Star) if not isinstance(one.parent, exp.Count)]
    whole = stars or parsed.find(exp.Columns, exp.PositionalColumn, exp.Pivot)
    renamed = any(part.args.get("columns") for part in parsed.find_all(exp.TableAlias))
    tables = list(parsed.find_all(exp.Table))
    rows = {part.alias_or_name.lower() for part in (*tables, *parsed.find_all(exp.Subquery, exp.CTE))}
    as_values = any(column.name.lower() in rows for column in parsed.find_all(exp.Column))
    called = not all(isinstance(table.this, exp.Identifier) for table in tables)
    return bool(names & set(personal) or whole or renamed or as_values or called)


def _is_plain(table: exp.Table) -> bool:
    """A table of this warehouse. Of a function, a file or another database nobody here knows when it changes."""
    return (
        isinstance(table.this, exp.Identifier)
        and not table.catalog
        and not any(sign in table.name for sign in "./*")
    )
