"""BigQuery's rows on the wire (`{"f": [{"v": ...}]}`) as plain nested values, and its fields as columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any

from tailrace.records import Column, Type

Field = Mapping[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TYPES: dict[str, Type] = {
    "INTEGER": "bigint",
    "INT64": "bigint",
    "FLOAT": "double",
    "FLOAT64": "double",
    "NUMERIC": "decimal",
    "BOOLEAN": "bool",
    "BOOL": "bool",
    "TIMESTAMP": "timestamp",
    "DATE": "date",
    "RECORD": "json",
    "STRUCT": "json",
    "JSON": "json",
}


def columns_of(fields: Sequence[Field]) -> list[Column]:
    """The table's columns; what is repeated or a record is json, an unknown type text."""
    return [
        Column(
            field["name"],
            "json" if field.get("mode") == "REPEATED" else TYPES.get(field["type"], "text"),
            field.get("description") or "",
        )
        for field in fields
    ]


def decoder(fields: Sequence[Field]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A function from one row on the wire to its values by name; what is NULL or empty is left out."""
    parts = [(field["name"], _cell(field)) for field in fields]

    def decode(row: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for (name, read), cell in zip(parts, row["f"], strict=True):
            value = cell["v"]
            if value is not None:
                value = read(value)
                if value is not None:
                    found[name] = value
        return found

    return decode


def _cell(field: Field) -> Callable[[Any], Any]:
    one = _record(field) if field["type"] in ("RECORD", "STRUCT") else _SCALARS.get(field["type"], _text)
    if field.get("mode") == "REPEATED":
        return lambda value: [one(item["v"]) for item in value] or None
    return one


def _record(field: Field) -> Callable[[Any], Any]:
    decode = decoder(field["fields"])
    return lambda value: decode(value) or None


def _text(value: Any) -> Any:
    return value


def _double(value: Any) -> float | None:
    number = float(value)
    return None if isnan(number) else number


def _bool(value: Any) -> bool:
    return str(value).lower() == "true"


def _instant(value: Any) -> str:
    """Microseconds since 1970, as `formatOptions.useInt64Timestamp` asks for them."""
    return (EPOCH + timedelta(microseconds=int(value))).isoformat().replace("+00:00", "Z")


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "INTEGER": int,
    "INT64": int,
    "FLOAT": _double,
    "FLOAT64": _double,
    "BOOLEAN": _bool,
    "BOOL": _bool,
    "TIMESTAMP": _instant,
}
