"""Vendor records as rows: the columns' values, spelled so that an unchanged record is an equal row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

INT64 = 1 << 63


def rows(records: Iterable[Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """One row for each record, with all columns; what is no object is left out."""
    return [
        {name: plain(record.get(name)) for name in names} for record in records if isinstance(record, Mapping)
    ]


def plain(value: Any) -> Any:
    """Lists of objects (actions) in an order of their own, for Meta promises none; numbers that no row can hold as text."""
    if isinstance(value, list):
        items = [plain(item) for item in value]
        return sorted(items, key=_order) if items and all(isinstance(item, dict) for item in items) else items
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    beyond = isinstance(value, int) and not -INT64 <= value < INT64
    if beyond or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value


def _order(item: Any) -> bytes:
    return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
