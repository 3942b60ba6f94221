"""GoogleSQL as far as the client library's first steps need it: columns, or a count, of one table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tailrace.sandbox.ga4_export.schema import Field

SELECT = re.compile(
    r"\s*SELECT\s+(?P<columns>.+?)\s+FROM\s+`?(?P<table>[\w:.-]+)`?(?:\s+LIMIT\s+(?P<limit>\d+))?\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
COUNT = re.compile(r"COUNT\(\*\)(?:\s+AS\s+(?P<name>\w+))?", re.IGNORECASE)


@dataclass(frozen=True)
class Query:
    """`columns` empty: all of them; `count`: the name of the one column of a COUNT(*)."""

    table: str
    columns: tuple[str, ...] = ()
    count: str | None = None
    limit: int | None = None


def parse(text: str) -> Query | None:
    """None for SQL beyond `SELECT * | COUNT(*) | a, b FROM t [LIMIT n]`."""
    found = SELECT.fullmatch(text)
    if found is None:
        return None
    limit = int(found["limit"]) if found["limit"] else None
    count = COUNT.fullmatch(found["columns"])
    if count is not None:
        return Query(found["table"], count=count["name"] or "f0_", limit=limit)
    if found["columns"] == "*":
        return Query(found["table"], limit=limit)
    names = tuple(part.strip().strip("`") for part in found["columns"].split(","))
    if not all(re.fullmatch(r"\w+", name) for name in names):
        return None
    return Query(found["table"], names, limit=limit)


def select(
    query: Query, fields: list[Field], rows: list[dict[str, Any]]
) -> tuple[list[Field], list[dict[str, Any]]]:
    """The answer's fields and rows; KeyError names a column that the table has not."""
    if query.count is not None:
        return [{"name": query.count, "type": "INTEGER", "mode": "NULLABLE"}], [{query.count: len(rows)}]
    by_name = {field["name"]: field for field in fields}
    chosen = [by_name[name] for name in query.columns] if query.columns else fields
    return chosen, rows if query.limit is None else rows[: query.limit]
