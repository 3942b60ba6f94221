"""Accounts, campaigns, ad groups and ads read whole; daily spend in a window that Google still restates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from tailrace.connectors.google_ads import gaql
from tailrace.connectors.google_ads.accounts import Account, Reach
from tailrace.connectors.google_ads.declaration import METRICS
from tailrace.connectors.google_ads.resources import DAY, ENTITIES, STATS, column_name, fields_of, key_of
from tailrace.connectors.sdk.accounts import AccountRefused, named
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.daily import Columns, Daily
from tailrace.connectors.sdk.days import Lookback, Stride, today_in
from tailrace.connectors.sdk.unchanged import Window
from tailrace.records import Checkpoint, Page, Schema, Scope

CUSTOMER = column_name("customer.id")
MOST_DAYS = 92
Rows = list[dict[str, Any]]


class Login(Protocol):
    """What the source needs of the connection."""

    def reach(self, anew: bool = False) -> Reach: ...

    def query(self, customer: str, through: str | None, fields: Sequence[str], rest: str) -> Rows: ...


class GoogleAdsSource:
    """Reads. `lookback` is the connection's, where a resource names none."""

    def __init__(
        self, login: Login, now: Callable[[], datetime], lookback: Lookback, connection: str
    ) -> None:
        self._login, self._now, self._lookback, self._connection = login, now, lookback, connection

    def schema(self, resource: ResourceSpec) -> Schema:
        columns = tuple(gaql.column(field) for field in _fields(resource))
        return Schema(columns, key_of(resource.name, resource.options))

    def read(
        self,
        resource: ResourceSpec,
        schema: Schema,  # noqa: ARG002 - the resource says the same
        position: Mapping[str, Any] | None,
    ) -> Iterator[Page | Checkpoint]:
        if resource.name in STATS:
            return self._daily(resource).read(position)
        return self._whole(resource, position)

    def backfill(
        self,
        resource: ResourceSpec,
        schema: Schema,  # noqa: ARG002 - the resource says the same
        first: date,
        last: date,
    ) -> Iterator[Page | Checkpoint]:
        """Of the stats alone: the others have no days."""
        return self._daily(resource).backfill(first, last)

    def _daily(self, resource: ResourceSpec) -> Daily:
        fields, days = _fields(resource), STATS[resource.name].days
        return Daily(
            _Spend(self._login, STATS[resource.name].origin, fields, self._now),
            Columns(CUSTOMER, column_name(DAY)),
            self._lookback.of(resource.options),
            lambda: Stride(days, MOST_DAYS),
            fields,
            f"{self._connection}.{resource.name}",
        )

    def _whole(
        self, resource: ResourceSpec, position: Mapping[str, Any] | None
    ) -> Iterator[Page | Checkpoint]:
        """Accounts that are not read keep their rows, and are named at the end where Google refused them."""
        reach = self._login.reach(anew=resource.name == "accounts")
        refused = dict(reach.refused)
        window = Window((position or {}).get("digest"))
        for rows in window.pages(self._listings(resource, reach, refused)):
            yield Page(rows)
        scopes = window.covered((_scope(reach, refused),), f"{self._connection}.{resource.name}")
        yield Checkpoint({"digest": window.digest}, scopes)
        if refused:
            raise named(list(refused.values()))

    def _listings(
        self, resource: ResourceSpec, reach: Reach, refused: dict[str, AccountRefused]
    ) -> Iterator[Rows]:
        if resource.name == "accounts":
            yield [_row(account) for account in reach.accounts]
            return
        entity, fields = ENTITIES[resource.name], _fields(resource)
        what = f"FROM {entity.origin} ORDER BY {entity.key[-1]}"
        for account in reach.accounts:
            try:
                yield self._login.query(account.id, account.through, fields, what)
            except AccountRefused as error:
                refused[account.id] = error


class _Spend:
    """Stats of one origin, as sdk/daily.py reads them."""

    def __init__(self, login: Login, origin: str, fields: Sequence[str], now: Callable[[], datetime]) -> None:
        self._login, self._origin, self._fields, self._now = login, origin, fields, now

    def accounts(self) -> Sequence[str]:
        return self._login.reach().spending()

    def today(self, account: str) -> date:
        return today_in(self._login.reach().account(account).time_zone, self._now())

    def rows(self, account: str, first: date, last: date) -> Rows:
        through = self._login.reach().account(account).through
        rest = f"FROM {self._origin} WHERE {DAY} BETWEEN '{first}' AND '{last}' ORDER BY {DAY}"
        return self._login.query(account, through, self._fields, rest)


def _fields(resource: ResourceSpec) -> tuple[str, ...]:
    return fields_of(resource.name, resource.options, METRICS)


def _row(account: Account) -> dict[str, Any]:
    return {
        "customer_id": account.id,
        "customer_descriptive_name": account.name,
        "customer_currency_code": account.currency,
        "customer_time_zone": account.time_zone,
        "customer_manager": account.manager,
    }


def _scope(reach: Reach, refused: Mapping[str, AccountRefused]) -> Scope:
    """All of the table, unless rows of accounts in it were not looked at."""
    if not reach.skipped and not refused:
        return Scope()
    return Scope({CUSTOMER: tuple(account.id for account in reach.accounts if account.id not in refused)})
