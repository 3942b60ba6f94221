"""Whole columns of vendor values into Arrow arrays: a cast where all values fit, one by one where some do not."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tailrace.land.values import MisfitError, parse
from tailrace.records import Type
from tailrace.warehouse.lean import without_pandas

TYPES: dict[Type, pa.DataType] = {
    "text": pa.string(),
    "json": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "decimal": pa.decimal128(38, 9),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
}
UTC_INSTANT = pa.timestamp("us", "UTC")
EXACT_DIGITS = 15
"""Number texts of so many characters always survive the way through a double."""


with without_pandas():
    pa.array([1])  # the first array of a list imports pandas, only to learn that a list is no Series


def to_array(values: Sequence[Any], kind: Type) -> tuple[pa.Array, dict[int, Any]]:
    """The values as `kind`, and by index those that do not fit exactly (NULL in the array)."""
    kinds = set(map(type, values))
    kinds.discard(NoneType)
    if not kinds:
        return pa.nulls(len(values), TYPES[kind]), {}
    try:
        array = _from_texts(values, kind) if kinds == {str} else _from_numbers(values, kind, kinds)
    except (pa.ArrowException, UnicodeEncodeError, OverflowError):
        array = None
    return (array, {}) if array is not None else _one_by_one(values, kind)


def _one_by_one(values: Sequence[Any], kind: Type) -> tuple[pa.Array, dict[int, Any]]:
    found: list[Any] = []
    misfits: dict[int, Any] = {}
    for number, value in enumerate(values):
        try:
            found.append(parse(value, kind))
        except MisfitError:
            found.append(None)
            misfits[number] = value
    return pa.array(found, TYPES[kind]), misfits


def _from_numbers(values: Sequence[Any], kind: Type, kinds: set[type]) -> pa.Array | None:
    """JSON's own types. Never mixed ones: pyarrow cuts 1.5 to 1 and takes True for 1.0 without a word."""
    if (kind == "bigint" and kinds == {int}) or (kind == "bool" and kinds == {bool}):
        return pa.array(values, TYPES[kind])
    if kind == "double" and kinds <= {int, float}:
        return _finite(pa.array(values, pa.float64()))
    return None


def _from_texts(values: Sequence[Any], kind: Type) -> pa.Array | None:
    texts = pa.array(values, pa.string())
    if kind in ("text", "json"):
        return texts
    empty = pc.equal(texts, "")
    if pc.any(empty).as_py():
        texts = pc.if_else(empty, pa.scalar(None, pa.string()), texts)
    if kind == "double":
        return _finite(texts.cast(pa.float64())) if _plain_numbers(texts) else None
    if kind == "timestamp":
        return _instants(texts)
    return None if kind == "decimal" else texts.cast(TYPES[kind])


def _plain_numbers(texts: pa.Array) -> bool:
    """Short and without an exponent, which could leave a double's range at its lower end unseen."""
    longest = pc.max(pc.binary_length(texts)).as_py() or 0
    return longest <= EXACT_DIGITS and not pc.any(pc.match_substring(texts, "e", ignore_case=True)).as_py()


def _instants(texts: pa.Array) -> pa.Array:
    try:
        return texts.cast(UTC_INSTANT).cast(TYPES["timestamp"])
    except pa.ArrowException:
        return texts.cast(TYPES["timestamp"])


def _finite(array: pa.Array) -> pa.Array | None:
    return array if pc.all(pc.is_finite(array)).as_py() is not False else None
