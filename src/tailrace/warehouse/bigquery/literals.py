"""Values as literals: a script takes no parameters that every place may use, so what is bound is written out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlglot import TokenType
from sqlglot.dialects.dialect import Dialect

from tailrace.errors import WarehouseError

NUL = "\0"
LEAST = -(2**63)
"""A minus before 2^63 is read as an operator, and its number is none."""
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
        return f"CAST('{value!r}' AS DOUBLE)"
    if isinstance(value, int):
        return str(value) if value > LEAST else f"CAST('{value}' AS BIGINT)"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray):
        raise WarehouseError("bytes are no value of a statement", "hand them over as an Arrow table")
    if isinstance(value, datetime):
        plain = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return f"CAST('{plain.isoformat(sep=' ')}' AS TIMESTAMP)"
    if isinstance(value, date):
        return f"CAST('{value.isoformat()}' AS DATE)"
    parts = ("'" + one.replace("'", "''") + "'" for one in str(value).split(NUL))
    return " || chr(0) || ".join(parts) if NUL in str(value) else "".join(parts)


def text(value: str) -> str:
    """A text as BigQuery writes it. A NUL stands in no literal, and CHR(0) is an empty text (Google: "String functions")."""
    if NUL in value:
        return (
            "CONCAT("
            + ", SAFE_CONVERT_BYTES_TO_STRING(FROM_HEX('00')), ".join(text(one) for one in value.split(NUL))
            + ")"
        )
    for one, escape in ESCAPES:
        value = value.replace(one, escape)
    return f"'{value}'"
