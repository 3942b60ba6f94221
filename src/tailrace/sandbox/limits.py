"""Rate-limit windows as the vendors count them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import date

from tailrace.sandbox.clock import Clock


class SlidingWindow:
    """At most `limit` requests in any `seconds`; a refused request does not count."""

    def __init__(self, limit: int, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.seconds = seconds
        self._monotonic = monotonic
        self._taken: deque[float] = deque()

    def take(self) -> bool:
        """Count one request; False where the window is full."""
        self._forget_old()
        if len(self._taken) >= self.limit:
            return False
        self._taken.append(self._monotonic())
        return True

    @property
    def remaining(self) -> int:
        """How many more requests the window lets through now."""
        self._forget_old()
        return self.limit - len(self._taken)

    def _forget_old(self) -> None:
        horizon = self._monotonic() - self.seconds
        while self._taken and self._taken[0] <= horizon:
            self._taken.popleft()


class DailyLimit:
    """At most `limit` requests in a UTC day."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self.limit = limit
        self.used = 0
        self._clock = clock
        self._day: date = clock.now().date()

    def take(self) -> bool:
        """Count one request; False where the day's are used up."""
        self._new_day()
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    @property
    def remaining(self) -> int:
        """How many more requests the day lets through."""
        self._new_day()
        return self.limit - self.used

    def _new_day(self) -> None:
        today = self._clock.now().date()
        if today != self._day:
            self._day, self.used = today, 0
