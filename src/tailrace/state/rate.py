"""An account's request budget, shared by every thread and process of this machine: a sliding log in SQLite.

A grant may lie in the future: whoever got it sleeps until then, so nobody polls and nobody overtakes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from sqlite3 import Connection

from tailrace.state.store import Store

MARGIN = 0.25
"""Seconds added to the vendor's window; must exceed the spread of request latency."""

FAR = 20
"""Windows: a grant further ahead than this was made before the clock was set back, and is dropped."""


class NoLimiter:
    """`rate_limit: off`."""

    def acquire(self, bucket: str = "") -> float:  # noqa: ARG002 - the interface's
        return 0.0

    def learn(self, limit: int, window: float, bucket: str = "") -> None:
        """Nothing to learn."""

    def block(self, seconds: float, bucket: str = "") -> None:
        """Nothing to block."""


class SharedLimiter:
    """The Limiter of one account; a bucket is free of limits until somebody has told its numbers with `learn`."""

    def __init__(
        self,
        store: Store,
        account: str,
        *,
        margin: float = MARGIN,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._account = account
        self._margin = margin
        self._clock = clock
        self._sleep = sleep
        self._guard = threading.Lock()
        self._told: dict[str, tuple[int, float]] = {}

    def acquire(self, bucket: str = "") -> float:
        """Wait for a place; a 429 that came while waiting makes it wait on."""
        name, waited = self._name(bucket), 0.0
        while True:
            wait = self._reserve(name) - self._clock()
            if wait <= 0:
                return waited
            self._sleep(wait)
            waited += wait
            if not self._blocked(name):
                return waited

    def learn(self, limit: int, window: float, bucket: str = "") -> None:
        name = self._name(bucket)
        with self._guard:
            if self._told.get(name) == (limit, window):
                return
            self._told[name] = (limit, window)
        with self._store.write() as db:
            db.execute(
                "INSERT INTO buckets VALUES (?, ?, ?, 0) ON CONFLICT (bucket)"
                " DO UPDATE SET requests = excluded.requests, window = excluded.window",
                (name, max(1, limit), window),
            )

    def block(self, seconds: float, bucket: str = "") -> None:
        until = self._clock() + seconds
        with self._store.write() as db:
            db.execute(
                "INSERT INTO buckets VALUES (?, 0, 0, ?) ON CONFLICT (bucket)"
                " DO UPDATE SET blocked_until = max(blocked_until, excluded.blocked_until)",
                (self._name(bucket), until),
            )

    def _name(self, bucket: str) -> str:
        return f"{self._account}/{bucket}"

    def _blocked(self, name: str) -> bool:
        rows = self._store.read("SELECT blocked_until FROM buckets WHERE bucket = ?", [name])
        return bool(rows) and float(rows[0][0]) > self._clock()

    def _reserve(self, name: str) -> float:
        """The time of the place that was taken, maybe in the future."""
        with self._store.write() as db:
            now = self._clock()
            row = db.execute(
                "SELECT requests, window, blocked_until FROM buckets WHERE bucket = ?", (name,)
            ).fetchone()
            limit, window, blocked = row or (0, 0.0, 0.0)
            earliest = max(now, float(blocked))
            return self._place(db, name, earliest, int(limit), float(window)) if limit else earliest

    def _place(self, db: Connection, name: str, earliest: float, limit: int, window: float) -> float:
        now, span = self._clock(), window + self._margin
        db.execute(
            "DELETE FROM grants WHERE bucket = ? AND (at < ? OR at > ?)", (name, now - span, now + FAR * span)
        )
        before = db.execute(
            "SELECT at FROM grants WHERE bucket = ? ORDER BY at DESC LIMIT 1 OFFSET ?", (name, limit - 1)
        ).fetchone()
        at = max(earliest, float(before[0]) + span if before else 0.0)
        db.execute("INSERT INTO grants VALUES (?, ?)", (name, at))
        return at
