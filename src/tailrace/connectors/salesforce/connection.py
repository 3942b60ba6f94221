"""An open Salesforce org: how it logs in, its budget, its source and its destination."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from tailrace.connectors.salesforce import examine
from tailrace.connectors.salesforce.api import Api, kind, message, quotas
from tailrace.connectors.salesforce.bulk import Jobs
from tailrace.connectors.salesforce.destination import SalesforceDestination
from tailrace.connectors.salesforce.jobs import Watch
from tailrace.connectors.salesforce.login import Login
from tailrace.connectors.salesforce.source import SalesforceSource
from tailrace.connectors.sdk.base import Context, Declaration, Finding
from tailrace.connectors.sdk.http import Http, Manners
from tailrace.connectors.sdk.options import settings
from tailrace.errors import Unavailable

INTERVAL = 10.0
"""Seconds before asking again where too many requests ran at one time; Salesforce names none (vendor-apis.md 2.6)."""


class Salesforce:
    """One org. Nothing is requested before something is asked for."""

    def __init__(self, given: Mapping[str, Any], login: Login, context: Context) -> None:
        self._given, self._login, self._context = given, login, context
        self._api = Api(self._open_http, given["api_version"])
        self._watch = Watch(self._api, given["bulk_wait"], given["bulk_poll"])
        self._jobs = Jobs(self._api, self._watch)

    @classmethod
    def open(cls, declaration: Declaration, options: Mapping[str, Any], context: Context) -> Salesforce:
        given = settings(declaration, options, context.connection)
        return cls(given, Login(given, context), context)

    def _open_http(self) -> Http:
        """Where the login says that the org is."""
        given, limits = self._given, self._given["rate_limit"]
        interval = INTERVAL
        if isinstance(limits, Mapping):
            interval = float(limits["seconds"])
            self._context.limiter.learn(int(limits["requests"]), interval)
        return Http(
            self._login.host(),
            self._login.auth,
            self._context,
            Manners(interval, message=message, kind=kind, quotas=quotas),
            max_wait=given["max_wait"],
            shared=limits != "off",
            in_flight=given["in_flight"],
        )

    @cached_property
    def _org(self) -> str:
        self._login.auth.headers()
        told = str(self._login.granted.get("id") or "").rstrip("/").split("/")
        if len(told) > 2 and told[-2].startswith("00D"):
            return told[-2]
        found = self._api.query("SELECT Id FROM Organization")["records"]
        if not found or not isinstance(found[0], Mapping) or not found[0].get("Id"):
            raise Unavailable(f"{self._context.connection}: Salesforce does not name its org", "run again")
        return str(found[0]["Id"])

    def account(self) -> str:
        """The org's id, 00D..."""
        return self._org

    def source(self) -> SalesforceSource:
        return SalesforceSource(self._api, self._jobs, self._context.now, self._given["overlap"])

    def destination(self) -> SalesforceDestination:
        return SalesforceDestination(self._api, self._watch, self._login.user)

    def examine(self) -> Iterator[Finding]:
        """The org, its version, the scopes, objects in sight and what is left of the day's requests."""
        return examine.examine(self._api, self._login, self.account())

    def is_sandbox(self) -> bool:
        return self._api.http.loopback

    def close(self) -> None:
        if "http" in self._api.__dict__:
            self._api.http.close()
        self._login.close()
