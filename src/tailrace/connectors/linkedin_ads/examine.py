"""What can be known of a login: the version's age, the token's scopes and end, the accounts that the member sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tailrace.connectors.linkedin_ads.api import Api
from tailrace.connectors.linkedin_ads.declaration import R_ADS, R_REPORTING
from tailrace.connectors.sdk.base import Finding
from tailrace.errors import TailraceError

MONTHS = 12
"""How long a version is supported at least (vendor-apis.md 0.4)."""
SOON = timedelta(days=7)


def examine(api: Api, introspected: Callable[[], Mapping[str, Any] | None]) -> Iterator[Finding]:
    """Reads only. What LinkedIn does not tell is not guessed."""
    yield _version(api)
    try:
        yield from _token(introspected(), api.http.context.now())
    except TailraceError as error:
        yield Finding("warning", "token", error.message, error.fix)
    try:
        yield from _accounts(api)
    except TailraceError as error:
        yield Finding("error", "accounts", error.message, error.fix)


def _version(api: Api) -> Finding:
    now = api.http.context.now()
    age = (now.year - int(api.version[:4])) * 12 + now.month - int(api.version[4:])
    if age >= MONTHS:
        text = f"{api.version} is {age} months old, and LinkedIn supports versions for {MONTHS}"
        return Finding("warning", "api_version", text, "raise api_version")
    return Finding("ok", "api_version", f"{api.version} is {max(age, 0)} months old")


def _token(known: Mapping[str, Any] | None, now: datetime) -> Iterator[Finding]:
    if known is None:
        yield Finding("ok", "token", "given from outside: only its app can ask for its scopes and its end")
        return
    scopes = {scope.strip() for scope in str(known.get("scope") or "").replace(" ", ",").split(",")}
    for scope in (R_ADS, R_REPORTING):
        if scope in scopes:
            yield Finding("ok", scope, "granted")
        else:
            yield Finding("error", scope, "not granted", f"add {scope} to the app and authorise it anew")
    ends = known.get("expires_at")
    if isinstance(ends, int):
        yield _end(datetime.fromtimestamp(ends, UTC), now)


def _end(ends: datetime, now: datetime) -> Finding:
    text = f"ends on {ends.date()}"
    if ends - now < SOON:
        return Finding("warning", "token", text, "authorise the app anew before that day")
    return Finding("ok", "token", text)


def _accounts(api: Api) -> Iterator[Finding]:
    accounts = api.accounts()
    if not accounts and not api.refused():
        yield Finding("error", "accounts", "the member sees none", "give it a role on an ad account")
    for account in accounts:
        status = account.record.get("status")
        yield Finding(
            "ok", f"account {account.id}", f"{account.record.get('name')} ({account.currency}, {status})"
        )
    for key, error in api.refused().items():
        yield Finding("error", f"account {key}", error.message, error.fix)
