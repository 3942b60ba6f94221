"""GA4's reports by day: a first read in stretches, then the window that GA4 still restates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from tailrace.connectors.ga4.pages import steady
from tailrace.connectors.ga4.report import PROPERTY, Document, Report, shortcomings
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.days import Lookback, slices, today_in
from tailrace.connectors.sdk.unchanged import Row, Window
from tailrace.events import Notice, emit
from tailrace.records import Checkpoint, Page, Schema, Scope

STRETCH_DAYS = 30
"""Settled days that are committed at a time, so that a first read resumes where a kill or a spent quota ended it."""
DAY = timedelta(days=1)
Fetch = Callable[[Mapping[str, Any]], Document]


class Ga4Source:
    """Reads. `lookback` is the connection's, where a resource names none.

    Position: `asked` (the report), and `next` (the first day not yet read) of an unfinished first read, else `through` (the
    last day read) and `digest` (of the rows that the next read shows again).
    """

    def __init__(
        self,
        fetch: Fetch,
        property_id: str,
        *,
        connection: str,
        now: Callable[[], datetime],
        lookback: Lookback,
    ) -> None:
        self._fetch, self._property, self._connection = fetch, property_id, connection
        self._now, self._lookback = now, lookback
        self._zones: dict[str, str | None] = {}

    def schema(self, resource: ResourceSpec) -> Schema:
        """Asks for the report of today, one row: its headers name the types, its metadata the time zone."""
        report, today = Report.of(resource), self._now().date()
        head = self._fetch(report.body(today, today, 0, limit=1))
        self._zones[resource.name] = (head.get("metadata") or {}).get("timeZone")
        return report.schema(head, f"{self._connection}.{resource.name}")

    def read(
        self,
        resource: ResourceSpec,
        schema: Schema,  # noqa: ARG002 - the resource says the same
        position: Mapping[str, Any] | None,
    ) -> Iterator[Page | Checkpoint]:
        reading = _Reading(self._fetch, resource, self._property, self._connection)
        known = position if position is not None and position.get("asked") == reading.asked else {}
        today, lookback = self._today(resource), self._lookback.of(resource.options)
        moving = lookback.first_day(today.isoformat(), today)  # from here on the next read reads again
        first = lookback.first_day(known.get("through"), today)
        if known.get("next"):
            first = min(date.fromisoformat(known["next"]), today)
        if known.get("digest") is None:
            for _, end in slices(first, moving - DAY, STRETCH_DAYS):
                yield from map(Page, reading.rows(first, end))
                scope, first = reading.scope(first, end), end + DAY
                yield Checkpoint({"next": first.isoformat(), "asked": reading.asked}, (scope,))
        window = Window(known.get("digest"), lambda row: row["date"] >= moving.isoformat())
        yield from map(Page, window.pages(reading.rows(first, today)))
        scopes = window.covered((reading.scope(first, today),), reading.place)
        # after a sudden emptiness the next read begins where this one did, for what it may remove
        through = known["through"] if window.emptied and known.get("through") else today.isoformat()
        yield Checkpoint({"through": through, "digest": window.digest, "asked": reading.asked}, scopes)

    def backfill(
        self,
        resource: ResourceSpec,
        schema: Schema,  # noqa: ARG002 - the resource says the same
        first: date,
        last: date,
    ) -> Iterator[Page | Checkpoint]:
        """The report of these days, as far as there are such yet."""
        reading = _Reading(self._fetch, resource, self._property, self._connection)
        for begin, end in slices(first, min(last, self._today(resource)), STRETCH_DAYS):
            yield from map(Page, reading.rows(begin, end))
            yield Checkpoint(None, (reading.scope(begin, end),))
        yield Checkpoint(None)

    def _today(self, resource: ResourceSpec) -> date:
        if resource.name not in self._zones:
            self.schema(resource)
        return today_in(self._zones[resource.name], self._now())


class _Reading:
    """One read of one report; says once what GA4 says against it."""

    def __init__(self, fetch: Fetch, resource: ResourceSpec, property_id: str, connection: str) -> None:
        self._fetch, self._property = fetch, property_id
        self._report, self.place = Report.of(resource), f"{connection}.{resource.name}"
        self._told: set[str] = set()

    @property
    def asked(self) -> list[Any]:
        return self._report.asked()

    def rows(self, first: date, last: date) -> Iterator[list[Row]]:
        """Pages of the days first to last, none of them empty."""
        report = self._report
        for page in steady(lambda offset: self._fetch(report.body(first, last, offset)), self.place):
            self._warn(page)
            found = report.rows(page, self._property)
            if found:
                yield found

    def scope(self, first: date, last: date) -> Scope:
        return Scope({PROPERTY: (self._property,)}, ("date", first.isoformat(), last.isoformat()))

    def _warn(self, page: Document) -> None:
        said = [text for text in shortcomings(page) if text not in self._told]
        self._told.update(said)
        if said:
            emit(Notice("warning", f"{self.place}: {'; '.join(said)} (said by GA4)"))
