"""Expectations against the types that a model's columns are declared with: what the warehouse could not even compare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.project.spec import Expectation
from tailrace.validate.entry import Problem

_FAMILIES = (
    (
        "a number",
        r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?(2|4|8|64)?|LONG|SHORT|DOUBLE|FLOAT(4|8|64)?|REAL|DECIMAL|(BIG)?NUMERIC)\b",
    ),
    ("text", r"(VARCHAR|TEXT|STRING|CHAR|BPCHAR)\b"),
    ("a date", r"(DATE|TIMESTAMP|TIMESTAMPTZ|DATETIME)\b|TIMESTAMP_"),
    ("true or false", r"BOOL(EAN)?\b"),
)
_COMPARES = frozenset(
    (
        *("expect_column_values_to_be_between", "expect_column_max_to_be_between"),
        "expect_column_min_to_be_between",
    )
)
_OF_NUMBERS = frozenset(
    (
        *("expect_column_mean_to_be_between", "expect_column_sum_to_be_between"),
        *("expect_column_stdev_to_be_between", "expect_column_value_z_scores_to_be_less_than"),
    )
)
_OF_DAYS = ("fresh", "no_missing_days")
_OF_TEXTS = re.compile(r"_(value_lengths|match_regex|match_like_pattern)")


def wrong_with_type(item: Expectation, types: Mapping[str, str]) -> Iterator[Problem]:
    """What cannot be asked of a column of its type. `types` are SQL types by column in lower case; one that is not known is not judged."""
    column = item.kwargs.get("column")
    declared = types.get(column.lower(), "") if isinstance(column, str) else ""
    family = _family(declared)
    if not family:
        return
    whose = f"{column} is declared as {declared}"
    if _OF_TEXTS.search(item.type) and family != "text":
        yield ("kwargs", "column"), f"{whose}, and {item.type} is about text", "Name a column of text"
    elif item.type in _OF_NUMBERS and family != "a number":
        yield ("kwargs", "column"), f"{whose}, and {item.type} is about numbers", "Name a column of numbers"
    elif item.type in _OF_DAYS and family != "a date":
        yield ("kwargs", "column"), f"{whose}, and {item.type} is about days", "Name a DATE or a TIMESTAMP"
    elif item.type in _COMPARES:
        for name in ("min_value", "max_value"):
            yield from _compared(("kwargs", name), item.kwargs.get(name), family, whose)
    values = item.kwargs.get("value_set")
    for place, value in enumerate(values if isinstance(values, list | tuple) else ()):
        yield from _compared(("kwargs", "value_set", place), value, family, whose)


def _compared(path: tuple[str | int, ...], value: Any, family: str, whose: str) -> Iterator[Problem]:
    kind = _kind(value, family)
    if kind and kind != family:
        fix = "Put quotes around it" if family == "text" else f"Write {family}"
        yield path, f"{whose}, and {value!r} is {kind}", fix


def _kind(value: Any, family: str) -> str:
    """What a value is; "" for a NULL, a parameter, and a text where dates are texts, too."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "text" if isinstance(value, str) and family != "a date" else ""


def _family(kind: str) -> str:
    if kind.rstrip().endswith("]"):
        return ""
    return next((name for name, pattern in _FAMILIES if re.match(pattern, kind.strip().upper())), "")
