"""What a suite's own SQL reads; loads sqlglot, so it is imported where something is judged."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tailrace.validate.own.sql import BATCH
from tailrace.validate.where import BATCH as NAME
from tailrace.validate.where import volatile_in


def tables_read(query: str) -> set[str] | None:
    """`schema.table` of all that a query reads but `{batch}`; None where that cannot be told, or it differs from call to call."""
    try:
        parsed = sqlglot.parse_one(query.replace(BATCH, NAME), read="duckdb")
    except SqlglotError:
        return None
    own = {part.alias_or_name.lower() for part in parsed.find_all(exp.CTE)} | {NAME}
    tables = [table for table in parsed.find_all(exp.Table) if table.db or table.name.lower() not in own]
    if volatile_in(parsed) or not all(_is_plain(table) for table in tables):
        return None
    return {f"{table.db or 'main'}.{table.name}" for table in tables}


def _is_plain(table: exp.Table) -> bool:
    """A table of this warehouse. Of a function, a file or another database nobody here knows when it changes."""
    return (
        isinstance(table.this, exp.Identifier)
        and not table.catalog
        and not any(sign in table.name for sign in "./*")
    )
