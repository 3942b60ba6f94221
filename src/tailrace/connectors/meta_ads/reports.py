"""Insights of one account and some days: at once page by page, or as a report run; halved where that is too much."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tailrace.connectors.meta_ads.api import Api, Record
from tailrace.connectors.meta_ads.graph import TooMuch
from tailrace.errors import Unavailable, VendorRefused
from tailrace.events import Waiting, emit

AT_ONCE_DAYS = 35
"""Longer reads are report runs where `async` is auto: a restated window is not one, a first read is."""
SLICE_DAYS = 31
RUNS = 2
LONGEST_POLL = 30.0


class ReportFailed(VendorRefused):
    """Meta gave up on a report run, more than once."""


class ReportLate(Unavailable):
    """A report run did not end in the time that it is given."""


@dataclass(frozen=True)
class Patience:
    """`mode`: auto, always or never a report run. `longest` wait for one and `poll` between two looks, in seconds."""

    mode: str
    longest: float
    poll: float
    pause: Callable[[float], None] = time.sleep


class Insights:
    """Asks for insights. `params` name level, fields, breakdowns, windows and the page's size."""

    def __init__(self, api: Api, patience: Patience) -> None:
        self._api, self._patience = api, patience

    def in_background(self, first: date, last: date) -> bool:
        """Whether so many days are a report run."""
        if self._patience.mode == "auto":
            return (last - first).days >= AT_ONCE_DAYS
        return self._patience.mode == "always"

    def pages(
        self, account: str, params: Mapping[str, Any], first: date, last: date, background: bool
    ) -> Iterator[list[Record]]:
        """Pages of all rows of the days, both included; a range that failed half way is begun again in halves."""
        asked = {**params, "time_range": {"since": first.isoformat(), "until": last.isoformat()}}
        way = self._by_run if background else self._at_once
        try:
            whole = list(way(account, asked))
        except TooMuch:
            yield from self._less(account, params, first, last, background)
            return
        yield from whole

    def _less(
        self, account: str, params: Mapping[str, Any], first: date, last: date, background: bool
    ) -> Iterator[list[Record]]:
        """The same in two halves, and a single day as a report run, which may be larger; after that nothing helps."""
        if first < last:
            middle = first + timedelta(days=(last - first).days // 2)
            yield from self.pages(account, params, first, middle, background)
            yield from self.pages(account, params, middle + timedelta(days=1), last, background)
        elif not background and self._patience.mode != "never":
            yield from self.pages(account, params, first, last, True)
        else:
            name = self._api.http.context.connection
            raise VendorRefused(
                f"{name}: act_{account}: even the insights of {first} alone are more than Meta answers",
                "ask for fewer fields or breakdowns",
            )

    def _at_once(self, account: str, asked: Mapping[str, Any]) -> Iterator[list[Record]]:
        return self._api.pages(f"act_{account}/insights", asked)

    def _by_run(self, account: str, asked: Mapping[str, Any]) -> Iterator[list[Record]]:
        status = ""
        for _ in range(RUNS):
            limit = {"limit": asked.get("limit")}
            started = self._api.call("POST", f"act_{account}/insights", {**asked, "limit": None}).json()
            run = started.get("report_run_id") if isinstance(started, dict) else None
            if not run:
                raise self._api.malformed(f"act_{account}/insights")
            status = self._ended(account, str(run))
            if status == "Job Completed":
                return self._api.pages(f"{run}/insights", limit)
        name, days = self._api.http.context.connection, asked["time_range"]
        raise ReportFailed(
            f"{name}: act_{account}: Meta gave up on the report of {days['since']} to {days['until']} twice ({status})",
            "run again, or ask for fewer fields or breakdowns",
        )

    def _ended(self, account: str, run: str) -> str:
        """The state that a run ended in. Completed counts at 100 percent only (vendor-apis.md 7.3)."""
        waited, wait = 0.0, self._patience.poll
        while True:
            state = self._api.get(run)
            status, percent = str(state.get("async_status")), state.get("async_percent_completion") or 0
            done = status == "Job Completed" and str(percent) == "100"
            if done or status in ("Job Failed", "Job Skipped"):
                return status
            if waited + wait > self._patience.longest:
                name = self._api.http.context.connection
                raise ReportLate(
                    f"{name}: act_{account}: a report run is not done after {waited:.0f} s ({status}, {percent}%)",
                    "run again later, or raise report_wait",
                )
            emit(Waiting(self._api.http.context.connection, wait, f"report run, {percent}% done"))
            self._patience.pause(wait)
            waited, wait = waited + wait, min(wait * 1.5, max(LONGEST_POLL, self._patience.poll))
