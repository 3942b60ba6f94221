"""`exists_in`: every value of a column is found in a column of another table; NULL is no value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.validate.entry import Entry, Problem
from tailrace.validate.own import kwargs as values
from tailrace.validate.own.declaration import OwnCheck


def _wrong_with(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    yield from values.table(kwargs, "table")


CHECK = OwnCheck(
    "exists_in",
    Entry(
        "rows",
        by_row=True,
        kwargs={"column": ("text",), "table": ("text",), "to_column": ("text",), "mostly": ("number",)},
        required=("column", "table"),
        own=True,
    ),
    _wrong_with,
    tables=("table",),
)
