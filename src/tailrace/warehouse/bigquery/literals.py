"""Values as literals: a script takes no parameters that every place may use, so what is bound is written out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlglot import TokenType
from sqlglot.dialects.dialect import Dialect

from tailrace.errors import WarehouseError

NUL = "\0"
ESCAPES = (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"))
"""A literal holds no line's end; of all other signs none has a meaning in it."""


def bound(sql: str, params: Sequence[Any]) -> str:
    """DuckDB's SQL with its `?` replaced by the values, in their order. WarehouseError where the numbers differ."""
    if not params:
        return sql
    places = [
        token.start
        for token in Dialect.get_or_raise("duckdb").tokenize(sql)
        if token.token_type == TokenType.PLACEHOLDER
    ]
    if len(places) != len(params):
        raise WarehouseError(f"{len(params)} values were given for {len(places)} places in: {sql[:200]}")
    for place, value in zip(reversed(places), reversed(params), strict=True):
        sql = sql[:place] + duckdb_literal(value) + sql[place + 1 :]
    return sql


def duckdb_literal(value: Any) -> str:
    """One value in DuckDB's words."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            return f"CAST('{value}' AS DOUBLE)"
        return f"CAST({value!r} AS DOUBLE)"
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, datetime):
        plain = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return f"CAST('{plain.isoformat(sep=' ')}' AS TIMESTAMP)"
    if isinstance(value, date):
        return f"CAST('{value.isoformat()}' AS DATE)"
    parts = ("'" + one.replace("'", "''") + "'" for one in str(value).split(NUL))
    return " || chr(0) || ".join(parts) if NUL in str(value) else "".join(parts)


def text(value: str) -> str:
    """A text as BigQuery writes it. A NUL stands in no literal, so it is called in."""
    if NUL in value:
        return "CONCAT(" + ", CHR(0), ".join(text(one) for one in value.split(NUL)) + ")"
    for one, escape in ESCAPES:
        value = value.replace(one, escape)
    return f"'{value}'"


def literal(value: Any, kind: str) -> str:
    """One value as BigQuery writes it; `kind` is BigQuery's type, so that a NULL has one."""
    if value is None:
        return f"CAST(NULL AS {kind})"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if kind == "FLOAT64":
        return f"CAST('{float(value)!r}' AS FLOAT64)"
    if kind in ("NUMERIC", "BIGNUMERIC"):
        return f"{kind} '{value}'"
    if kind == "INT64":
        return str(int(value))
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}+00:00'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if kind == "JSON":
        return f"PARSE_JSON({text(str(value))})"
    return text(str(value)) if kind == "STRING" else f"CAST({text(str(value))} AS {kind})"
