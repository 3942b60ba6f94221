"""Accounts and campaigns read whole; daily spend in a window that Google still restates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from tailrace.connectors.google_ads import gaql
from tailrace.connectors.google_ads.declaration import METRICS
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.days import Lookback, slices, today_in
from tailrace.connectors.sdk.unchanged import Window
from tailrace.records import Checkpoint, Page, Schema, Scope

ACCOUNT = ("customer.id", "customer.currency_code", "customer.time_zone")
ACCOUNTS = (
    "customer.id",
    "customer.descriptive_name",
    "customer.currency_code",
    "customer.time_zone",
    "customer.manager",
)
CAMPAIGNS = (*ACCOUNT, "campaign.id", "campaign.name", "campaign.status", "campaign.advertising_channel_type")
STATS = (*ACCOUNT, "campaign.id", "segments.date")
QUERY_DAYS = 92
Rows = list[dict[str, Any]]


class Login(Protocol):
    """What the source needs of the connection."""

    def customers(self) -> tuple[str, ...]: ...

    def query(self, customer: str, fields: Sequence[str], rest: str) -> Rows: ...


class GoogleAdsSource:
    """Reads. `lookback` is the connection's, where a resource names none."""

    def __init__(self, login: Login, now: Callable[[], datetime], lookback: Lookback) -> None:
        self._login, self._now, self._lookback = login, now, lookback

    def schema(self, resource: ResourceSpec) -> Schema:
        fields = _fields(resource)
        columns = tuple(gaql.column(field) for field in fields)
        keys = {
            "accounts": ("customer.id",),
            "campaigns": ("customer.id", "campaign.id"),
            "campaign_stats": ("customer.id", "campaign.id", "segments.date"),
        }
        return Schema(columns, tuple(gaql.column_name(field) for field in keys[resource.name]))

    def read(
        self,
        resource: ResourceSpec,
        schema: Schema,  # noqa: ARG002 - the resource says the same
        position: Mapping[str, Any] | None,
    ) -> Iterator[Page | Checkpoint]:
        if resource.name == "campaign_stats":
            yield from _Stats(self._login, resource, self._now(), self._lookback).read(position)
            return
        window = Window((position or {}).get("digest"))
        for rows in window.pages(self._whole(resource)):
            yield Page(rows)
        yield Checkpoint({"digest": window.digest}, () if window.same else (Scope(),))

    def _whole(self, resource: ResourceSpec) -> Iterator[Rows]:
        what = "FROM customer" if resource.name == "accounts" else "FROM campaign ORDER BY campaign.id"
        for customer in self._login.customers():
            yield self._login.query(customer, _fields(resource), what)


class _Stats:
    """One read of campaign_stats. Position: the day read through per account, the window's digest, the metrics."""

    def __init__(self, login: Login, resource: ResourceSpec, now: datetime, lookback: Lookback) -> None:
        self._login, self._now = login, now
        self._lookback = lookback.of(resource.options)
        self._fields = _fields(resource)
        self._next_first: dict[str, str] = {}

    def read(self, position: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
        known = position if position is not None and position.get("fields") == list(self._fields) else {}
        through: dict[str, str] = dict(known.get("through") or {})
        scopes: list[Scope] = []
        window = Window(known.get("digest"), self._again)
        for rows in window.pages(self._days(through, scopes)):
            yield Page(rows)
        following = {"through": through, "digest": window.digest, "fields": list(self._fields)}
        yield Checkpoint(following, () if window.same else tuple(scopes))

    def _days(self, through: dict[str, str], scopes: list[Scope]) -> Iterator[Rows]:
        """Reads each account's window; notes how far it came and what is covered completely."""
        for customer in self._login.customers():
            account = self._login.query(customer, (*ACCOUNT, "customer.manager"), "FROM customer")
            if not account or account[0]["customer_manager"] is True:
                continue  # a manager account spends nothing, and Google refuses metrics on it
            today = today_in(account[0]["customer_time_zone"], self._now)
            first = self._lookback.first_day(through.get(customer), today)
            self._next_first[customer] = self._lookback.first_day(today.isoformat(), today).isoformat()
            for begin, end in slices(first, today, QUERY_DAYS):
                rows = self._query(customer, begin, end)
                if rows:
                    yield rows
            through[customer] = max(through.get(customer, ""), today.isoformat())
            between = ("segments_date", first.isoformat(), today.isoformat())
            scopes.append(Scope({"customer_id": (customer,)}, between))

    def _again(self, row: Mapping[str, Any]) -> bool:
        return str(row["segments_date"]) >= self._next_first[str(row["customer_id"])]

    def _query(self, customer: str, begin: date, end: date) -> Rows:
        days = f"segments.date BETWEEN '{begin}' AND '{end}'"
        return self._login.query(customer, self._fields, f"FROM campaign WHERE {days} ORDER BY segments.date")


def _fields(resource: ResourceSpec) -> tuple[str, ...]:
    if resource.name == "accounts":
        return ACCOUNTS
    if resource.name == "campaigns":
        return CAMPAIGNS
    metrics = resource.options.get("metrics") or METRICS
    return (*STATS, *(f"metrics.{metric.removeprefix('metrics.')}" for metric in metrics))
