"""An open LinkedIn login: how it authenticates, and how LinkedIn speaks of limits and refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.connectors.linkedin_ads.api import Api
from tailrace.connectors.linkedin_ads.examine import examine
from tailrace.connectors.linkedin_ads.source import LinkedInAdsSource
from tailrace.connectors.sdk.accounts import AccountRefused
from tailrace.connectors.sdk.auth import Auth, Bearer, NoAuth, Renewing, refresh_grant, reveal
from tailrace.connectors.sdk.base import Context, Declaration, Finding
from tailrace.connectors.sdk.http import Answer, Http, Manners, plain_message
from tailrace.connectors.sdk.options import settings
from tailrace.connectors.sdk.writing import Destination
from tailrace.errors import FatalError, TailraceError, VendorRefused

INTERVAL = 60.0
"""Seconds after a 429: LinkedIn names none, and says only that service returns by itself."""
DAY = re.compile(r"\bDAY\b|daily|per day", re.IGNORECASE)
SUNSET = 426


class LinkedInAds:
    """One member's login. Nothing is requested before something is asked for."""

    def __init__(self, api: Api, given: Mapping[str, Any], auth: Auth, others: Mapping[str, Http]) -> None:
        self._api, self._given, self._auth, self._others = api, given, auth, others

    @classmethod
    def open(cls, declaration: Declaration, options: Mapping[str, Any], context: Context) -> LinkedInAds:
        given = settings(declaration, options, context.connection)
        others = {} if given["access_token"] else _endpoints(given, context)
        auth = _auth(given, context, others)
        limits, interval = given["rate_limit"], INTERVAL
        if isinstance(limits, Mapping):
            interval = float(limits["seconds"])
            context.limiter.learn(int(limits["requests"]), interval)
        manners = Manners(interval=interval, spent=day_spent, refusal=refusal, exact=True)
        wait, shared = given["max_wait"], limits != "off"
        http = Http(
            given["base_url"], auth, context, manners, wait, shared=shared, in_flight=given["in_flight"]
        )
        named = [account.rpartition(":")[2] for account in given["account_ids"] or ()]
        return cls(Api(http, given["api_version"], named, given["page_size"]), given, auth, others)

    def account(self) -> str:
        """The first account that is named or seen."""
        if self._api.named:
            return self._api.named[0]
        accounts = self._api.accounts()
        if not accounts:
            name = self._api.http.context.connection
            raise FatalError(
                f"{name}: the member sees no ad account", "give it a role on one, or name account_ids"
            )
        return accounts[0].id

    def examine(self) -> Iterator[Finding]:
        """The version, the token with its scopes and end, each account."""
        return examine(self._api, self._introspected)

    def _introspected(self) -> Mapping[str, Any] | None:
        """What LinkedIn says of the token; None where it came from outside, for only its app may ask."""
        endpoint = self._others.get("introspect_url")
        if endpoint is None:
            return None
        token = self._auth.headers()["Authorization"].removeprefix("Bearer ")
        form = {name: str(reveal(self._given[name])) for name in ("client_id", "client_secret")}
        answer = endpoint.request("POST", "", form={**form, "token": token}, retry=True)
        document = answer.json()
        return document if isinstance(document, Mapping) else {}

    def source(self) -> LinkedInAdsSource:
        return LinkedInAdsSource(self._api, self._api.http.context.now, self._given)

    def destination(self) -> Destination:
        name = self._api.http.context.connection
        raise FatalError(f"{name}: linkedin_ads takes nothing back", "sync to another connection")

    def is_sandbox(self) -> bool:
        return self._api.http.loopback

    def close(self) -> None:
        for http in (self._api.http, *self._others.values()):
            http.close()


def day_spent(answer: Answer) -> bool:
    """LinkedIn's limits are of a day, but a 429 may also protect its own machines (its Rate Limiting page)."""
    return DAY.search(plain_message(answer)) is not None


def refusal(answer: Answer, name: str, said: str) -> TailraceError | None:
    """A version that has ended, and what is refused of one account alone."""
    if answer.status == SUNSET:
        fix = "raise api_version to a month of the last twelve, like 202607"
        return VendorRefused(f"{name}: LinkedIn has ended this API version (426){said}", fix)
    if answer.status in (403, 404):
        fix = "give the member a role on it and the app r_ads and r_ads_reporting, or leave it out of account_ids"
        return AccountRefused(f"{name}{said or f': refused ({answer.status})'}", fix)
    return None


def _endpoints(given: Mapping[str, Any], context: Context) -> dict[str, Http]:
    """The two that take the app's own credentials."""
    form = {name: given[name] for name in ("client_secret", "refresh_token")}
    return {
        name: Http(given[name], NoAuth(form), context, max_wait=given["max_wait"], shared=False)
        for name in ("token_url", "introspect_url")
    }


def _auth(given: Mapping[str, Any], context: Context, others: Mapping[str, Http]) -> Auth:
    if given["access_token"]:
        return Bearer(given["access_token"])
    form = {name: given[name] for name in ("client_id", "client_secret", "refresh_token")}

    def post(fields: Mapping[str, str]) -> tuple[int, Any]:
        answer = others["token_url"].request("POST", "", form=fields, retry=True, accept=(400, 401, 403))
        return answer.status, answer.json()

    return Renewing(refresh_grant(context.connection, post, form), context.now, hidden=form)
