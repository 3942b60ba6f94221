"""`row_count_near_history`: as many rows as the runs before had, within shares of their median."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.validate.entry import Entry, Problem
from tailrace.validate.own import kwargs as values
from tailrace.validate.own.declaration import OwnCheck

DEFAULTS = {"runs": 14, "min_share": 0.5, "max_share": 2.0, "min_runs": 3}


def _wrong_with(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    yield from values.number(kwargs, "runs", 14, low=1, high=values.MOST_RUNS, whole=True)
    yield from values.number(kwargs, "min_runs", 3, low=1, whole=True)
    yield from values.number(kwargs, "min_share", 0.5, high=1)
    yield from values.number(kwargs, "max_share", 2.0, low=1)
    yield from values.ordered(kwargs, "min_runs", "runs", DEFAULTS)


CHECK = OwnCheck(
    "row_count_near_history",
    Entry("table", by_row=False, kwargs=dict.fromkeys(DEFAULTS, ("number",)), required=(), own=True),
    _wrong_with,
)
