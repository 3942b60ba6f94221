"""An open GA4 property: how it logs in, and how a report is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tailrace.connectors.ga4.source import Ga4Source
from tailrace.connectors.sdk.auth import Bearer, Renewing, service_account
from tailrace.connectors.sdk.base import Context, Declaration, Destination
from tailrace.connectors.sdk.days import Lookback
from tailrace.connectors.sdk.google import google_manners
from tailrace.connectors.sdk.http import Http
from tailrace.connectors.sdk.options import settings
from tailrace.errors import FatalError

SCOPES = ("https://www.googleapis.com/auth/analytics.readonly",)
INTERVAL = 10.0
"""Seconds after a 429 that names no time: ten reports at once are allowed, and one of them ends by then."""


class Ga4:
    """One property. Nothing is requested before something is asked for."""

    def __init__(self, http: Http, given: Mapping[str, Any]) -> None:
        self._http, self._given = http, given
        self._property = str(given["property_id"]).removeprefix("properties/")

    @classmethod
    def open(cls, declaration: Declaration, options: Mapping[str, Any], context: Context) -> Ga4:
        given = settings(declaration, options, context.connection)
        limits = given["rate_limit"]
        interval = INTERVAL
        if isinstance(limits, Mapping):
            interval = float(limits["seconds"])
            context.limiter.learn(int(limits["requests"]), interval)
        key_file = given["service_account_file"]
        if key_file:
            mint = service_account(context.connection, key_file, SCOPES, context.now)
            auth: Bearer | Renewing = Renewing(mint, context.now)
        else:
            auth = Bearer(given["access_token"])
        manners, wait = google_manners(interval), given["max_wait"]
        http = Http(
            given["base_url"],
            auth,
            context,
            manners,
            max_wait=wait,
            shared=limits != "off",
            in_flight=given["in_flight"],
        )
        return cls(http, given)

    def account(self) -> str:
        """The property's number."""
        return self._property

    def report(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """One page of a report: the answer of runReport."""
        path = f"/v1beta/properties/{self._property}:runReport"
        document: Mapping[str, Any] = self._http.request("POST", path, json=body, retry=True).json()
        return document

    def source(self) -> Ga4Source:
        lookback = Lookback(self._given["restate"], self._given["start_date"])
        name, now = self._http.context.connection, self._http.context.now
        return Ga4Source(self.report, self._property, connection=name, now=now, lookback=lookback)

    def destination(self) -> Destination:
        raise FatalError(
            f"{self._http.context.connection}: ga4 takes nothing back", "sync to another connection"
        )

    def is_sandbox(self) -> bool:
        return self._http.loopback

    def close(self) -> None:
        self._http.close()
