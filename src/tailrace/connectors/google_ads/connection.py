"""An open Google Ads login: the accounts it reads, and how a query is put to one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.connectors.google_ads import gaql
from tailrace.connectors.google_ads.source import GoogleAdsSource
from tailrace.connectors.sdk.auth import Auth, Bearer, NoAuth, Renewing, refresh_grant
from tailrace.connectors.sdk.base import Context, Declaration, Destination
from tailrace.connectors.sdk.days import Lookback
from tailrace.connectors.sdk.google import google_manners
from tailrace.connectors.sdk.http import Http
from tailrace.connectors.sdk.options import settings
from tailrace.errors import FatalError

INTERVAL = 30.0
"""Seconds after a 429 without retryDelay: what Google's own quota details name in their example."""


class GoogleAds:
    """One login. Nothing is requested before something is asked for."""

    def __init__(self, http: Http, given: Mapping[str, Any], token_http: Http | None) -> None:
        self._http, self._given, self._token_http = http, given, token_http
        self._customers: tuple[str, ...] | None = None

    @classmethod
    def open(cls, declaration: Declaration, options: Mapping[str, Any], context: Context) -> GoogleAds:
        given = settings(declaration, options, context.connection)
        auth, token_http = _auth(given, context)
        limits = given["rate_limit"]
        interval = INTERVAL
        if isinstance(limits, Mapping):
            interval = float(limits["seconds"])
            context.limiter.learn(int(limits["requests"]), interval)
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
        return cls(http, given, token_http)

    def account(self) -> str:
        """The manager account, else the first account that is read."""
        manager = self._given["login_customer_id"]
        return _digits(manager) if manager else self.customers()[0]

    def customers(self) -> tuple[str, ...]:
        """The accounts to read, by id: those named, else all that the login reaches directly."""
        if self._customers is None:
            self._customers = tuple(_digits(customer) for customer in self._given["customer_ids"] or ())
        if not self._customers:
            path = f"/{self._given['api_version']}/customers:listAccessibleCustomers"
            names = self._http.request("GET", path).json().get("resourceNames") or []
            self._customers = tuple(sorted(name.removeprefix("customers/") for name in names))
        if not self._customers:
            raise FatalError(
                f"{self._http.context.connection}: the login reaches no account", "name customer_ids"
            )
        return self._customers

    def query(self, customer: str, fields: Sequence[str], rest: str) -> list[dict[str, Any]]:
        """Rows of `SELECT fields rest` on one account, by column name."""
        path = f"/{self._given['api_version']}/customers/{customer}/googleAds:searchStream"
        body = {"query": f"SELECT {', '.join(fields)} {rest}"}
        answer = self._http.request("POST", path, json=body, retry=True).json() or []
        return gaql.rows(answer if isinstance(answer, list) else [answer], fields)

    def source(self) -> GoogleAdsSource:
        lookback = Lookback(self._given["restate"], self._given["start_date"])
        return GoogleAdsSource(self, self._http.context.now, lookback)

    def destination(self) -> Destination:
        name = self._http.context.connection
        raise FatalError(f"{name}: google_ads takes nothing back", "sync to another connection")

    def is_sandbox(self) -> bool:
        return self._http.loopback

    def close(self) -> None:
        self._http.close()
        if self._token_http is not None:
            self._token_http.close()


def _auth(given: Mapping[str, Any], context: Context) -> tuple[Auth, Http | None]:
    extra = {"developer-token": given["developer_token"]}
    if given["login_customer_id"]:
        extra["login-customer-id"] = _digits(given["login_customer_id"])
    if given["access_token"]:
        return Bearer(given["access_token"], extra), None
    form = {name: given[name] for name in ("client_id", "client_secret", "refresh_token")}
    endpoint = Http(given["token_url"], NoAuth(form), context, max_wait=given["max_wait"], shared=False)

    def post(fields: Mapping[str, str]) -> tuple[int, Any]:
        answer = endpoint.request("POST", "", form=fields, retry=True, accept=(400, 401, 403))
        return answer.status, answer.json()

    return Renewing(refresh_grant(context.connection, post, form), context.now, extra, form), endpoint


def _digits(customer: str) -> str:
    return customer.replace("-", "")
