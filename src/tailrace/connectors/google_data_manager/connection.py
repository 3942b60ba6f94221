"""An open login to Google's Data Manager, acting on one account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tailrace.connectors.google_data_manager.api import Accounts, Api, Patience
from tailrace.connectors.google_data_manager.declaration import OAUTH, REQUESTS, SCOPE, SECONDS
from tailrace.connectors.google_data_manager.destination import GoogleDataManagerDestination
from tailrace.connectors.sdk.auth import Auth, Bearer, NoAuth, Renewing, refresh_grant, service_account
from tailrace.connectors.sdk.base import (
    Context,
    Declaration,
    Finding,
    Source,
)
from tailrace.connectors.sdk.google import day_spent, error_of, google_manners
from tailrace.connectors.sdk.http import Answer, Http
from tailrace.connectors.sdk.options import settings
from tailrace.errors import FatalError


class GoogleDataManager:
    """One account. Nothing is requested before something is asked for."""

    def __init__(self, api: Api, token_http: Http | None) -> None:
        self._api, self._token_http = api, token_http

    @classmethod
    def open(
        cls, declaration: Declaration, options: Mapping[str, Any], context: Context
    ) -> GoogleDataManager:
        given = settings(declaration, options, context.connection)
        auth, token_http = _auth(given, context)
        limits = given["rate_limit"]
        chosen = limits if isinstance(limits, Mapping) else {}
        window = float(chosen.get("seconds", SECONDS))
        if limits != "off":
            context.limiter.learn(int(chosen.get("requests", REQUESTS)), window)
        http = Http(
            given["base_url"],
            auth,
            context,
            replace(google_manners(window), spent=spent),
            max_wait=given["max_wait"],
            shared=limits != "off",
            in_flight=given["in_flight"],
        )
        patience = Patience(given["poll_interval"], given["poll_wait"])
        return cls(Api(http, _accounts(given), patience), token_http)

    def account(self) -> str:
        """The operating account's number; its type before it where it is no Google Ads account."""
        kind, number = self._api.accounts.operating
        return number if kind == "GOOGLE_ADS" else f"{kind}/{number}"

    def source(self) -> Source:
        name = self._api.http.context.connection
        raise FatalError(
            f"{name}: google_data_manager has nothing to land",
            "land from google_ads, or name another connection",
        )

    def destination(self) -> GoogleDataManagerDestination:
        return GoogleDataManagerDestination(self._api)

    def examine(self) -> Iterator[Finding]:
        """Whether the login reaches the account: its audiences are listed, one of them."""
        kind, number = self._api.accounts.operating
        path = f"/v1/accountTypes/{kind}/accounts/{number}/userLists"
        answer = self._api.http.request("GET", path, params={"pageSize": "1"}, accept=(400, 403, 404))
        if answer.status < 300:
            yield Finding("ok", f"account {number}", "its audiences can be seen")
            return
        said = self._api.http.scrub(str(error_of(answer).get("message") or answer.status)).rstrip(".")
        fix = "check operating_account, login_account and the login's access to them"
        yield Finding("warning", f"account {number}", f"its audiences cannot be seen: {said}", fix)

    def is_sandbox(self) -> bool:
        return self._api.http.loopback

    def close(self) -> None:
        self._api.http.close()
        if self._token_http is not None:
            self._token_http.close()


def spent(answer: Answer) -> bool:
    """The day's requests: said in the message, or by the quota's name in an ErrorInfo (vendor-apis.md 7.2)."""
    details = [one for one in error_of(answer).get("details") or () if isinstance(one, Mapping)]
    names = [str((one.get("metadata") or {}).get("quota_limit") or "") for one in details]
    return day_spent(answer) or any("perday" in name.lower() for name in names)


def _accounts(given: Mapping[str, Any]) -> Accounts:
    login = given["login_account"]
    return Accounts(
        (given["account_type"], _digits(given["operating_account"])),
        (given["login_account_type"], _digits(login)) if login else None,
    )


def _auth(given: Mapping[str, Any], context: Context) -> tuple[Auth, Http | None]:
    if given["service_account_file"]:
        mint = service_account(context.connection, given["service_account_file"], (SCOPE,), context.now)
        return Renewing(mint, context.now), None
    if given["access_token"]:
        return Bearer(given["access_token"]), None
    form = {name: given[name] for name in OAUTH}
    endpoint = Http(given["token_url"], NoAuth(form), context, max_wait=given["max_wait"], shared=False)

    def post(fields: Mapping[str, str]) -> tuple[int, Any]:
        answer = endpoint.request("POST", "", form=fields, retry=True, accept=(400, 401, 403))
        return answer.status, answer.json()

    return Renewing(refresh_grant(context.connection, post, form), context.now, hidden=form), endpoint


def _digits(account: str) -> str:
    return account.replace("-", "")
