"""Bounds of numbers and dates: natural ones from what a column is called, else what was seen with room for twice as much."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from tailrace.project.spec import OnFail, Severity
from tailrace.validate.suggest.profile import Column, Table, seen
from tailrace.validate.suggest.rounding import outward
from tailrace.validate.suggest.subject import Found, Proposal, Remark
from tailrace.validate.suggest.weight import fact, part_of
from tailrace.validate.suggest.words import (
    COSTS,
    COUNTS,
    MONEY,
    PERCENTS,
    RATES,
    SHARES,
    is_measure,
    tokens,
)

BETWEEN = "expect_column_values_to_be_between"
ENOUGH = 20
"""Values below which the largest seen says nothing about the largest to come."""

_CALENDAR = {"hour": (0, 23), "weekday": (0, 7), "month": (1, 12), "quarter": (1, 4), "minute": (0, 59)}
_DIRECTIONS = {"latitude": (-90, 90), "lat": (-90, 90), "longitude": (-180, 180), "lng": (-180, 180), "age": (0, 120)}  # fmt: skip
_SENTINEL_BEFORE = datetime(1971, 1, 1)  # noqa: DTZ001  # the warehouse's instants have no zone
_SENTINEL_AFTER = datetime(2100, 1, 1)  # noqa: DTZ001
_YEAR = timedelta(days=365)


def propose_ranges(table: Table) -> Iterator[Found]:
    for column in table.columns:
        if column.odd:
            what = (
                "values are infinite or no number" if column.is_number else "values lie outside the calendar"
            )
            yield Remark(f"{column.name}: {column.odd:,} of {column.filled:,} {what}: no range is proposed")
        elif column.personal or column.low is None:
            continue
        elif column.is_number and is_measure(column.name):
            yield from _numbers(table, column)
        elif column.is_time and column.filled >= ENOUGH:
            yield from _times(table, column)


def _numbers(table: Table, column: Column) -> Iterator[Found]:
    """What is natural is a fact about a row; how far it may go is a guess, and stands in one with it where neither stops."""
    natural = natural_bounds(column)
    reason = f"seen: {seen(table, column)}"
    guessed = _guessed(column, natural)
    if natural:
        severity, on_fail = fact(table, (column.name,))
        low, high = natural
        bounds = {"min_value": low, **({} if high is None else {"max_value": high})}
        if guessed and severity != "critical":
            guessed = bounds | guessed
        else:
            yield _between(column, bounds, reason, severity, on_fail)
    if guessed:
        yield _between(column, guessed, f"{reason}; room for twice as much")


def _between(
    column: Column,
    bounds: dict[str, Any],
    reason: str,
    severity: Severity = "warning",
    on_fail: OnFail = "warn",
) -> Proposal:
    kwargs = {"column": column.name, **bounds}
    return Proposal(part_of(severity), BETWEEN, kwargs, reason, severity, on_fail, columns=(column.name,))


def _guessed(column: Column, natural: tuple[Any, Any] | None) -> dict[str, Any]:
    """Bounds with room on the sides that have no natural one."""
    if column.filled < ENOUGH or column.low == column.high or (natural and natural[1] is not None):
        return {}
    low, high = _low(float(column.low)), _high(float(column.high))
    bounds = {} if natural or low is None else {"min_value": low}
    return bounds if high is None else {**bounds, "max_value": high}


def natural_bounds(column: Column) -> tuple[Any, Any] | None:
    """What the column's name says about its numbers, where all that was seen agree."""
    words, low, high = set(tokens(column.name)), column.low, column.high
    if low >= 0 and high <= 1 and (words & SHARES or (words & {"rate"} and words & RATES)):
        return 0, 1
    if low >= 0 and 1 < high <= 100 and words & PERCENTS:
        return 0, 100
    if low >= 0 and 50 < high <= 100 and "score" in words:
        return 0, 100
    for word, (least, most) in (_CALENDAR | _DIRECTIONS).items():
        if word in words and len(words) <= 2 and least <= low and high <= most:
            return least, most
    if low >= 0 and (
        words & COSTS or (column.kind == "int" and words & COUNTS) or words & COUNTS - {"number"}
    ):
        return 0, None
    return None


def _low(low: float) -> Any:
    """0 for what was never negative: amounts come down to it one day."""
    return 0 if low >= 0 else outward(2 * low)


def _high(high: float) -> Any:
    return 0 if high <= 0 else outward(2 * high)


def _times(table: Table, column: Column) -> Iterator[Found]:
    """The beginning of a year, at least one before the earliest; sentinels such as 1970-01-01 are told instead."""
    reason = f"seen: {seen(table, column)}"
    if column.low < _SENTINEL_BEFORE < column.high - 20 * _YEAR:
        yield Remark(
            f"{column.name}: {reason.removeprefix('seen: ')}: its earliest looks like a stand-in for no date"
        )
        return
    if column.high >= _SENTINEL_AFTER:
        yield Remark(
            f"{column.name}: {reason.removeprefix('seen: ')}: its latest looks like a stand-in for no end"
        )
    first = (column.low - _YEAR).year if column.low.year > 2 else 1
    about = {"column": column.name, "min_value": f"{first:04d}-01-01"}
    yield Proposal("statistics", BETWEEN, about, reason, columns=(column.name,))


def non_negative(column: Column) -> bool:
    """Money and counts, which no share of something else is."""
    return bool(set(tokens(column.name)) & (MONEY | COUNTS)) and column.low is not None and column.low >= 0
