"""Marks that stand in a model's kept SQL for what only the whole project knows: bare table names, the place of CTEs."""

from __future__ import annotations

import re
from collections.abc import Callable

from tailrace.build.calls import CTE
from tailrace.build.names import Names

CTES = "@tailrace:ctes@"
"""Stands where the CTEs of ephemeral models go: behind WITH, or before the SELECT."""
_TABLE = re.compile(r"""["`]?@tailrace:table:([^@]+)@["`]?""")


def table_mark(name: str) -> str:
    """Stands for a bare table name until all models are known."""
    return f"@tailrace:table:{name}@"


def placed_tables(sql: str, names: Names, quote: Callable[[str], str]) -> str:
    """The SQL with every bare name that is a model's as the model's table; others as they were written."""

    def table(found: re.Match[str]) -> str:
        model = names.model(found[1])
        if model is None:
            return found[1]
        if model.materialized == "ephemeral":
            return CTE + model.name
        return f"{quote(model.schema)}.{quote(model.table.name)}"

    return _TABLE.sub(table, sql)


_HEAD = re.compile(
    r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*(?P<with>WITH\b(?:\s+RECURSIVE\b)?)?", re.DOTALL | re.IGNORECASE
)


def marked_ctes(sql: str) -> str:
    """The SQL with a mark where the CTEs of ephemeral models would go, where it may read any."""
    if CTE not in sql and "@tailrace:table:" not in sql:
        return sql
    found = _HEAD.match(sql)
    at = found.end() if found else 0
    return f"{sql[:at]}{CTES}{sql[at:]}"
