"""An account's request budget, shared by every thread and process of this machine: a sliding log in SQLite.

A grant may lie in the future: whoever got it sleeps until then, so nobody polls and nobody overtakes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from sqlite3 import Connection
from typing import TYPE_CHECKING

from tailrace.errors import RateLimited
from tailrace.events import Waiting, emit
from tailrace.state.store import Store

if TYPE_CHECKING:
    from tailrace.records import Quota

MARGIN = 0.25
"""Seconds added to the vendor's window; must exceed the spread of request latency."""

REPORT_EVERY = 2.0
"""Seconds between two writings of one quota: each costs a disk flush, and vendors tell it with every answer."""

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

    def report(self, quota: Quota) -> None:
        """Nobody asked for limits, so nobody asks what is left."""

    def flush(self) -> None:
        """Nothing to write."""


class SharedLimiter:
    """The Limiter of one account; a bucket is free of limits until somebody has told its numbers with `learn`.

    `account` names the connection; connections with the same `shared_as` (the same credentials) draw on one budget.
    `longest`: seconds that a request may wait; beyond it the vendor's wait is told instead of slept.
    """

    def __init__(
        self,
        store: Store,
        account: str,
        *,
        shared_as: str | None = None,
        longest: float | None = None,
        margin: float = MARGIN,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._account, self._shared_as, self._longest = account, shared_as or account, longest
        self._margin = margin
        self._clock = clock
        self._sleep = sleep
        self._guard = threading.Lock()
        self._told: dict[str, tuple[int, float]] = {}
        self._quotas: dict[str, Quota] = {}
        self._written: dict[str, float] = {}

    def acquire(self, bucket: str = "") -> float:
        """Wait for a place; a 429 that came while waiting makes it wait on. RateLimited where that takes too long."""
        name, waited = self._name(bucket), 0.0
        while True:
            self._refuse_long(name)
            wait = self._reserve(name) - self._clock()
            if wait <= 0:
                return waited
            emit(Waiting(self._account, wait, "rate limit"))
            self._sleep(wait)
            waited += wait
            if not self._blocked(name):
                return waited

    def _refuse_long(self, name: str) -> None:
        """Before a place is taken: the vendor closed the account for longer than anybody waits."""
        rows = self._store.read("SELECT blocked_until FROM buckets WHERE bucket = ?", [name])
        wait = float(rows[0][0]) - self._clock() if rows else 0.0
        if self._longest is not None and wait > self._longest:
            until = datetime.fromtimestamp(self._clock() + wait, UTC).strftime("%Y-%m-%d %H:%M")
            what = f"{self._account}: the vendor takes no request before {until} UTC"
            raise RateLimited(what, "run again then, or raise max_wait", wait)

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

    def report(self, quota: Quota) -> None:
        """Kept in memory, written now and then; `flush` writes the rest."""
        with self._guard:
            self._quotas[quota.name] = quota
            due = self._clock() - self._written.get(quota.name, 0.0) >= REPORT_EVERY
        if due:
            self.flush()

    def flush(self) -> None:
        """Write down what was reported and not yet written."""
        with self._guard:
            quotas, self._quotas = self._quotas, {}
            self._written.update(dict.fromkeys(quotas, self._clock()))
        if quotas:
            with self._store.write() as db:
                for quota in quotas.values():
                    db.execute(
                        "INSERT OR REPLACE INTO quotas VALUES (?, ?, ?, ?, ?, ?, ?)",
                        (self._account, *_row(quota), _moment(datetime.fromtimestamp(self._clock(), UTC))),
                    )

    def _name(self, bucket: str) -> str:
        return f"{self._shared_as}/{bucket}"

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


def _row(quota: Quota) -> tuple[str, float, float, str, str | None]:
    resets = None if quota.resets_at is None else _moment(quota.resets_at)
    return quota.name, quota.limit, quota.remaining, quota.unit, resets


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def quotas(store: Store, connection: str) -> list[tuple[str, float, float, str, str | None, str]]:
    """(name, limit, remaining, unit, resets at, told at) of a connection, as the vendor last said; times are ISO, UTC."""
    rows = store.read(
        "SELECT name, amount, remaining, unit, resets_at, told_at FROM quotas WHERE connection = ? ORDER BY name",
        [connection],
    )
    return [(str(n), float(a), float(r), str(u), x, str(t)) for n, a, r, u, x, t in rows]
