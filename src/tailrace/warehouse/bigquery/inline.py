"""Rows written into a statement: one JSON text of all their values as texts, and a cast for each column.

A literal for each value would be parsed one by one, which takes longer than the statement; a text of JSON is one token.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tailrace.warehouse.bigquery import types
from tailrace.warehouse.bigquery.literals import text

if TYPE_CHECKING:
    import pyarrow as pa


def inline(table: pa.Table) -> str | None:
    """A subquery in parentheses; None where a column has no text that BigQuery casts back, such as a list."""
    kinds = [types.to_bigquery(types.of_arrow(one.type)) for one in table.schema]
    if any(kind.startswith("ARRAY<") or kind == "BYTES" for kind in kinds):
        return None
    named = list(zip(table.column_names, kinds, strict=True))
    if not table.num_rows:
        columns = ", ".join(f"CAST(NULL AS {kind}) AS `{name}`" for name, kind in named)
        return f"(SELECT {columns} FROM UNNEST([1]) WHERE FALSE)"
    columns = ", ".join(f"{_cast(at, kind)} AS `{name}`" for at, (name, kind) in enumerate(named))
    rows = [[_written(value) for value in row.values()] for row in table.to_pylist()]
    listed = text(json.dumps(rows, ensure_ascii=False, separators=(",", ":")))
    return f"(SELECT {columns} FROM UNNEST(JSON_QUERY_ARRAY({listed})) AS _row)"


def _cast(at: int, kind: str) -> str:
    value = f"JSON_VALUE(_row, '$[{at}]')"
    if kind == "STRING":
        return value
    exact = ("JSON", "NUMERIC", "BIGNUMERIC")
    return f"PARSE_{kind}({value})" if kind in exact else f"CAST({value} AS {kind})"


def _written(value: Any) -> str | None:
    """As BigQuery's casts read it (Google: "Conversion functions")."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime):
        return f"{value.replace(tzinfo=None).isoformat(sep=' ')}+00:00"
    return str(value)
