"""Tables that SQL names plainly, found where it cannot be parsed yet."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tailrace.build.facts import Table
from tailrace.build.names import Named, Names

_READ = re.compile(r"\b(?:FROM|JOIN)\s+([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*))?", re.IGNORECASE)
_CTE = re.compile(r"\b([A-Za-z_]\w*)\s+AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(", re.IGNORECASE)


def plain_tables(sql: str) -> tuple[Table, ...]:
    """What stands behind FROM and JOIN, but for the query's own CTEs."""
    ctes = {name.lower() for name in _CTE.findall(sql)}
    found: list[Table] = []
    for match in _READ.finditer(sql):
        first, second = match[1], match[2] or ""
        if second or first.lower() not in ctes:
            found.append(("", first if second else "", second or first, match.start(1)))
    return tuple(found)


def known_tables(tables: Iterable[Table], names: Names) -> tuple[Table, ...]:
    """Those that are models of the project or landed; the others may be nothing once the template is answered."""
    return tuple(
        table for table in tables if model_of(table, names) or (table[1] and names.source(table[1], table[2]))
    )


def model_of(table: Table, names: Names) -> Named | None:
    """The model or seed that a table of SQL is."""
    _, schema, name, _ = table
    return names.qualified(schema, name) if schema else names.model(name)
