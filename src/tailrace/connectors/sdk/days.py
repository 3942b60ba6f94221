"""Report days: which ones to read, and which ones again because vendors restate them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tailrace.connectors.sdk.options import Problem

FIRST_DAYS = 90
"""Days before today that a first read begins at, where no start_date is given."""


def today_in(zone: str | None, now: datetime) -> date:
    """The date where the account is; UTC's where its time zone is unknown here."""
    try:
        return now.astimezone(ZoneInfo(zone or "UTC")).date()
    except (KeyError, ValueError):
        return now.astimezone(UTC).date()


@dataclass(frozen=True)
class Lookback:
    """Where a window begins: `restate` days before what was read last, at the first time `start` (YYYY-MM-DD)."""

    restate: int
    start: str | None = None

    def of(self, options: Mapping[str, Any]) -> Lookback:
        """With what a resource's own options say instead."""
        own = options.get("restate")
        return Lookback(self.restate if own is None else int(own), options.get("start_date") or self.start)

    def first_day(self, through: str | None, today: date) -> date:
        """The first day to read, never behind today."""
        begin = date.fromisoformat(self.start) if self.start else today - timedelta(days=FIRST_DAYS)
        if through is not None:
            again = date.fromisoformat(through) - timedelta(days=self.restate)
            begin = max(begin, again) if self.start else again
        return min(begin, today)


@dataclass
class Stride:
    """How many days to ask for at a time: fewer after a large answer, more after a small one, `most` at the most.

    An answer stands in memory whole, so its size and not the number of days is what must not grow.
    """

    days: int
    most: int
    rows: int = 20_000

    def took(self, rows: int) -> None:
        """The last answer had so many rows."""
        if rows > self.rows:
            self.days = max(1, self.days // 2)
        elif rows * 4 < self.rows:
            self.days = min(self.most, self.days * 2)

    def windows(self, first: date, last: date) -> Iterator[tuple[date, date]]:
        """Consecutive windows, ends inclusive, each as long as the answers before it say."""
        while first <= last:
            end = min(last, first + timedelta(days=self.days - 1))
            yield first, end
            first = end + timedelta(days=1)


def slices(first: date, last: date, days: int) -> Iterator[tuple[date, date]]:
    """Consecutive windows of at most `days` days, ends inclusive."""
    while first <= last:
        end = min(last, first + timedelta(days=days - 1))
        yield first, end
        first = end + timedelta(days=1)


def day_problems(options: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with `restate` and `start_date`."""
    problems: list[Problem] = []
    if options.get("restate") is not None and options["restate"] < 0:
        problems.append((("restate",), "restate is below 0", "write days, 0 or more"))
    start = options.get("start_date")
    try:
        date.fromisoformat(start or "2000-01-01")
    except ValueError:
        problems.append((("start_date",), f"{start!r} is no date", "write YYYY-MM-DD"))
    return problems
