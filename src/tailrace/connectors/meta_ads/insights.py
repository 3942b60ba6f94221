"""Daily insights: per account a window that Meta still restates, each account with a position of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from tailrace.connectors.meta_ads.accounts import Accounts, Failures
from tailrace.connectors.meta_ads.api import Record
from tailrace.connectors.meta_ads.fields import INSIGHTS, ZONE, insight_fields
from tailrace.connectors.meta_ads.reports import SLICE_DAYS, Insights
from tailrace.connectors.meta_ads.rows import rows
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.days import Lookback, slices, today_in
from tailrace.connectors.sdk.unchanged import Window
from tailrace.records import Checkpoint, Page, Schema, Scope

ACCOUNT = ("account_id", "currency", "timezone_name")


class InsightReader:
    """One read of one level. Position: the columns, and per account the day read through and the window's digest."""

    def __init__(
        self,
        accounts: Accounts,
        insights: Insights,
        resource: ResourceSpec,
        schema: Schema,
        *,
        windows: tuple[str, ...],
        lookback: Lookback,
        now: datetime,
        failures: Failures,
    ) -> None:
        self._accounts, self._insights, self._failures = accounts, insights, failures
        self._resource, self._names, self._now = resource.name, schema.names(), now
        self._lookback = lookback.of(resource.options)
        level, breakdowns = INSIGHTS[resource.name], list(resource.options.get("breakdowns") or ())
        self._params = {
            "level": level,
            "time_increment": 1,
            "fields": ",".join(insight_fields(level, resource.options["fields"])),
            "breakdowns": breakdowns or None,
            "action_attribution_windows": list(windows) or None,
            "limit": resource.options["limit"],
        }
        self._spec = [*self._names, *windows]

    def read(self, position: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
        """Every account, each with checkpoints of its own; ends by the error of those that could not be read."""
        known = position if position is not None and position.get("spec") == self._spec else {}
        self._positions: dict[str, Any] = dict(known.get("accounts") or {})
        for account in self._accounts.read(ACCOUNT, self._failures):
            with self._failures.of(str(account["account_id"])):
                yield from self._account(account)
        self._failures.tell()

    def backfill(self, first: date, last: date) -> Iterator[Page | Checkpoint]:
        """The days first to last of every account, as far as they have come."""
        yield Checkpoint(None)
        for account in self._accounts.read(ACCOUNT, self._failures):
            until = min(last, self._today(account))
            background = self._insights.in_background(first, until)
            with self._failures.of(str(account["account_id"])):
                for begin, end in slices(first, until, SLICE_DAYS):
                    yield from map(Page, self._days(account, begin, end, background))
                    yield Checkpoint(None, (_scope(account, begin, end),))
        self._failures.tell()

    def _today(self, account: Record) -> date:
        return today_in(account.get("timezone_name"), self._now)

    def _account(self, account: Record) -> Iterator[Page | Checkpoint]:
        known = self._positions.get(str(account["account_id"])) or {}
        today = self._today(account)
        first = self._lookback.first_day(known.get("through"), today)
        follows = self._lookback.first_day(today.isoformat(), today).isoformat()
        window = Window(known.get("digest"), lambda row: str(row["date_start"]) >= follows)
        walk = self._anew if known.get("digest") is None else self._again
        yield from walk(account, window, first, today)

    def _anew(self, account: Record, window: Window, first: date, today: date) -> Iterator[Page | Checkpoint]:
        """A first read, or one that was cut off: each slice counts when it is whole."""
        background = self._insights.in_background(first, today)
        for begin, end in slices(first, today, SLICE_DAYS):
            yield from map(Page, window.pages(self._days(account, begin, end, background)))
            digest = window.digest if end == today else None
            yield self._checkpoint(account, end, digest, (_scope(account, begin, end),))

    def _again(
        self, account: Record, window: Window, first: date, today: date
    ) -> Iterator[Page | Checkpoint]:
        """The window once more: nothing at all where it is as it was."""
        background = self._insights.in_background(first, today)
        days = (
            page
            for begin, end in slices(first, today, SLICE_DAYS)
            for page in self._days(account, begin, end, background)
        )
        yield from map(Page, window.pages(days))
        what = f"{self._failures.connection}.{self._resource} of act_{account['account_id']}"
        scopes = window.covered((_scope(account, first, today),), what)
        # the next read decides on every day of a window that is suddenly empty: none may leave it before
        through = first if window.emptied else today
        yield self._checkpoint(account, through, window.digest, scopes)

    def _checkpoint(
        self, account: Record, through: date, digest: str | None, scopes: tuple[Scope, ...]
    ) -> Checkpoint:
        key = str(account["account_id"])
        before = (self._positions.get(key) or {}).get("through", "")
        self._positions[key] = {"through": max(before, through.isoformat()), "digest": digest}
        return Checkpoint({"spec": self._spec, "accounts": dict(self._positions)}, scopes)

    def _days(
        self, account: Record, first: date, last: date, background: bool
    ) -> Iterator[list[dict[str, Any]]]:
        """Rows with the account's currency, where Meta left it out, and its time zone, which insights do not know."""
        own = {ZONE: account.get("timezone_name"), "account_currency": account.get("currency")}
        for page in self._insights.pages(str(account["account_id"]), self._params, first, last, background):
            found = rows(({**own, **record} for record in page), self._names)
            if found:
                yield found


def _scope(account: Record, first: date, last: date) -> Scope:
    days = ("date_start", first.isoformat(), last.isoformat())
    return Scope({"account_id": (str(account["account_id"]),)}, days)
