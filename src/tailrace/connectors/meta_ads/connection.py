"""An open Meta Ads login: its budget, its accounts, and the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.connectors.meta_ads.accounts import Accounts
from tailrace.connectors.meta_ads.api import Api, QueryToken
from tailrace.connectors.meta_ads.audiences import Audiences
from tailrace.connectors.meta_ads.declaration import WINDOWS
from tailrace.connectors.meta_ads.examine import examine
from tailrace.connectors.meta_ads.graph import graph_manners
from tailrace.connectors.meta_ads.reports import Insights, Patience
from tailrace.connectors.meta_ads.source import MetaAdsSource
from tailrace.connectors.sdk.base import Context, Declaration, Finding
from tailrace.connectors.sdk.days import Lookback
from tailrace.connectors.sdk.http import Http
from tailrace.connectors.sdk.options import settings
from tailrace.connectors.sdk.writing import Destination

INTERVAL = 60.0
"""Seconds after a throttle that names no time: Meta's own count in minutes."""


class MetaAds:
    """One token. Nothing is requested before something is asked for."""

    def __init__(self, api: Api, given: Mapping[str, Any]) -> None:
        self._api, self._given = api, given
        self._accounts = Accounts(api, given["account_ids"] or ())
        self._account: str | None = None

    @classmethod
    def open(cls, declaration: Declaration, options: Mapping[str, Any], context: Context) -> MetaAds:
        given = settings(declaration, options, context.connection)
        limits, interval = given["rate_limit"], INTERVAL
        if isinstance(limits, Mapping):
            interval = float(limits["seconds"])
            context.limiter.learn(int(limits["requests"]), interval)
        auth = QueryToken(given["access_token"], given["app_secret"])
        http = Http(
            given["base_url"],
            auth,
            context,
            graph_manners(interval),
            max_wait=given["max_wait"],
            shared=limits != "off",
            in_flight=given["in_flight"],
        )
        return cls(Api(http, auth, given["api_version"]), given)

    def account(self) -> str:
        """The first ad account's id."""
        if self._account is None:
            self._account = self._accounts.first()
        return self._account

    def source(self) -> MetaAdsSource:
        given = self._given
        windows = given["action_attribution_windows"]
        patience = Patience(given["async"], given["report_wait"], given["poll_interval"])
        return MetaAdsSource(
            self._api,
            self._accounts,
            Insights(self._api, patience),
            self._api.http.context.now,
            lookback=Lookback(given["restate"], given["start_date"]),
            windows=WINDOWS if windows is None else tuple(windows),
        )

    def destination(self) -> Destination:
        return Audiences(self._api)

    def examine(self) -> Iterator[Finding]:
        return examine(self._api, self._accounts, self._api.http.context.now())

    def is_sandbox(self) -> bool:
        return self._api.http.loopback

    def close(self) -> None:
        self._api.http.close()
