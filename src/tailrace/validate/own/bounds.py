"""Bounds of Great Expectations' own types, as the package compares them with what it finds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tailrace.validate.own.declaration import CannotTell

_SPAN = ("min_value", "max_value")
_DAY = len("2026-11-21")
_COUNTS = (
    *("expect_column_unique_value_count_to_be_between", "expect_column_value_lengths_to_be_between"),
    *("expect_column_value_lengths_to_equal", "expect_table_column_count_to_be_between"),
    *("expect_table_column_count_to_equal", "expect_table_row_count_to_be_between"),
    "expect_table_row_count_to_equal",
)
"""What they compare is a whole number."""


def fitting(name: str, kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Kwargs of a type with bounds that say the same. CannotTell where none can."""
    return _of_one_kind(_whole(name, kwargs))


def _of_one_kind(kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """A day beside an instant as its midnight, and one without a zone beside one with it in UTC: they are compared with each other."""
    moments = {name: moment for name in _SPAN if (moment := _moment(kwargs.get(name)))}
    kinds = {(len(kwargs[name]) > _DAY, moment.tzinfo is not None) for name, moment in moments.items()}
    if len(kinds) < len(_SPAN):
        return kwargs
    zone = "+00:00" if any(moment.tzinfo for moment in moments.values()) else ""
    told = {name: f"{moment.isoformat()}{'' if moment.tzinfo else zone}" for name, moment in moments.items()}
    return {**kwargs, **told}


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) < _DAY:
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _whole(name: str, kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Bounds of a count as whole numbers that say the same: the package would cut 33.5 down to 33."""
    if name not in _COUNTS:
        return kwargs
    if isinstance(value := kwargs.get("value"), float) and value != int(value):
        raise CannotTell(f"value must be a whole number, not {value}")
    rounded: Mapping[str, Callable[[float], int]] = {
        "min_value": math.ceil,
        "max_value": math.floor,
        "value": int,
    }
    return {
        name: rounded[name](value) if isinstance(value, float) and name in rounded else value
        for name, value in kwargs.items()
    }
