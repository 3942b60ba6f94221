"""Rows of chosen keys, in words by which an engine that stores rows sorted by key reads only the blocks that hold them.

BigQuery skips the blocks of a clustered table by constants alone, never by a join (Google: "Querying clustered tables").
"""

from __future__ import annotations

from typing import Any

from tailrace.land.layout import Layout, same_key
from tailrace.warehouse.base import Warehouse

NAMED = 500
"""So many keys are written out; of more only their range is."""
SORTED = ("VARCHAR", "BIGINT", "DATE", "TIMESTAMP", "BOOLEAN", "DECIMAL")


def pruned(warehouse: Warehouse, layout: Layout, chosen: str, alias: str) -> str:
    """A condition on rows `alias`: their key is in the session's table `chosen`, which is not empty."""
    column, kind = layout.key[0], layout.columns[layout.key[0]]
    joined = f"EXISTS (SELECT 1 FROM {chosen} AS o WHERE {same_key(warehouse, layout, 'o', alias)})"
    if not kind.upper().startswith(SORTED):
        return joined
    quote = warehouse.dialect.quote
    count, first, last = warehouse.query(
        f"SELECT COUNT(DISTINCT {quote(column)}), MIN({quote(column)}), MAX({quote(column)}) FROM {chosen}"
    )[0]
    if count > NAMED:
        low, high = (_constant(warehouse, value, kind) for value in (first, last))
        return f"{alias}.{quote(column)} BETWEEN {low} AND {high} AND {joined}"
    values = warehouse.query(f"SELECT DISTINCT {quote(column)} FROM {chosen} ORDER BY 1")
    named = ", ".join(_constant(warehouse, value, kind) for (value,) in values)
    among = f"{alias}.{quote(column)} IN ({named})"
    return among if len(layout.key) == 1 else f"{among} AND {joined}"


def _constant(warehouse: Warehouse, value: Any, kind: str) -> str:
    text = warehouse.dialect.literal(str(value))
    if kind.upper().startswith("VARCHAR"):
        return text
    return str(value) if kind.upper() == "BIGINT" else f"CAST({text} AS {kind})"
