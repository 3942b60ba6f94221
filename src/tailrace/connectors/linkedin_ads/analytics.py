"""adAnalytics by day: merged over calls of at most 20 fields, split until no answer reaches LinkedIn's silent cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tailrace.connectors.linkedin_ads import restli
from tailrace.connectors.linkedin_ads.api import Account, Api
from tailrace.connectors.linkedin_ads.resources import ENTITIES, Report
from tailrace.connectors.sdk.accounts import AccountRefused
from tailrace.connectors.sdk.days import today_in
from tailrace.connectors.sdk.paging import chunks
from tailrace.errors import FatalError, SchemaError

FIELDS = ("dateRange", "pivotValues")
MOST_FIELDS = 20
"""Of a call (vendor-apis.md 7.4); whether the two above count is not said, so they are counted."""
FACETS = {
    "campaigns": ("campaigns", "sponsoredCampaign"),
    "campaignGroups": ("campaign_groups", "sponsoredCampaignGroup"),
}
"""What a facet is read from, and the kind of its URNs."""
Row = dict[str, Any]


class _Cut(Exception):
    """An answer has as many elements as LinkedIn gives at most: some may be missing."""


@dataclass(frozen=True)
class Asked:
    """What one resource asks of every account."""

    name: str
    report: Report
    metrics: tuple[str, ...]
    time_zone: str
    most_elements: int


class Analytics:
    """The numbers of one resource, as sdk/daily.py reads them."""

    def __init__(self, api: Api, asked: Asked, now: Callable[[], datetime]) -> None:
        self._api, self._asked, self._now = api, asked, now
        self._parts: dict[str, list[str]] = {}

    def accounts(self) -> Sequence[str]:
        return (*(account.id for account in self._api.accounts()), *self._api.refused())

    def today(self, account: str) -> date:
        self._api.account(account)
        return today_in(self._asked.time_zone, self._now())

    def rows(self, account: str, first: date, last: date) -> list[Row]:
        try:
            return self._days(self._api.account(account), first, last)
        except AccountRefused as error:
            raise self._api.of_account(account, error) from None

    def _days(self, account: Account, first: date, last: date) -> list[Row]:
        """Halved until it is whole; a single day is split by its campaigns or groups."""
        try:
            return self._merged(account, first, last, None)
        except _Cut:
            if first == last:
                return self._day(account, first)
        middle = first + timedelta(days=(last - first).days // 2)
        return self._days(account, first, middle) + self._days(account, middle + timedelta(days=1), last)

    def _day(self, account: Account, day: date) -> list[Row]:
        if not self._asked.report.facet:
            raise self._too_many(account, day, "it")
        rows = self._split(account, day, self._facet(account))
        if len(rows) < self._asked.most_elements:
            text = f"{self._place(account, day)} has {self._asked.most_elements} elements or more, and its"
            what = f"{text} {self._asked.report.facet} as listed explain {len(rows)} of them"
            raise FatalError(what, "leave the resource out, or ask LinkedIn why some are not listed")
        return rows

    def _split(self, account: Account, day: date, parts: list[str]) -> list[Row]:
        """The rows of a day that belong to these campaigns or groups: each belongs to one alone."""
        if not parts:
            return []
        try:
            return self._merged(account, day, day, parts)
        except _Cut:
            if len(parts) == 1:
                raise self._too_many(account, day, parts[0]) from None
        half = len(parts) // 2
        return self._split(account, day, parts[:half]) + self._split(account, day, parts[half:])

    def _facet(self, account: Account) -> list[str]:
        """The URNs of the account's campaigns or groups, listed once."""
        if account.id not in self._parts:
            name, kind = FACETS[self._asked.report.facet]
            entity = ENTITIES[name]
            pages = self._api.listing(f"/adAccounts/{account.id}/{entity.path}", entity.finder)
            self._parts[account.id] = [
                restli.urn(kind, str(record["id"])) for page in pages for record in page
            ]
        return self._parts[account.id]

    def _merged(self, account: Account, first: date, last: date, parts: list[str] | None) -> list[Row]:
        """One row per pivot value and day, whatever number of calls its metrics take."""
        found: dict[tuple[str, str], Row] = {}
        for metrics in chunks(self._asked.metrics, MOST_FIELDS - len(FIELDS)):
            for element in self._elements(account, first, last, parts, metrics):
                row = self._row(account, element)
                known = found.setdefault((row["pivotValue"], row["date"]), row)
                known.update({metric: element.get(metric) for metric in metrics})
        return list(found.values())

    def _elements(
        self, account: Account, first: date, last: date, parts: list[str] | None, metrics: Sequence[str]
    ) -> Iterator[Mapping[str, Any]]:
        params: dict[str, Any] = {
            "q": "analytics",
            "pivot": self._asked.report.pivot,
            "timeGranularity": "DAILY",
            "dateRange": restli.days(first, last),
            "accounts": [account.urn],
        }
        if parts is not None:
            params[self._asked.report.facet] = parts
        document = self._api.get("/adAnalytics", {**params, "fields": [*FIELDS, *metrics]})
        elements = self._api.elements(document)
        if len(elements) >= self._asked.most_elements:
            raise _Cut
        yield from elements

    def _row(self, account: Account, element: Mapping[str, Any]) -> Row:
        """Without a value where no call brings one."""
        try:
            (value,), start = element["pivotValues"], element["dateRange"]["start"]
            day = date(start["year"], start["month"], start["day"]).isoformat()
        except (KeyError, TypeError, ValueError):
            name = self._api.http.context.connection
            raise SchemaError(f"{name}: LinkedIn reports a row without one pivot value and a day") from None
        report = self._asked.report
        ids = {report.id_column: restli.number_of(str(value))} if report.id_column else {}
        return {
            "account_id": account.id,
            "account_currency": account.currency,
            "account_time_zone": self._asked.time_zone,
            "pivotValue": str(value),
            **ids,
            "date": day,
            **dict.fromkeys(self._asked.metrics),
        }

    def _too_many(self, account: Account, day: date, what: str) -> FatalError:
        most = self._asked.most_elements
        text = f"{self._place(account, day)} has {most} elements or more of {what}, and LinkedIn cuts there"
        return FatalError(text, "leave the resource out, or land a higher level")

    def _place(self, account: Account, day: date) -> str:
        return f"{self._api.http.context.connection}.{self._asked.name}: account {account.id} on {day}"
