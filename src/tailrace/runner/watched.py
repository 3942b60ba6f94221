"""A budget that lends no place to who has lost a lease: nothing goes to a vendor that another machine may be writing to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailrace.connectors.sdk.base import Limiter
    from tailrace.records import Quota


@dataclass(frozen=True)
class WatchedLimiter:
    """`check` raises LockLost; it is asked last, since waiting for a place may take longer than a lease lasts."""

    limiter: Limiter
    check: Callable[[], None]

    def acquire(self, bucket: str = "") -> float:
        waited = self.limiter.acquire(bucket)
        try:
            self.check()
        except BaseException:
            self.limiter.done(bucket)
            raise
        return waited

    def done(self, bucket: str = "") -> None:
        self.limiter.done(bucket)

    def learn(self, limit: int, window: float, bucket: str = "") -> None:
        self.limiter.learn(limit, window, bucket)

    def block(self, seconds: float, bucket: str = "") -> None:
        self.limiter.block(seconds, bucket)

    def report(self, quota: Quota) -> None:
        self.limiter.report(quota)
