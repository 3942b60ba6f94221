"""A sliding log of one bucket, as arithmetic: what was taken, what a request has to wait for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ROUNDING = 1e-6
"""Seconds: a sleep that ends at a place's very time has not come too early."""

BUCKET = 'SELECT requests, "window", blocked_until, blocked_at FROM buckets WHERE bucket = ?'
GRANTS = "SELECT at, done FROM grants WHERE bucket = ?"


@dataclass(frozen=True)
class Bucket:
    """`limit` requests in `window` seconds, 0 for no limit; closed by the vendor from `blocked_at` to `blocked_until`.

    `grants`: when places were taken, and when their requests were answered.
    """

    limit: int = 0
    window: float = 0.0
    blocked_until: float = 0.0
    blocked_at: float = 0.0
    grants: Sequence[tuple[float, float | None]] = ()

    def newest(self) -> float:
        """When somebody last wrote, by the clock of then."""
        last = [at if done is None or at > done else done for at, done in self.grants]
        return max(self.blocked_at, max(last, default=0.0))

    def places(self, now: float, margin: float) -> tuple[float, float] | None:
        """The time of the next free place: at the soonest, if what is on its way is answered at once, and at the latest."""
        latest = self._free(margin)
        if max(latest, self.blocked_until) <= now + ROUNDING:
            return None
        if latest <= self.blocked_until:
            return self.blocked_until, self.blocked_until
        soonest = max(self.blocked_until, self._free(0.0))
        # an answer that is overdue: the margin says when its request no longer counts
        return (soonest if soonest > now + ROUNDING else latest), latest

    def _free(self, margin: float) -> float:
        """When a place is free, if a request without an answer is counted `margin` after its grant; 0 where one is free already."""
        if not 0 < self.limit <= len(self.grants):
            return 0.0
        ends = sorted((at + margin if done is None else done for at, done in self.grants), reverse=True)
        return ends[self.limit - 1] + self.window


def bucket_of(found: Sequence[Sequence[Any]], grants: Sequence[tuple[Any, ...]]) -> Bucket:
    """From the rows of BUCKET and GRANTS."""
    limit, window, until, at = found[0] if found else (0, 0.0, 0.0, 0.0)
    return Bucket(int(limit), float(window), float(until), float(at), grants)
