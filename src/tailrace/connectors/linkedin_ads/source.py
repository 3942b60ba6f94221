"""Accounts, campaign groups, campaigns and creatives read whole; daily numbers in a window that LinkedIn still restates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tailrace.connectors.linkedin_ads.analytics import Analytics, Asked
from tailrace.connectors.linkedin_ads.api import Api, Record
from tailrace.connectors.linkedin_ads.resources import (
    ENTITIES,
    REPORTS,
    column_name,
    entity_schema,
    fields_of,
    report_schema,
)
from tailrace.connectors.sdk.accounts import AccountRefused, named
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.daily import Columns, Daily
from tailrace.connectors.sdk.days import Lookback, Stride
from tailrace.connectors.sdk.unchanged import Window
from tailrace.events import Notice, emit
from tailrace.records import Checkpoint, Page, Schema, Scope

MOST_DAYS = 92
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EMPTY = "LinkedIn answers empty where a permission is missing, too: check r_ads, r_ads_reporting and the member's role"
Row = dict[str, Any]


class LinkedInAdsSource:
    """Reads. `given` are the connection's options."""

    def __init__(self, api: Api, now: Callable[[], datetime], given: Mapping[str, Any]) -> None:
        self._api, self._now, self._given = api, now, given

    def schema(self, resource: ResourceSpec) -> Schema:
        if resource.name in ENTITIES:
            return entity_schema(resource.name, resource.options)
        return report_schema(resource.name, _metrics(resource))

    def read(
        self, resource: ResourceSpec, schema: Schema, position: Mapping[str, Any] | None
    ) -> Iterator[Page | Checkpoint]:
        if resource.name in REPORTS:
            return self._daily(resource, schema).read(position)
        return self._whole(resource, schema, position)

    def backfill(
        self, resource: ResourceSpec, schema: Schema, first: date, last: date
    ) -> Iterator[Page | Checkpoint]:
        """Of the reports alone: the others have no days."""
        return self._daily(resource, schema).backfill(first, last)

    def _daily(self, resource: ResourceSpec, schema: Schema) -> Daily:
        report, zone, most = (
            REPORTS[resource.name],
            self._given["report_time_zone"],
            self._given["most_elements"],
        )
        return Daily(
            Analytics(self._api, Asked(resource.name, report, _metrics(resource), zone, most), self._now),
            Columns("account_id", "date"),
            Lookback(self._given["restate"], self._given["start_date"]).of(resource.options),
            lambda: Stride(report.days, MOST_DAYS, most // 2),
            [zone, *schema.names()],
            self._place(resource),
            EMPTY,
        )

    def _whole(
        self, resource: ResourceSpec, schema: Schema, position: Mapping[str, Any] | None
    ) -> Iterator[Page | Checkpoint]:
        """Accounts that LinkedIn refuses keep their rows, and are named at the end."""
        self._api.accounts(anew=resource.name == "accounts")
        refused = self._api.refused()
        cursor = schema.cursor_columns[0]
        asked = list(schema.names())
        known = position if position is not None and position.get("asked") == asked else {}
        window = Window(known.get("digest"))
        for rows in window.pages(self._listings(resource, refused)):
            yield Page(rows, _versions(rows, cursor))
        following = {"digest": window.digest, "asked": asked}
        yield Checkpoint(following, window.covered(self._scopes(resource, refused), self._place(resource)))
        if window.emptied:
            emit(Notice("warning", f"{self._place(resource)}: {EMPTY}"))
        if refused:
            raise named(list(refused.values()))

    def _place(self, resource: ResourceSpec) -> str:
        return f"{self._api.http.context.connection}.{resource.name}"

    def _listings(self, resource: ResourceSpec, refused: dict[str, AccountRefused]) -> Iterator[list[Row]]:
        fields = fields_of(resource.name, resource.options)
        if resource.name == "accounts":
            yield [_row(account.record, fields) for account in self._api.accounts()]
            return
        entity = ENTITIES[resource.name]
        for account in self._api.accounts():
            whole = {"account": account.urn}
            try:
                for page in self._api.listing(f"/adAccounts/{account.id}/{entity.path}", entity.finder):
                    yield [_row({**whole, **record}, fields) for record in page]
            except AccountRefused as error:
                refused[account.id] = self._api.of_account(account.id, error)

    def _scopes(self, resource: ResourceSpec, refused: Mapping[str, AccountRefused]) -> tuple[Scope, ...]:
        """All of the table, unless rows of accounts in it were not looked at."""
        if not refused:
            return (Scope(),)
        if resource.name == "accounts":
            return (Scope({"id": tuple(account.id for account in self._api.accounts())}),)
        read = tuple(account.urn for account in self._api.accounts() if account.id not in refused)
        return (Scope({"account": read}),)


def _metrics(resource: ResourceSpec) -> tuple[str, ...]:
    return tuple(resource.options["metrics"])


def _row(record: Record, fields: Sequence[str]) -> Row:
    """The values at the paths, by column; what is absent is None."""
    row: Row = {}
    for name in fields:
        value: Any = record
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        row[column_name(name)] = value
    return row


def _versions(rows: Sequence[Row], cursor: str) -> list[datetime | str] | None:
    """The rows' stamps, milliseconds since 1970; None where a row has none that is one."""
    stamps = [row[cursor] for row in rows]
    if not all(isinstance(stamp, int) and 0 < stamp < 10**13 for stamp in stamps):
        return None
    return [EPOCH + timedelta(milliseconds=stamp) for stamp in stamps]
