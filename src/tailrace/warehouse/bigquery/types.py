"""Types of the two engines: statements are written with DuckDB's, BigQuery's tables have BigQuery's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

TO_DUCKDB = {
    "STRING": "VARCHAR", "INT64": "BIGINT", "INTEGER": "BIGINT", "FLOAT64": "DOUBLE", "FLOAT": "DOUBLE", "NUMERIC": "DECIMAL(38,9)",
    "BIGNUMERIC": "DECIMAL(38,18)", "BOOL": "BOOLEAN", "BOOLEAN": "BOOLEAN", "TIMESTAMP": "TIMESTAMP", "DATETIME": "TIMESTAMP",
    "DATE": "DATE", "TIME": "TIME", "BYTES": "BLOB", "JSON": "VARCHAR",
}  # fmt: skip
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
SCALE = 9
"""Digits that a NUMERIC keeps behind its point; 29 before it (Google: "Data types", decimal types)."""


def to_duckdb(field: Any) -> str:
    """The DuckDB type of a `bigquery.SchemaField`."""
    if field.field_type in ("RECORD", "STRUCT"):
        kind = "STRUCT(" + ", ".join(f'"{one.name}" {to_duckdb(one)}' for one in field.fields) + ")"
    else:
        kind = TO_DUCKDB.get(field.field_type, "VARCHAR")
    return kind + "[]" if field.mode == "REPEATED" else kind


def to_bigquery(kind: str) -> str:
    """The BigQuery type of one of DuckDB's, as DDL writes it."""
    name = kind.upper().strip()
    if name.endswith("[]"):
        return f"ARRAY<{to_bigquery(kind[:-2])}>"
    if name in WHOLE:
        return "INT64"
    if name.startswith(("DECIMAL", "NUMERIC")):
        return "BIGNUMERIC" if _scale(name) > SCALE else "NUMERIC"
    if name.startswith("TIMESTAMP"):
        return "TIMESTAMP"
    plain = {
        "VARCHAR": "STRING", "TEXT": "STRING", "DOUBLE": "FLOAT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "DATE": "DATE",
        "TIME": "TIME", "BLOB": "BYTES", "JSON": "JSON", "HUGEINT": "BIGNUMERIC", "UUID": "STRING",
    }  # fmt: skip
    return plain.get(name, "STRING")


def _scale(decimal: str) -> int:
    inner = decimal.partition("(")[2].rstrip(")")
    return int(inner.partition(",")[2] or 0)


def field_of(name: str, kind: str) -> Any:
    """A `bigquery.SchemaField` for a column of one of DuckDB's types."""
    from google.cloud import bigquery

    written = to_bigquery(kind)
    if written.startswith("ARRAY<"):
        return bigquery.SchemaField(name, written[6:-1], mode="REPEATED")
    return bigquery.SchemaField(name, written)


def loadable(table: pa.Table) -> pa.Table:
    """As a load job takes it: instants in UTC with their zone, columns of nothing but NULL as texts.

    Else they arrive as DATETIME and as whole numbers (Google: "Loading Parquet data", type conversions).
    """
    import pyarrow as pa

    def to(kind: Any) -> Any:
        if pa.types.is_timestamp(kind):
            return pa.timestamp("us", "UTC")
        return pa.string() if pa.types.is_null(kind) else kind

    return _recast(table, to)


def unzoned(table: pa.Table) -> pa.Table:
    """Instants as DuckDB keeps them here: UTC without a zone."""
    import pyarrow as pa

    return _recast(table, lambda kind: pa.timestamp("us") if pa.types.is_timestamp(kind) else kind)


def _recast(table: pa.Table, to: Callable[[Any], Any]) -> pa.Table:
    import pyarrow as pa

    return table.cast(pa.schema([_refitted(field, to) for field in table.schema]))


def _refitted(field: Any, to: Callable[[Any], Any]) -> Any:
    """The field with what `to` makes of its type, or of the types in a list or struct."""
    import pyarrow as pa

    kind = field.type
    if pa.types.is_list(kind):
        return field.with_type(pa.list_(_refitted(kind.value_field, to)))
    if pa.types.is_struct(kind):
        return field.with_type(pa.struct([_refitted(one, to) for one in kind]))
    return field.with_type(to(kind))


def parquet_options() -> Any:
    """What REPEATED columns need: without it a list is a RECORD (Google: "Loading Parquet data", list logical type)."""
    from google.cloud.bigquery import ParquetOptions

    found = ParquetOptions()  # type: ignore[no-untyped-call]
    found.enable_list_inference = True
    return found


def of_arrow(kind: Any) -> str:
    """The DuckDB type of an Arrow one."""
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return of_arrow(kind.value_type) + "[]"
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    tests = (
        (pa.types.is_boolean, "BOOLEAN"), (pa.types.is_integer, "BIGINT"), (pa.types.is_floating, "DOUBLE"),
        (pa.types.is_timestamp, "TIMESTAMP"), (pa.types.is_date, "DATE"), (pa.types.is_time, "TIME"), (pa.types.is_binary, "BLOB"),
    )  # fmt: skip
    return next((name for test, name in tests if test(kind)), "VARCHAR")


def arrow_of(kind: str, found: Any) -> Any:
    """The Arrow type with which a column of one of DuckDB's types is loaded; `found` where nothing else is known."""
    import pyarrow as pa

    written = to_bigquery(kind)
    plain = {
        "STRING": pa.string(), "INT64": pa.int64(), "FLOAT64": pa.float64(), "BOOL": pa.bool_(), "DATE": pa.date32(),
        "TIMESTAMP": pa.timestamp("us"), "NUMERIC": pa.decimal128(38, 9), "JSON": pa.string(),
    }  # fmt: skip
    return plain.get(written, found)
