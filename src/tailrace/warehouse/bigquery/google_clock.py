"""What time it is at Google, as the `Date` of its answers tells it: expiry is never judged by the clock of a machine of ours."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

RESOLUTION = 1.0
"""Seconds: what a `Date` header leaves out."""


def elapsed() -> float:
    """Seconds on a clock that goes on while the process stands still and, where the system has one, while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class GoogleClock:
    """Listens to every answer of a client; `known` once one of them bore a date. Times are seconds since 1970."""

    def __init__(self, client: Any, elapsed: Callable[[], float] = elapsed) -> None:
        self._elapsed = elapsed
        self._told: tuple[float, float, float] | None = None
        client._http.hooks["response"].append(self._hear)  # noqa: SLF001 - Google's client shows no header otherwise

    @property
    def known(self) -> bool:
        return self._told is not None

    def earliest(self) -> float:
        """It is this late at Google, or later."""
        assert self._told is not None
        date, heard, _ = self._told
        return date + self._elapsed() - heard

    def latest(self) -> float:
        """It is this late at Google, or earlier: the answer was on its way for no longer than the whole request took."""
        assert self._told is not None
        return self.earliest() + RESOLUTION + self._told[2]

    def _hear(self, answer: Any, *_: Any, **__: Any) -> None:
        """A broken or absent date leaves what was known: nobody waits for a proxy."""
        try:
            date = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        except (KeyError, TypeError, ValueError):
            return
        self._told = (date, self._elapsed(), answer.elapsed.total_seconds())
