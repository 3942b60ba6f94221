"""The propertyQuota of an answer: tokens left by day and by hour (vendor-apis.md 6.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.records import Quota

TOKENS = {
    "tokensPerDay": ("tokens per day", 200_000, 2_000_000),
    "tokensPerHour": ("tokens per hour", 40_000, 400_000),
    "tokensPerProjectPerHour": ("tokens per project and hour", 14_000, 140_000),
}
"""What a standard property has, and one of Analytics 360. GA4 says what is left and never of how much."""


def quotas(document: Mapping[str, Any]) -> Iterator[Quota]:
    """What the answer says is left; a property with more than the standard is taken for one of 360."""
    told = document.get("propertyQuota") or {}
    for name, (words, standard, most) in TOKENS.items():
        status = told.get(name)
        if status is not None:
            remaining = float(status.get("remaining") or 0)
            spent = float(status.get("consumed") or 0)
            limit = standard if remaining + spent <= standard else max(most, remaining)
            yield Quota(words, limit, remaining, "tokens")
