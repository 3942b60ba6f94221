"""What can be known of a login: the account, the token's scopes and end, what each object answers, requests left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from tailrace.connectors.hubspot.api import Api
from tailrace.connectors.hubspot.newest import moment
from tailrace.connectors.hubspot.offers import (
    CUSTOM_SCHEMAS,
    OWNERS_READ,
    PERMISSIONS,
    STANDARD,
)
from tailrace.connectors.sdk.auth import reveal
from tailrace.connectors.sdk.base import Finding
from tailrace.connectors.sdk.http import Answer, plain_message
from tailrace.errors import TailraceError

SCARCE = 0.1
"""Share of the day's requests below which a warning is due."""


def examine(api: Api, account: str, app: Mapping[str, Any] | None) -> Iterator[Finding]:
    """Reads only. `app`: an OAuth app's client_id and client_secret; a static token tells nothing of itself."""
    yield Finding("ok", "login", f"account {account} at {api.http.base_url}, version {api.version}")
    granted = None
    if app is not None:
        document = _introspected(api, app)
        granted = document.get("scopes")
        yield _token(document)
    yield from _asked(api)
    if granted is not None:
        yield from _writes({str(scope) for scope in granted})
    yield from _day(api)


def _introspected(api: Api, app: Mapping[str, Any]) -> Mapping[str, Any]:
    """What HubSpot says of our access token (vendor-apis.md 1.1); nothing where it does not."""
    token = api.http.auth.headers()["Authorization"].removeprefix("Bearer ")
    form = {"token": token, **{name: str(reveal(value)) for name, value in app.items()}}
    path = f"/oauth/{api.version}/token/introspect"
    answer = api.http.request("POST", path, form=form, retry=True, accept=(400, 401, 403, 404))
    document = answer.json()
    return document if answer.status < 300 and isinstance(document, Mapping) else {}


def _token(document: Mapping[str, Any]) -> Finding:
    if document.get("active") is False:
        return Finding("error", "token", "the access token is not active", "authorise the app anew")
    lives = document.get("expires_in")
    text = "renewed a minute before its end" + (f", now {lives} s away" if lives is not None else "")
    return Finding("ok", "token", text)


def _asked(api: Api) -> Iterator[Finding]:
    """One record of each object: what the answer says holds, whatever the scopes are called."""
    for name in STANDARD:
        yield _probe(api, name, api.objects(name), STANDARD[name].scopes)
    yield _probe(api, "owners", api.path("owners"), (OWNERS_READ,))
    yield _probe(
        api, "custom objects", f"/crm-object-schemas/{api.version}/schemas", (CUSTOM_SCHEMAS,), single=False
    )


def _probe(api: Api, name: str, path: str, scopes: tuple[str, ...], *, single: bool = True) -> Finding:
    answer = api.http.request(
        "GET", path, params={"limit": "1"} if single else None, accept=(400, 401, 403, 404)
    )
    if answer.status < 300:
        return Finding("ok", name, "may be read")
    if answer.status == 401:
        return Finding("error", name, "the token is refused (401)", "check the connection's token")
    if answer.status != 403:
        said = api.http.scrub(plain_message(answer))
        return Finding("warning", name, f"the account does not offer them ({answer.status}: {said})")
    missing = ", ".join(missing_scopes(answer) or scopes)
    return Finding(
        "warning", name, f"may not be read: {missing} is missing", f"grant {missing}, or do not land them"
    )


def missing_scopes(answer: Answer) -> list[str]:
    """The scopes that a 403 names: `errors[].context.requiredGranularScopes` or `requiredScopes`."""
    document = answer.document if isinstance(answer.document, Mapping) else {}
    found: list[str] = []
    for error in document.get("errors") or []:
        context = error.get("context") or {}
        found += context.get("requiredGranularScopes") or context.get("requiredScopes") or []
    return list(dict.fromkeys(str(scope) for scope in found))


def _writes(granted: set[str]) -> Iterator[Finding]:
    """Writing is not tried out: a scope for it is looked for among those granted."""
    for permission in PERMISSIONS:
        if not permission.name.endswith(".write"):
            continue
        if permission.name in granted:
            yield Finding("ok", permission.name, "granted")
        else:
            fix = f"grant it for {permission.needed_for}"
            yield Finding("warning", permission.name, "not granted", fix)


def _day(api: Api) -> Iterator[Finding]:
    """Private apps' daily requests; other tokens are refused the question."""
    try:
        document = api.get(f"/account-info/{api.version}/api-usage/daily/private-apps", {})
    except TailraceError:
        return
    for usage in document.get("results") or []:
        limit, used = usage.get("usageLimit"), usage.get("currentUsage")
        if not limit or used is None:
            continue
        left, ends = limit - used, usage.get("resetsAt")
        until = f" until {moment(str(ends)).astimezone(UTC):%Y-%m-%d %H:%M} UTC" if ends else ""
        text = f"{left} of {limit} requests left{until}"
        if left < SCARCE * limit:
            yield Finding("warning", "daily requests", text, "run less often, or land fewer objects")
        else:
            yield Finding("ok", "daily requests", text)
