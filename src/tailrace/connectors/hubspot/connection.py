"""An open HubSpot account: how it logs in, its budget, and its two halves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.connectors.hubspot.api import SEARCH_BUCKET, Api
from tailrace.connectors.hubspot.destination import HubSpotDestination
from tailrace.connectors.hubspot.source import HubSpotSource
from tailrace.connectors.sdk.auth import Auth, Bearer, NoAuth, Renewing, refresh_grant
from tailrace.connectors.sdk.base import Context, Declaration, Finding
from tailrace.connectors.sdk.http import Answer, Http, Manners, plain_message
from tailrace.connectors.sdk.options import settings
from tailrace.records import Quota

REQUESTS, SECONDS, SEARCHES = 190, 10.0, 5
"""A Pro or Enterprise private app's limit, and the search's per second (vendor-apis.md 1.5, 1.10); `rate_limit` sets others."""


class HubSpot:
    """One account. Nothing is requested before something is asked for."""

    def __init__(
        self, api: Api, source: HubSpotSource, token_http: Http | None, given: Mapping[str, Any]
    ) -> None:
        self._api, self._source, self._token_http, self._given = api, source, token_http, given
        self._account: str | None = None

    @classmethod
    def open(cls, declaration: Declaration, options: Mapping[str, Any], context: Context) -> HubSpot:
        given = settings(declaration, options, context.connection)
        auth, token_http = _auth(given, context)
        limits = given["rate_limit"]
        shared = limits != "off"
        chosen = limits if isinstance(limits, Mapping) else {}
        window = float(chosen.get("seconds", SECONDS))
        if shared:
            context.limiter.learn(int(chosen.get("requests", REQUESTS)), window)
            context.limiter.learn(int(chosen.get("search_per_second", SEARCHES)), 1.0, SEARCH_BUCKET)
        manners = Manners(
            window, None if chosen else told_limit, day_spent, named_window, plain_message, quotas=day_left
        )
        http = Http(
            given["base_url"],
            auth,
            context,
            manners,
            max_wait=given["max_wait"],
            shared=shared,
            in_flight=given["in_flight"],
        )
        api = Api(http, given["api_version"])
        return cls(api, HubSpotSource(api, context.now, given["overlap"]), token_http, given)

    def account(self) -> str:
        """HubSpot's portal id."""
        if self._account is None:
            details = self._api.get(f"/account-info/{self._api.version}/details", {})
            self._account = str(details["portalId"])
        return self._account

    def source(self) -> HubSpotSource:
        return self._source

    def destination(self) -> HubSpotDestination:
        return HubSpotDestination(self._api)

    def examine(self) -> Iterator[Finding]:
        """The account, the token, each scope, the day's requests."""
        from tailrace.connectors.hubspot.examine import examine

        app = {name: self._given[name] for name in ("client_id", "client_secret")}
        yield from examine(self._api, self.account(), app if self._token_http is not None else None)

    def is_sandbox(self) -> bool:
        return self._api.http.loopback

    def close(self) -> None:
        self._api.http.close()
        if self._token_http is not None:
            self._token_http.close()


def _auth(given: Mapping[str, Any], context: Context) -> tuple[Auth, Http | None]:
    if given["access_token"]:
        return Bearer(given["access_token"]), None
    form = {name: given[name] for name in ("client_id", "client_secret", "refresh_token")}
    version = given["api_version"]
    endpoint = Http(given["base_url"], NoAuth(form), context, max_wait=given["max_wait"], shared=False)

    def post(fields: Mapping[str, str]) -> tuple[int, Any]:
        answer = endpoint.request(
            "POST", f"/oauth/{version}/token", form=fields, retry=True, accept=(400, 401, 403)
        )
        return answer.status, answer.json()

    mint = refresh_grant(context.connection, post, form)
    return Renewing(mint, context.now, hidden=form), endpoint


def told_limit(headers: Mapping[str, str]) -> tuple[int, float] | None:
    """The account's limit as every answer but the search's tells it."""
    limit, window = (
        headers.get("x-hubspot-ratelimit-max"),
        headers.get("x-hubspot-ratelimit-interval-milliseconds"),
    )
    if not limit or not window or not limit.isdigit() or not window.isdigit():
        return None
    return int(limit), int(window) / 1000


def day_left(headers: Mapping[str, str]) -> list[Quota]:
    """The account's daily requests; OAuth apps are not told of them (vendor-apis.md 1.10)."""
    limit, left = headers.get("x-hubspot-ratelimit-daily"), headers.get("x-hubspot-ratelimit-daily-remaining")
    if not limit or not left or not limit.isdigit() or not left.isdigit():
        return []
    return [Quota("daily requests", int(limit), int(left))]


def day_spent(answer: Answer) -> bool:
    """True for the daily limit, which no waiting of ours outlasts."""
    document = answer.document if isinstance(answer.document, Mapping) else {}
    return document.get("policyName") == "DAILY" or "daily limit" in str(document.get("message", "")).lower()


def named_window(answer: Answer) -> float | None:
    """A 429 by the second's limit needs one second; recorded ones carry no Retry-After (69 of 69)."""
    if answer.status != 429 or not isinstance(answer.document, Mapping):
        return None
    words = f"{answer.document.get('policyName', '')} {answer.document.get('message', '')}".lower()
    return 1.0 if "secondly" in words and "ten_secondly" not in words else None
