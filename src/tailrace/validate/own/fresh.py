"""`fresh`: the newest value of a column is no older than it may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.validate.entry import Entry, Problem
from tailrace.validate.own import kwargs as values
from tailrace.validate.own.declaration import OwnCheck

MAX_AGE = "24h"


def _wrong_with(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    yield from values.duration(kwargs, "max_age", MAX_AGE)


CHECK = OwnCheck(
    "fresh",
    Entry(
        "column",
        by_row=False,
        kwargs={"column": ("text",), "max_age": ("text",)},
        required=("column",),
        own=True,
    ),
    _wrong_with,
)
