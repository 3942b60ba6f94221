"""What is left of the vendors' long budgets, as `status` and `doctor` say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tailrace.state.rate import quotas
from tailrace.state.store import Store

WORDS = ("quota", "limit", "remaining", "unit", "resets_at", "told_at")


def quota_documents(store: Store, connections: Iterable[str]) -> list[dict[str, Any]]:
    """Every quota of these connections; times are ISO, UTC."""
    return [
        {"connection": name, **dict(zip(WORDS, row, strict=True))}
        for name in connections
        for row in quotas(store, name)
    ]


def quota_line(budget: Mapping[str, Any], now: datetime) -> str:
    """`hubspot  daily requests 12,345 of 650,000 left (told 3 min ago, resets 00:00 UTC)`."""
    return f"{budget['connection']}  {quota_text(budget, now)}"


def quota_text(budget: Mapping[str, Any], now: datetime) -> str:
    """The same without the connection's name."""
    name, unit = str(budget["quota"]), str(budget["unit"])
    what = name if not unit or unit == "%" or unit in name else f"{name} {unit}"
    sign = "%" if unit == "%" else ""
    left = f"{_number(budget['remaining'])}{sign} of {_number(budget['limit'])}{sign} left"
    return f"{what} {left} (told {_ago(budget['told_at'], now)}{_resets(budget['resets_at'], now)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,g}"


def _ago(told_at: str, now: datetime) -> str:
    seconds = max(0.0, (now - _moment(told_at)).total_seconds())
    if seconds < 60:
        return "just now"
    size, word = (60, "min") if seconds < 3600 else (3600, "h") if seconds < 2 * 86400 else (86400, "days")
    return f"{int(seconds // size)} {word} ago"


def _resets(resets_at: str | None, now: datetime) -> str:
    """A reset of another day carries its date; one that is over makes the number an old one."""
    if resets_at is None:
        return ""
    at = _moment(resets_at)
    if at <= now:
        return ", reset since"
    near = (at - now).total_seconds() < 86400
    return f", resets {at:%H:%M} UTC" if near else f", resets {at:%Y-%m-%d %H:%M} UTC"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
