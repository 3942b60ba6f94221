"""What `doctor` learns of the login: its permissions, the token's end, the accounts, the limits used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tailrace.connectors.meta_ads.accounts import Accounts, Failures
from tailrace.connectors.meta_ads.api import Api
from tailrace.connectors.meta_ads.graph import quotas
from tailrace.connectors.sdk.base import Finding
from tailrace.errors import TailraceError

SUFFICES = ("ads_read", "ads_management")
"""Either reads; only the first is needed."""
SOON = timedelta(days=14)
NEARLY_USED = 20.0
ACTIVE = 1


def examine(api: Api, accounts: Accounts, now: datetime) -> Iterator[Finding]:
    """Reads only. What the token cannot be asked is left out."""
    answer = api.call("GET", "me/permissions")
    yield _permission(answer.json())
    yield from _token(api.debug_token().json(), now)
    yield from _accounts(api, accounts)
    for quota in quotas(answer.headers):
        level = "warning" if quota.remaining < NEARLY_USED else "ok"
        yield Finding(
            "warning" if level == "warning" else "ok", quota.name, f"{100 - quota.remaining:.0f}% used"
        )


def _permission(document: Any) -> Finding:
    listed = document.get("data") if isinstance(document, Mapping) else None
    states = {str(one.get("permission")): str(one.get("status")) for one in listed or ()}
    granted = [name for name in SUFFICES if states.get(name) == "granted"]
    if granted:
        return Finding("ok", "permissions", f"{granted[0]} is granted")
    state = states.get("ads_read", "not granted")
    return Finding("error", "permissions", f"ads_read is {state}", "grant ads_read and make a new token")


def _token(document: Any, now: datetime) -> Iterator[Finding]:
    """Says nothing where Meta does not: `expires_at` 0 is a token without an end (from memory)."""
    about = document.get("data") if isinstance(document, Mapping) else None
    ends = about.get("expires_at") if isinstance(about, Mapping) else None
    if ends == 0:
        yield Finding("ok", "access_token", "does not end")
    elif isinstance(ends, int):
        end = datetime.fromtimestamp(ends, UTC)
        text = f"ends on {end:%Y-%m-%d}"
        if end - now > SOON:
            yield Finding("ok", "access_token", text)
        else:
            yield Finding("warning", "access_token", text, "make a new one, best of a system user")


def _accounts(api: Api, accounts: Accounts) -> Iterator[Finding]:
    failures = Failures(api.http.context.connection)
    try:
        found = accounts.read(("account_id", "name", "account_status"), failures)
        failures.tell()
    except TailraceError as error:
        yield Finding("error", "accounts", error.message, error.fix)
        return
    yield Finding("ok", "accounts", f"{len(found)} can be read")
    for account in found:
        if account.get("account_status") not in (None, ACTIVE):
            text = f"{account.get('name')} is not active (account_status {account['account_status']})"
            yield Finding("warning", f"act_{account['account_id']}", text)
