"""`no_drift`: a column's values are spread as in the runs before, by the population stability index (PSI)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.validate.entry import Entry, Problem
from tailrace.validate.own import kwargs as values
from tailrace.validate.own.declaration import OwnCheck

DEFAULTS = {"runs": 14, "max_psi": 0.2, "min_runs": 3, "bins": 10}


def _wrong_with(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    yield from values.number(kwargs, "runs", 14, low=1, high=values.MOST_RUNS, whole=True)
    yield from values.number(kwargs, "min_runs", 3, low=1, whole=True)
    yield from values.number(kwargs, "max_psi", 0.2, low=0.01, high=10)
    yield from values.number(kwargs, "bins", 10, low=2, high=50, whole=True)
    yield from values.ordered(kwargs, "min_runs", "runs", DEFAULTS)


CHECK = OwnCheck(
    "no_drift",
    Entry(
        "column",
        by_row=False,
        kwargs={"column": ("text",), **dict.fromkeys(DEFAULTS, ("number",))},
        required=("column",),
        own=True,
    ),
    _wrong_with,
)
