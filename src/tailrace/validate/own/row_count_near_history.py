"""`row_count_near_history`: as many rows as the runs before had, within shares of their median."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.project.spec import Expectation
from tailrace.validate.entry import Entry, Problem
from tailrace.validate.own import history
from tailrace.validate.own import kwargs as values
from tailrace.validate.own.declaration import Asked, Context, Found, OwnCheck
from tailrace.validate.question import Answer

DEFAULTS = {"runs": 14, "min_share": 0.5, "max_share": 2.0, "min_runs": 3}


def _wrong_with(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    alone = [
        *values.number(kwargs, "runs", 14, low=1, high=values.MOST_RUNS, whole=True),
        *values.number(kwargs, "min_runs", 3, low=1, whole=True),
        *values.number(kwargs, "min_share", 0.5, high=1),
        *values.number(kwargs, "max_share", 2.0, low=1),
    ]
    yield from alone or values.ordered(kwargs, "min_runs", "runs", DEFAULTS)


def _ask(context: Context, item: Expectation) -> Asked | Found:
    """Native, between shares of the median: one odd run in the history moves nothing."""
    wanted = {**DEFAULTS, **item.kwargs}
    relation = context.relations.named(item.where)
    known = _counts(context, item, int(wanted["runs"]))
    if len(known) < wanted["min_runs"]:
        count = context.warehouse.query(f"SELECT count(*) FROM {relation}")[0][0]
        return Found(f"{_rows(count)}, {values.too_early(len(known), wanted['min_runs'])}", float(count))
    usual = _median(known)
    least, most = (
        values.exactly(wanted[name]) * values.exactly(usual) for name in ("min_share", "max_share")
    )
    low, high = math.ceil(least), math.floor(most)
    kwargs = {"min_value": low, "max_value": high}
    return Asked(relation, "expect_table_row_count_to_be_between", kwargs, (usual, len(known)))


def _counts(context: Context, item: Expectation, runs: int) -> list[float]:
    """The model's rows in earlier runs; under a `where:` those that this very check counted."""
    this = history.Check.of(item)
    past = history.past_runs(context.warehouse, context.suite, context.staged, this, [this], runs)
    if item.where is None:
        return [one.rows for one in past]
    return [one.number for one in past if one.number]


def _median(known: list[float]) -> float:
    from statistics import median

    return median(known)


def _tell(context: Context, _item: Expectation, asked: Asked, _answer: Answer) -> Found:
    count = context.warehouse.query(f"SELECT count(*) FROM {asked.relation}")[0][0]
    usual, runs = asked.note
    return Found(
        f"{_rows(count)}, the median of {values.counted(runs, 'earlier run')} is {usual:,.0f}", float(count)
    )


def _rows(count: int) -> str:
    return values.counted(count, "row")


def _expected(kwargs: Mapping[str, Any]) -> str:
    wanted = {**DEFAULTS, **kwargs}
    low, high = wanted["min_share"] * 100, wanted["max_share"] * 100
    return f"the number of rows is between {low:g}% and {high:g}% of the median of the last {wanted['runs']:g} runs"


def _failure(_kwargs: Mapping[str, Any]) -> str:
    return "the number of rows is not near what it was"


CHECK = OwnCheck(
    "row_count_near_history",
    Entry("table", by_row=False, kwargs=dict.fromkeys(DEFAULTS, ("number",)), required=(), own=True),
    _wrong_with,
    _ask,
    _tell,
    _expected,
    _failure,
)
