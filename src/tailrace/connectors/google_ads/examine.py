"""What can be known of a login: its token, the developer token, the accounts that it reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tailrace.connectors.google_ads.accounts import Reach
from tailrace.connectors.sdk.base import Finding
from tailrace.errors import TailraceError


def examine(reach: Callable[[], Reach], token: str) -> Iterator[Finding]:
    """Reads only; `token` says where the access token is from."""
    try:
        found = reach()
    except TailraceError as error:
        yield Finding("error", "login", error.message, error.fix)
        return
    yield Finding("ok", "access token", f"accepted ({token})")
    if found.accounts:
        yield Finding("ok", "developer token", "accepted")
    for account in found.accounts:
        kind = "manager" if account.manager else f"{account.currency}, days of {account.time_zone}"
        yield Finding("ok", f"account {account.id}", f"{account.name or 'no name'} ({kind})")
    for customer, why in found.skipped.items():
        yield Finding("warning", f"account {customer}", f"{why}, so it is not read")
    for customer, refused in found.refused.items():
        yield Finding("error", f"account {customer}", refused.message, refused.fix)
