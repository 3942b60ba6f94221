"""Arrow tables as rows of plain values: whole columns at a time, and their types from Arrow's own."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as at

from tailrace.connectors.sdk.items import LIMIT, Kinds, plain


def arrow_rows(table: pa.Table | pa.RecordBatch, kinds: Kinds) -> list[dict[str, Any]]:
    """Its rows; every typed column is told to `kinds`, whether it holds a value or not."""
    names = table.schema.names
    columns = [_column(name, table.column(number), kinds) for number, name in enumerate(names)]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def tell(schema: pa.Schema, kinds: Kinds) -> None:
    """The types of a schema, without a row."""
    for field in schema:
        kinds.add(field.name, kind_of(field.type))


def kind_of(kind: pa.DataType) -> str | None:
    """The type in tailrace's words of an Arrow type; None where its values have to tell (a column of nothing but NULL)."""
    if at.is_dictionary(kind):
        return kind_of(kind.value_type)
    tests = (
        (at.is_null, None),
        (at.is_boolean, "bool"),
        (at.is_integer, "bigint"),
        (at.is_floating, "double"),
        (at.is_decimal, "decimal"),
        (at.is_timestamp, "timestamp"),
        (at.is_date, "date"),
        (at.is_nested, "json"),
    )
    return next((name for test, name in tests if test(kind)), "text")


def _column(name: str, array: Any, kinds: Kinds) -> list[Any]:
    kind = array.type
    kinds.add(name, kind_of(kind))
    if at.is_dictionary(kind):
        array = array.cast(kind.value_type)
        kind = array.type
    if at.is_timestamp(kind):
        array = array.cast(pa.timestamp("us", kind.tz), safe=False)
        return list(pc.strftime(array.cast(pa.timestamp("us")), "%Y-%m-%dT%H:%M:%S").to_pylist())
    if at.is_date(kind):
        return list(array.cast(pa.date32()).cast(pa.string()).to_pylist())
    if at.is_uint64(kind):
        return [value if value is None or value < LIMIT else str(value) for value in array.to_pylist()]
    if at.is_boolean(kind) or at.is_integer(kind) or at.is_string(kind) or at.is_large_string(kind):
        return list(array.to_pylist())
    return [plain(value)[0] for value in array.to_pylist()]
