"""An open GA4 property: how it logs in, and how a report is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from tailrace.connectors.ga4.declaration import SCOPE
from tailrace.connectors.ga4.pages import METADATA, Document, is_report, is_shaped
from tailrace.connectors.ga4.quota import quotas
from tailrace.connectors.ga4.source import Ga4Source
from tailrace.connectors.sdk.auth import Bearer, Renewing, service_account
from tailrace.connectors.sdk.base import Context, Declaration, Finding
from tailrace.connectors.sdk.days import Lookback
from tailrace.connectors.sdk.google import google_manners
from tailrace.connectors.sdk.http import Http
from tailrace.connectors.sdk.options import settings
from tailrace.connectors.sdk.writing import Destination
from tailrace.errors import FatalError, Unavailable

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
            mint = service_account(context.connection, key_file, (SCOPE,), context.now)
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
        """One page of a report: the answer of runReport. What it says of the property's tokens is kept."""
        answer = self._http.request("POST", f"{self._path}:runReport", json=body, retry=True)
        document = answer.json()
        if not is_report(document):
            name = self._http.context.connection
            raise Unavailable(f"{name}: the answer is no report of GA4's", "run again")
        if self._given["rate_limit"] != "off":
            for quota in quotas(document):
                self._http.context.limiter.report(quota)
        return cast("Document", document)

    @property
    def _path(self) -> str:
        return f"/{self._given['api_version']}/properties/{self._property}"

    def examine(self) -> Iterator[Finding]:
        """What the login reaches and what is left of the property's tokens: the metadata, and a report of one number."""
        metadata = self._http.request("GET", f"{self._path}/metadata").json()
        if not is_shaped(metadata, METADATA) or not metadata.keys() & METADATA.keys():
            name = self._http.context.connection
            raise Unavailable(f"{name}: the answer is no metadata of GA4's", "run again")
        dimensions, metrics = len(metadata.get("dimensions") or []), len(metadata.get("metrics") or [])
        subject = f"property {self._property}"
        yield Finding("ok", subject, f"{dimensions} dimensions and {metrics} metrics can be read")
        day = self._http.context.now().date().isoformat()
        body = {
            "dateRanges": [{"startDate": day, "endDate": day}],
            "metrics": [{"name": "sessions"}],
            "returnPropertyQuota": True,
        }
        for quota in quotas(self.report(body)):
            scarce = quota.remaining < quota.limit / 10
            fix = "read fewer or smaller reports, or run later" if scarce else ""
            text = f"{quota.remaining:.0f} of {quota.limit:.0f} are left"
            yield Finding("warning" if scarce else "ok", quota.name, text, fix)

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
