"""A question's values as BigQuery compares them: typed by the column, since it converts next to nothing by itself.

DuckDB compares a TIMESTAMP with a text, a date or an instant without a zone; BigQuery has no operator for most of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from tailrace.validate.question import Question

_BOUNDS = ("min_value", "max_value")
_LIKE = ("like_pattern", "like_pattern_list")


def typed(question: Question, types: Mapping[str, str]) -> Question:
    """The question with its bounds typed; `types` maps columns to BigQuery's names.

    Bounds of an aggregate are compared in Python, where an instant with a zone has no order with one without.
    """
    kwargs = dict(question.kwargs)
    kind = types.get(str(kwargs.get("column")), "")
    for name in _BOUNDS:
        if name in kwargs:
            kwargs[name] = converted(kind, kwargs[name])
    for name in _LIKE:
        if name in kwargs:
            kwargs[name] = _each(kwargs[name], _like)
    return replace(question, kwargs=kwargs)


def _each(value: Any, convert: Any) -> Any:
    return [convert(item) for item in value] if isinstance(value, list | tuple) else convert(value)


def _like(pattern: Any) -> Any:
    r"""On BigQuery a `\` in a LIKE pattern escapes, on DuckDB it stands for itself: `C:\%` must mean the same."""
    return pattern.replace("\\", "\\\\") if isinstance(pattern, str) else pattern


def converted(kind: str, value: Any) -> Any:
    """A value as a column of BigQuery's type `kind` is compared with; what does not fit is left for BigQuery to refuse."""
    if value is None or isinstance(value, bool):
        return value
    try:
        if kind in _MOMENTS:
            return _MOMENTS[kind](value)
        if kind in _NUMBERS and isinstance(value, str):
            return _NUMBERS[kind](value)
    except (ValueError, TypeError, InvalidOperation):
        return value
    return value


def _moment(value: Any) -> datetime:
    """Midnight for a day; a text as ISO 8601 has it."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value if isinstance(value, datetime) else datetime.combine(value, time())


def _timestamp(value: Any) -> datetime:
    """Instants without a zone are UTC, as everywhere in tailrace."""
    moment = _moment(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _datetime(value: Any) -> datetime:
    return _timestamp(value).replace(tzinfo=None)


def _date(value: Any) -> date:
    """A day, or where the value says more than the day a DATETIME, to which BigQuery brings a DATE by itself."""
    moment = _datetime(value)
    return moment.date() if moment.time() == time() else moment


def _time(value: Any) -> time:
    return time.fromisoformat(value) if isinstance(value, str) else value


_MOMENTS: Mapping[str, Any] = {"TIMESTAMP": _timestamp, "DATETIME": _datetime, "DATE": _date, "TIME": _time}
_NUMBERS: Mapping[str, Any] = {
    "INTEGER": int,
    "INT64": int,
    "FLOAT": float,
    "FLOAT64": float,
    "NUMERIC": Decimal,
    "BIGNUMERIC": Decimal,
}
