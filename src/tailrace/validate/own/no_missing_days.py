"""`no_missing_days`: every day has rows, for the whole table or for each group of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.project.reader import parse_duration
from tailrace.validate.entry import Entry, Problem
from tailrace.validate.own import kwargs as values
from tailrace.validate.own.declaration import OwnCheck

LAST, UNTIL, MAX_MISSING = "30d", "1d", 1


def _wrong_with(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    yield from values.texts(kwargs, "by")
    yield from values.duration(kwargs, "last", LAST, days=True)
    yield from values.duration(kwargs, "until", UNTIL, days=True, zero=True)
    yield from values.duration(kwargs, "ended_after", "7d", days=True)
    yield from values.number(kwargs, "max_missing", MAX_MISSING, whole=True)
    if kwargs.get("ended_after") is not None and not kwargs.get("by"):
        path = ("kwargs", "ended_after")
        yield path, "ended_after is about groups, and there is no by", "Add `by: [column]`"
    yield from _never_fails(kwargs)


def _never_fails(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    most, last = kwargs.get("max_missing", MAX_MISSING), parse_duration(str(kwargs.get("last", LAST)))
    if isinstance(most, int | float) and last and most >= last / values.DAY:
        why = f"max_missing {most:g} is no less than the {last / values.DAY:g} days looked at, so nothing ever fails"
        yield ("kwargs", "max_missing" if "max_missing" in kwargs else "last"), why, "Write 1"


CHECK = OwnCheck(
    "no_missing_days",
    Entry(
        "column",
        by_row=False,
        kwargs={
            "column": ("text",), "by": ("list",), "last": ("text",), "max_missing": ("number",), "until": ("text",),
            "ended_after": ("text",),
        },
        required=("column",),
        own=True,
    ),
    _wrong_with,
)  # fmt: skip
