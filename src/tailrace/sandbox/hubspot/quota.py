"""HubSpot's rate limits: ten-secondly and daily per account, and a secondly one for search (vendor-apis 1.10)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.limits import DailyLimit, SlidingWindow
from tailrace.sandbox.wire import Response

INTERVAL_SECONDS = 10


@dataclass(frozen=True)
class Quota:
    """How many requests an account may make."""

    ten_secondly: int = 190
    daily: int = 650_000
    searches_a_second: int = 5


class Meter:
    """Counts requests against a quota; where not `enforced` it counts and lets everything pass."""

    def __init__(self, quota: Quota, clock: Clock, enforced: bool) -> None:
        self.daily = DailyLimit(quota.daily, clock)
        self._interval = SlidingWindow(quota.ten_secondly, INTERVAL_SECONDS)
        self._searches = SlidingWindow(quota.searches_a_second, 1)
        self._enforced = enforced

    def refusal(self, is_search: bool) -> Response | None:
        """The 429 for this request, or None where it may pass. None of them carries Retry-After."""
        if not self._enforced:
            self.daily.used += 1
            return None
        if self.daily.remaining <= 0:
            return _too_many("daily", "DAILY")
        if is_search:
            if not self._searches.take():
                # The recorded 429 of a search has a category and no policy name, unlike the others.
                return _search_too_many()
        elif not self._interval.take():
            return _too_many("ten_secondly_rolling", "TEN_SECONDLY_ROLLING")
        self.daily.take()
        return None

    def headers(self) -> dict[str, str]:
        """What every answer but a search's says about the limits."""
        if not self._enforced:
            return {}
        return {
            "x-hubspot-ratelimit-max": str(self._interval.limit),
            "x-hubspot-ratelimit-remaining": str(max(self._interval.remaining, 0)),
            "x-hubspot-ratelimit-interval-milliseconds": str(INTERVAL_SECONDS * 1000),
            "x-hubspot-ratelimit-daily": str(self.daily.limit),
            "x-hubspot-ratelimit-daily-remaining": str(self.daily.remaining),
        }


def _too_many(name: str, policy: str) -> Response:
    return Response.of(
        429,
        {
            "status": "error",
            "message": f"You have reached your {name} limit.",
            "errorType": "RATE_LIMIT",
            "correlationId": str(uuid.uuid4()),
            "policyName": policy,
        },
    )


def _search_too_many() -> Response:
    return Response.of(
        429,
        {
            "status": "error",
            "message": "You have reached your secondly limit.",
            "correlationId": str(uuid.uuid4()),
            "category": "RATE_LIMITS",
        },
    )
