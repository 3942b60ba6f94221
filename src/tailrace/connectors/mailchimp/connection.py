"""An open Mailchimp account: how it logs in, where it is, what it says of its credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.connectors.mailchimp.api import Api
from tailrace.connectors.mailchimp.batches import Batches
from tailrace.connectors.mailchimp.declaration import MANAGER, MOST_IN_FLIGHT, PLACE
from tailrace.connectors.mailchimp.destination import Members
from tailrace.connectors.mailchimp.operations import Operations
from tailrace.connectors.mailchimp.source import MailchimpSource
from tailrace.connectors.sdk.auth import Auth, Basic, Bearer, reveal
from tailrace.connectors.sdk.base import Context, Declaration, Finding
from tailrace.connectors.sdk.http import Answer, Http, Kind, Manners
from tailrace.connectors.sdk.options import settings
from tailrace.connectors.sdk.writing import Destination
from tailrace.errors import FatalError

INTERVAL = 10.0
"""Seconds after a 429 or a bare 403: Mailchimp names no time (vendor-apis.md 3); `rate_limit` sets another."""
ENOUGH, TOO_LITTLE = ("owner", "admin", "manager"), ("author", "viewer")


class Mailchimp:
    """One account. Nothing is requested before something is asked for."""

    def __init__(self, api: Api, given: Mapping[str, Any]) -> None:
        self._api, self._given = api, given
        self._root: Mapping[str, Any] | None = None

    @classmethod
    def open(cls, declaration: Declaration, options: Mapping[str, Any], context: Context) -> Mailchimp:
        given = settings(declaration, options, context.connection)
        limits, interval = given["rate_limit"], INTERVAL
        if isinstance(limits, Mapping):
            interval = float(limits["seconds"])
            context.limiter.learn(int(limits["requests"]), interval)
        http = Http(
            _base_url(given, context.connection),
            _auth(given),
            context,
            Manners(interval, message=said, kind=meant),
            max_wait=given["max_wait"],
            shared=limits != "off",
            in_flight=given["in_flight"],
        )
        return cls(Api(http, given["api_version"]), given)

    def account(self) -> str:
        """Mailchimp's id of the account, the `u` of its links."""
        return str(self._about()["account_id"])

    def source(self) -> MailchimpSource:
        return MailchimpSource(self._api, self._given["overlap"])

    def destination(self) -> Destination:
        batches = Batches(self._api, self._given["poll_interval"], self._given["batch_wait"])
        return Members(self._api, Operations(self._api, batches))

    def is_sandbox(self) -> bool:
        return self._api.http.loopback

    def close(self) -> None:
        self._api.http.close()

    def examine(self) -> Iterator[Finding]:
        """The account, the role of the key's owner, and the limit of connections."""
        about = self._about()
        yield Finding("ok", "account", f"{about.get('account_name') or 'unnamed'} ({about['account_id']})")
        yield _role(str(about.get("role") or ""))
        kind = "an API key has no end" if self._given["api_key"] else "an OAuth token of Mailchimp has no end"
        yield Finding("ok", "credentials", f"{kind} until it is revoked")
        text = f"{self._given['in_flight']} of {MOST_IN_FLIGHT} connections at a time; no quota by day"
        yield Finding("ok", "limits", text)

    def _about(self) -> Mapping[str, Any]:
        """The root of the API: account and owner of the credentials."""
        if self._root is None:
            self._root = self._api.get("/")
        return self._root


def _role(role: str) -> Finding:
    if role.lower() in ENOUGH:
        return Finding("ok", "role", f"{role}: may read lists, members and reports")
    fix = f"use a key of a user whose level is {MANAGER}"
    if role.lower() in TOO_LITTLE:
        return Finding("error", "role", f"{role}: may read reports, but neither lists nor members", fix)
    return Finding("warning", "role", f"{role or 'none named'}: not known here", fix)


def _auth(given: Mapping[str, Any]) -> Auth:
    if given["access_token"]:
        return Bearer(given["access_token"])
    return Basic("tailrace", given["api_key"])


def _base_url(given: Mapping[str, Any], connection: str) -> str:
    """`{dc}` filled in by `server`, else by the last part of the key."""
    url = str(given["base_url"])
    if PLACE not in url:
        return url
    found = re.search(r"-([a-z]+\d+)$", str(reveal(given["api_key"] or "")))
    server = given["server"] or (found[1] if found else None)
    if server is None:
        raise FatalError(
            f"{connection}: the api_key names no data centre",
            "write server: us3, as in your browser's address",
        )
    return url.replace(PLACE, server)


def said(answer: Answer) -> str:
    """title, detail and the fields of a problem+json body (vendor-apis.md 3)."""
    document = answer.document
    if not isinstance(document, Mapping):
        return ""
    words = [str(document[name]).rstrip(".") for name in ("title", "detail") if document.get(name)]
    errors = [error for error in document.get("errors") or () if isinstance(error, Mapping)]
    fields = "; ".join(f"{error.get('field') or '?'}: {error.get('message')}" for error in errors)
    return ": ".join(words) + (f" ({fields})" if fields else "")


def meant(answer: Answer) -> Kind | None:
    """A 403 without a JSON body is a limit and no lack of permission: Mailchimp's front sends it under load."""
    return "limited" if answer.status == 403 and not isinstance(answer.document, Mapping) else None
