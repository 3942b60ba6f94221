"""The columns of tables that somebody knows, as kinds: what the SQL alone does not tell."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlglot import exp
from sqlglot.errors import SqlglotError

from tailrace.transpile.expressions import Columns
from tailrace.transpile.signatures import BYTES, DOUBLE, INT, TEXT, TIMESTAMP, UNKNOWN, Kind
from tailrace.transpile.types import kind_of_type

Schema = Mapping[str, Mapping[str, str]]
"""`"schema.table"`, or a temporary table's bare name, -> column -> type in DuckDB's or BigQuery's words."""
_BIGQUERY = {"INT64": INT, "FLOAT64": DOUBLE, "STRING": TEXT, "BYTES": BYTES, "DATETIME": TIMESTAMP}
_TYPES = {
    "int": "INT64", "double": "FLOAT64", "text": "STRING", "bool": "BOOL", "date": "DATE", "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMP", "time": "TIME", "json": "JSON", "bytes": "BYTES", "decimal": "NUMERIC",
}  # fmt: skip
_SIZED = re.compile(r"^(BIG)?NUMERIC$|^BIGNUMERIC\b|^STRING\(", re.IGNORECASE)
_ARRAY = re.compile(r"^ARRAY<(.*)>$", re.IGNORECASE | re.DOTALL)


def kinds_of_tables(schema: Schema | None) -> dict[str, Columns]:
    """By the table's name in lower case."""
    return {
        table.lower(): {name.lower(): kind_named(kind) for name, kind in columns.items()}
        for table, columns in (schema or {}).items()
    }


def kind_named(name: str) -> Kind:
    """The kind of a type by its name in either engine; unknown where neither has it."""
    found = _BIGQUERY.get(name.upper())
    if found is not None:
        return found
    if inside := _ARRAY.match(name):
        return Kind("list", item=kind_named(inside[1]))
    if _SIZED.match(name):
        return (
            TEXT
            if name.upper().startswith("STRING")
            else Kind("decimal", 9 if name.upper() == "NUMERIC" else -1)
        )
    try:
        return kind_of_type(exp.DataType.build(name, dialect="duckdb"))
    except (SqlglotError, ValueError):
        return UNKNOWN


def bigquery_type(kind: Kind) -> str | None:
    """The type that holds such values; None for lists, structs and what nobody knows."""
    return _TYPES.get(kind.name)
