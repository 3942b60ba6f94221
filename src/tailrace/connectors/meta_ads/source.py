"""Meta Ads as a source: which reader a resource takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from tailrace.connectors.meta_ads.accounts import Accounts, Failures
from tailrace.connectors.meta_ads.api import Api
from tailrace.connectors.meta_ads.fields import INSIGHTS, insight_schema, node_schema
from tailrace.connectors.meta_ads.insights import InsightReader
from tailrace.connectors.meta_ads.nodes import NodeReader, read_accounts
from tailrace.connectors.meta_ads.reports import Insights
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.days import Lookback
from tailrace.errors import FatalError
from tailrace.records import Checkpoint, Page, Schema


class MetaAdsSource:
    """Reads. `lookback` is the connection's, where a resource names none; `windows` are of attribution."""

    def __init__(
        self,
        api: Api,
        accounts: Accounts,
        insights: Insights,
        now: Callable[[], datetime],
        *,
        lookback: Lookback,
        windows: tuple[str, ...],
    ) -> None:
        self._api, self._accounts, self._insights, self._now = api, accounts, insights, now
        self._lookback, self._windows = lookback, windows

    def schema(self, resource: ResourceSpec) -> Schema:
        options = resource.options
        if resource.name in INSIGHTS:
            level = INSIGHTS[resource.name]
            return insight_schema(level, options["fields"], options.get("breakdowns") or ())
        return node_schema(resource.name, options["fields"])

    def read(
        self, resource: ResourceSpec, schema: Schema, position: Mapping[str, Any] | None
    ) -> Iterator[Page | Checkpoint]:
        if resource.name in INSIGHTS:
            return self._reader(resource, schema).read(position)
        if resource.name == "accounts":
            return read_accounts(self._accounts, resource, position, self._failures())
        return NodeReader(self._api, self._accounts, resource, self._failures()).read(position)

    def backfill(
        self, resource: ResourceSpec, schema: Schema, first: date, last: date
    ) -> Iterator[Page | Checkpoint]:
        """Report days of insights; the others are always read whole: FatalError."""
        if resource.name not in INSIGHTS:
            name = self._api.http.context.connection
            raise FatalError(f"{name}: {resource.name} has no days", "land it without --from")
        return self._reader(resource, schema).backfill(first, last)

    def _reader(self, resource: ResourceSpec, schema: Schema) -> InsightReader:
        return InsightReader(
            self._accounts,
            self._insights,
            resource,
            schema,
            windows=self._windows,
            lookback=self._lookback,
            now=self._now(),
            failures=self._failures(),
        )

    def _failures(self) -> Failures:
        return Failures(self._api.http.context.connection)
