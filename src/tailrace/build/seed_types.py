"""The types that dbt gives a seed's columns: found in every row, so that a dbt project builds the same tables here."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

_NULLS = ("", "null")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_INT32 = 2**31


def dbt_types(content: str, delimiter: str) -> dict[str, str]:
    """A DuckDB type for each column of the header; a column without any value is an INTEGER, as in dbt.

    A whole number that does not fit dbt's INTEGER, with which dbt fails, is a BIGINT.
    """
    rows = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
    header = [name.strip() for name in next(rows, [])]
    columns: list[list[str]] = [[] for _ in header]
    for row in rows:
        for values, value in zip(columns, row, strict=False):
            if value.strip().lower() not in _NULLS:
                values.append(value.strip())
    return {name: _type(values) for name, values in zip(header, columns, strict=True)}


def _type(values: list[str]) -> str:
    if not values:
        return "INTEGER"
    for kind, test in _TESTS:
        if all(map(test, values)):
            return kind
    return _number(values) if all(map(_NUMBER.fullmatch, values)) else "VARCHAR"


def _number(values: Iterable[str]) -> str:
    found = [Decimal(value) for value in values]
    if any(number != number.to_integral_value() for number in found):
        return "DOUBLE"
    return "INTEGER" if all(-_INT32 <= number < _INT32 for number in found) else "BIGINT"


def _is_date(value: str) -> bool:
    return _parses(value, lambda text: datetime.strptime(text, "%Y-%m-%d"))  # noqa: DTZ007 - a day has no zone


def _is_instant(value: str) -> bool:
    if "T" in value.upper():
        return _parses(value, datetime.fromisoformat)
    return _parses(value, lambda text: datetime.strptime(text, "%Y-%m-%d %H:%M:%S"))  # noqa: DTZ007 - as written


def _parses(value: str, parse: Callable[[str], object]) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


_TESTS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("DATE", _is_date),
    ("TIMESTAMP", _is_instant),
    ("BOOLEAN", lambda value: value.lower() in ("true", "false")),
)
