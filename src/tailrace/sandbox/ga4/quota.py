"""A property's quotas, standard size (vendor-apis 6.1): tokens by day and hour. What one request costs is our own guess."""

from __future__ import annotations

from typing import Any

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.google import ApiError

PER_DAY, PER_HOUR, PER_PROJECT_HOUR = 200_000, 40_000, 14_000
CONCURRENT, SERVER_ERRORS, THRESHOLDED = 10, 10, 120


class Quota:
    """Tokens used in the running day and hour, UTC."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows = ("", "")
        self._day = 0
        self._hour = 0

    def check(self) -> None:
        """ApiError 429 where the hour's or the day's tokens are used up."""
        self._turn()
        if self._hour >= PER_PROJECT_HOUR:
            raise ApiError(
                429, "Exhausted property tokens per project per hour. Quota will reset within one hour."
            )
        if self._hour >= PER_HOUR:
            raise ApiError(429, "Exhausted property tokens per hour. Quota will reset within one hour.")
        if self._day >= PER_DAY:
            raise ApiError(429, "Exhausted property tokens per day. Quota will reset within one day.")

    def use(self, tokens: int) -> None:
        """Count what a request cost."""
        self._turn()
        self._day += tokens
        self._hour += tokens

    def document(self, tokens: int) -> dict[str, Any]:
        """The propertyQuota of an answer, for a request that cost `tokens`."""

        def status(consumed: int, remaining: int) -> dict[str, int]:
            return {"consumed": consumed, "remaining": max(remaining, 0)}

        return {
            "tokensPerDay": status(tokens, PER_DAY - self._day),
            "tokensPerHour": status(tokens, PER_HOUR - self._hour),
            "concurrentRequests": status(0, CONCURRENT),
            "serverErrorsPerProjectPerHour": status(0, SERVER_ERRORS),
            "potentiallyThresholdedRequestsPerHour": status(0, THRESHOLDED),
            "tokensPerProjectPerHour": status(tokens, PER_PROJECT_HOUR - self._hour),
        }

    def _turn(self) -> None:
        now = self._clock.now()
        day, hour = now.strftime("%Y-%m-%d"), now.strftime("%Y-%m-%dT%H")
        if day != self._windows[0]:
            self._day = 0
        if hour != self._windows[1]:
            self._hour = 0
        self._windows = (day, hour)
