"""`total_matches_source`: a column adds up to what its source adds up to, for the whole table or group by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.validate.entry import Entry, Problem
from tailrace.validate.own import kwargs as values
from tailrace.validate.own.declaration import OwnCheck

TOLERANCE = 0.001


def _wrong_with(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    yield from values.table(kwargs, "source")
    yield from values.sql(("kwargs", "source_column"), kwargs.get("source_column"))
    yield from values.sql(("kwargs", "source_where"), kwargs.get("source_where"))
    yield from values.texts(kwargs, "by")
    theirs = kwargs.get("source_by")
    for place, text in enumerate(theirs if isinstance(theirs, list | tuple) else ()):
        yield from values.sql(("kwargs", "source_by", place), text)
    yield from values.number(kwargs, "tolerance", TOLERANCE, high=1)
    yield from values.number(kwargs, "absolute", 0.01)
    yield from _pairs(kwargs)


def _pairs(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    ours, theirs = kwargs.get("by") or (), kwargs.get("source_by")
    if isinstance(theirs, list | tuple) and isinstance(ours, list | tuple) and len(ours) != len(theirs):
        why = f"source_by has {len(theirs)} of by's {len(ours)} parts"
        yield ("kwargs", "source_by"), why, "Write one SQL expression per column of by, in its order"


CHECK = OwnCheck(
    "total_matches_source",
    Entry(
        "column",
        by_row=False,
        kwargs={
            "column": ("text",), "source": ("text",), "source_column": ("text",), "by": ("list",), "source_by": ("list",),
            "source_where": ("text",), "tolerance": ("number",), "absolute": ("number",),
        },
        required=("column", "source", "source_column"),
        own=True,
    ),
    _wrong_with,
    tables=("source",),
)  # fmt: skip
