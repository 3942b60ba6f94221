"""When to try a request again, and after how long."""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from tailrace.errors import RetriableError
from tailrace.events import Waiting, emit


class Failed(Exception):
    """One attempt failed for the moment; `error` is what to raise when patience ends.

    `wait`: the vendor's own; `free`: waiting so costs no attempt; `carried_out`: a write may have happened.
    """

    def __init__(
        self,
        error: RetriableError,
        reason: str,
        wait: float | None = None,
        free: bool = False,
        carried_out: bool = False,
    ) -> None:
        super().__init__(reason)
        self.error, self.reason, self.wait, self.free, self.carried_out = (
            error,
            reason,
            wait,
            free,
            carried_out,
        )


@dataclass
class Patience:
    """Decides for one request whether to try again, and after how long; stamina asks it after every failure.

    A wait that the vendor asked for is no attempt, but all waits together stay below `max_wait` seconds.
    """

    connection: str
    max_wait: float
    attempts: int
    first_wait: float
    retry: bool
    failures: int = 0
    waited: float = 0.0

    def __call__(self, error: Exception) -> bool | float:
        if not isinstance(error, Failed) or (error.carried_out and not self.retry):
            return False
        if error.wait is None or not error.free:
            self.failures += 1
            if self.failures >= self.attempts:
                return False
        wait = error.wait if error.wait is not None else self._backoff()
        if self.waited + wait > self.max_wait:
            return False
        self.waited += wait
        emit(Waiting(self.connection, wait, error.reason))
        return wait

    def _backoff(self) -> float:
        longest = min(30.0, self.first_wait * 2 ** (self.failures - 1))
        return float(longest * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header (seconds or an HTTP date); None where there is none that can be read."""
    if not header:
        return None
    with contextlib.suppress(ValueError):
        return max(0.0, float(header))
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(header) - now).total_seconds())
    return None
