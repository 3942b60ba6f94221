"""An open Google Ads login: the accounts it reaches, and how a query is put to one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tailrace.connectors.google_ads import accounts, gaql
from tailrace.connectors.google_ads.accounts import Reach
from tailrace.connectors.google_ads.examine import examine
from tailrace.connectors.google_ads.source import GoogleAdsSource
from tailrace.connectors.sdk.accounts import AccountRefused
from tailrace.connectors.sdk.auth import Auth, Bearer, NoAuth, Renewing, refresh_grant
from tailrace.connectors.sdk.base import Context, Declaration, Finding
from tailrace.connectors.sdk.days import Lookback
from tailrace.connectors.sdk.google import codes, google_manners
from tailrace.connectors.sdk.http import Answer, Http
from tailrace.connectors.sdk.options import settings
from tailrace.connectors.sdk.writing import Destination
from tailrace.errors import AuthError, FatalError, TailraceError, Unavailable, VendorRefused
from tailrace.events import Notice, emit

INTERVAL = 30.0
"""Seconds after a 429 without retryDelay: what Google's own quota details name in their example."""
OF_ACCOUNT = {
    "CUSTOMER_NOT_ENABLED": "leave it out of customer_ids, or have it enabled at Google",
    "CUSTOMER_NOT_FOUND": "check its number in customer_ids",
    "USER_PERMISSION_DENIED": "give the login access to it, or set login_customer_id to the manager above it",
}
"""Codes of GoogleAdsFailure that speak of one account alone (authorizationError, authenticationError)."""
OF_TOKEN = ("DEVELOPER_TOKEN_INVALID", "DEVELOPER_TOKEN_NOT_APPROVED", "DEVELOPER_TOKEN_PROHIBITED")


class GoogleAds:
    """One login. Nothing is requested before something is asked for."""

    def __init__(self, http: Http, given: Mapping[str, Any], token_http: Http | None) -> None:
        self._http, self._given, self._token_http = http, given, token_http
        self._reach: Reach | None = None

    @classmethod
    def open(cls, declaration: Declaration, options: Mapping[str, Any], context: Context) -> GoogleAds:
        given = settings(declaration, options, context.connection)
        auth, token_http = _auth(given, context)
        limits = given["rate_limit"]
        interval = INTERVAL
        if isinstance(limits, Mapping):
            interval = float(limits["seconds"])
            context.limiter.learn(int(limits["requests"]), interval)
        http = Http(
            given["base_url"],
            auth,
            context,
            replace(google_manners(interval), refusal=refusal, exact=True),
            max_wait=given["max_wait"],
            shared=limits != "off",
            in_flight=given["in_flight"],
        )
        return cls(http, given, token_http)

    def account(self) -> str:
        """The manager account, else the first account that is named or reached."""
        named = self._given["login_customer_id"] or next(iter(self._given["customer_ids"] or ()), None)
        return _digits(named) if named else self.reach().accounts[0].id

    def reach(self, anew: bool = False) -> Reach:
        """The accounts to read: those named, else all that the login reaches; asked for once, or `anew`."""
        if self._reach is None or anew:
            self._reach = self._find()
            for customer, why in self._reach.skipped.items():
                text = f"{self._http.context.connection}: account {customer} is {why} and is not read"
                emit(Notice("warning", text))
        return self._reach

    def _find(self) -> Reach:
        named = self._given["customer_ids"]
        if named:
            return accounts.named_ones(self.query, [_digits(customer) for customer in named])
        manager = self._given["login_customer_id"]
        reach = accounts.all_below(self.query, [_digits(manager)] if manager else self._accessible())
        if not reach.accounts and not reach.refused:
            name = self._http.context.connection
            raise FatalError(f"{name}: the login reaches no account", "name customer_ids")
        return reach

    def _accessible(self) -> list[str]:
        """The accounts that the login reaches without a manager between."""
        path = f"/{self._given['api_version']}/customers:listAccessibleCustomers"
        document = self._http.request("GET", path).json()
        names = document.get("resourceNames", []) if isinstance(document, Mapping) else None
        if not isinstance(names, list):
            raise self._unclear("names no accounts")
        return sorted(str(name).removeprefix("customers/") for name in names)

    def _unclear(self, what: str) -> Unavailable:
        return Unavailable(f"{self._http.context.connection}: Google's answer {what}", "run again")

    def query(
        self, customer: str, through: str | None, fields: Sequence[str], rest: str
    ) -> list[dict[str, Any]]:
        """Rows of `SELECT fields rest` on one account, by column name; `through`: the manager to act as."""
        path = f"/{self._given['api_version']}/customers/{customer}/googleAds:searchStream"
        body = {"query": f"SELECT {', '.join(fields)} {rest}"}
        headers = {} if through is None else {"login-customer-id": through}
        try:
            answer = self._http.request("POST", path, json=body, headers=headers, retry=True).json()
        except AccountRefused as error:
            name = self._http.context.connection
            said = error.message.removeprefix(name)
            raise AccountRefused(f"{name}: account {customer} cannot be read{said}", error.fix) from None
        chunks = answer if isinstance(answer, list) else [answer]
        if not all(gaql.is_chunk(chunk) for chunk in chunks):  # an empty result is an empty list
            raise self._unclear("is no stream of results")
        return gaql.rows(chunks, fields)

    def examine(self) -> Iterator[Finding]:
        """The login, the developer token and each account."""
        return examine(self.reach, "given from outside" if self._given["access_token"] else "refreshed")

    def source(self) -> GoogleAdsSource:
        lookback = Lookback(self._given["restate"], self._given["start_date"])
        context = self._http.context
        return GoogleAdsSource(self, context.now, lookback, context.connection)

    def destination(self) -> Destination:
        name = self._http.context.connection
        raise FatalError(f"{name}: google_ads takes nothing back", "sync to another connection")

    def is_sandbox(self) -> bool:
        return self._http.loopback

    def close(self) -> None:
        self._http.close()
        if self._token_http is not None:
            self._token_http.close()


def refusal(answer: Answer, name: str, said: str) -> TailraceError | None:
    """What Google's code tells a person to do, where the status tells less."""
    found = codes(answer)
    for code, fix in OF_ACCOUNT.items():
        if code in found:
            return AccountRefused(f"{name}{said}", fix)
    if found & set(OF_TOKEN):
        return AuthError(f"{name}: Google refuses the developer token{said}", "check developer_token")
    if "UNSUPPORTED_VERSION" in found:
        return VendorRefused(f"{name}: Google no longer serves this version{said}", "raise api_version")
    return None


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
