"""What Google says when it refuses, and what a person does about it."""

from __future__ import annotations

from typing import Any

from tailrace.errors import AuthError, FatalError, WarehouseError


def refused(error: Any, doing: str, project: str, location: str) -> FatalError:
    """An error of ours for one of Google's; `doing` is the statement, or what was asked."""
    told = _told(error)
    code, reasons = getattr(error, "code", None), _reasons(error)
    if type(error).__module__.startswith("google.auth"):
        return AuthError(f"BigQuery: {told}", "renew the credentials, then run `tailrace doctor`")
    if code in (401, 403) and not reasons & {"quotaExceeded", "rateLimitExceeded"}:
        fix = f"check the project and its roles: `tailrace doctor` lists what {project} has to grant"
        return AuthError(f"BigQuery refuses: {told}", fix)
    if reasons & {"quotaExceeded", "rateLimitExceeded"}:
        return WarehouseError(
            f"a quota of {project} is spent: {told}", "wait for it or raise it, then run again"
        )
    if "bytesBilledLimitExceeded" in reasons or "limit for bytes billed" in told.lower():
        return WarehouseError(
            f"max_bytes_billed stops a query: {told}", "raise it in profiles.yml, or prune the query"
        )
    if "not found in location" in told:
        return WarehouseError(
            f"BigQuery: {told}", f"`location: {location}` in profiles.yml has to be the datasets' own"
        )
    return WarehouseError(f"BigQuery: {told} ({_short(doing)})", "")


def _told(error: Any) -> str:
    listed = getattr(error, "errors", None) or []
    text = str(listed[0].get("message") if listed and isinstance(listed[0], dict) else "") or str(error)
    return " ".join(text.split("\n\n")[0].split())[:500]


def _reasons(error: Any) -> set[str]:
    return {str(one.get("reason")) for one in getattr(error, "errors", None) or [] if isinstance(one, dict)}


def _short(doing: str) -> str:
    return " ".join(doing.split())[:160]
