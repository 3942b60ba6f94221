"""An account's request budget, shared by every thread and process of this machine: a sliding log in SQLite.

A request takes a place for the vendor's window, counted from its answer: the vendor had counted it by then, so no window of
the vendor's can hold more than the limit, however slow the wire is. A request whose end nobody told (a killed process)
holds its place a margin longer.
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
"""Seconds after its grant by which a request whose end is not known has reached the vendor."""

REPORT_EVERY = 2.0
"""Seconds between two writings of one quota: each costs a disk flush, and vendors tell it with every answer."""

ROUNDING = 1e-6
"""Seconds: a sleep that ends at a place's very time has not come too early."""


class NoLimiter:
    """`rate_limit: off`."""

    def acquire(self, bucket: str = "") -> float:  # noqa: ARG002 - the interface's
        return 0.0

    def learn(self, limit: int, window: float, bucket: str = "") -> None:
        """Nothing to learn."""

    def done(self, bucket: str = "") -> None:
        """Nothing is held."""

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
        self._mine = threading.local()

    def acquire(self, bucket: str = "") -> float:
        """Wait for a place; a 429 that came while waiting makes it wait on. RateLimited where that takes too long."""
        name, waited = self._name(bucket), 0.0
        while True:
            self._mend(name)
            self._refuse_long(name)
            places = self._closed(name) or self._take(name)
            if places is None:
                return waited
            soonest, latest = (at - self._clock() for at in places)
            if not waited:
                emit(Waiting(self._account, latest, "rate limit"))
            if soonest > 0:
                self._sleep(soonest)
                waited += soonest

    def done(self, bucket: str = "") -> None:
        """The request that this thread last got a place for has been answered, or has failed."""
        now, grant = self._clock(), self._held().pop(self._name(bucket), None)
        if grant is not None:
            with self._store.write() as db:
                db.execute("UPDATE grants SET done = ? WHERE rowid = ?", (now, grant))

    def _held(self) -> dict[str, int]:
        """The calling thread's open places by bucket."""
        if not hasattr(self._mine, "grants"):
            self._mine.grants = {}
        found: dict[str, int] = self._mine.grants
        return found

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
                "INSERT INTO buckets VALUES (?, ?, ?, 0, 0) ON CONFLICT (bucket)"
                " DO UPDATE SET requests = excluded.requests, window = excluded.window",
                (name, max(1, limit), window),
            )

    def block(self, seconds: float, bucket: str = "") -> None:
        now = self._clock()
        with self._store.write() as db:
            db.execute(
                "INSERT INTO buckets VALUES (?, 0, 0, ?, ?) ON CONFLICT (bucket) DO UPDATE SET"
                " blocked_until = max(blocked_until, excluded.blocked_until), blocked_at = excluded.blocked_at",
                (self._name(bucket), now + seconds, now),
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

    def _closed(self, name: str) -> tuple[float, float] | None:
        """When to look for a place, and when one is free at the latest; None where there may be one now."""
        return self._places(self._store.connection(), name, self._clock())

    def _mend(self, name: str) -> None:
        """After the clock was set back: what lies in the future happened just now, and no block is longer than it was."""
        rows = self._store.read(
            "SELECT max(max(at, coalesce(done, at))) FROM grants WHERE bucket = ? UNION ALL"
            " SELECT blocked_at FROM buckets WHERE bucket = ?",
            [name, name],
        )
        # our now is read after what others wrote, here and below: theirs is no later then, unless the clock went back
        if max((at for (at,) in rows if at is not None), default=0.0) <= self._clock():
            return
        with self._store.write() as db:
            now = self._clock()
            db.execute(
                "UPDATE grants SET at = min(at, ?), done = min(done, ?) WHERE bucket = ?", (now, now, name)
            )
            db.execute(
                "UPDATE buckets SET blocked_until = blocked_until - blocked_at + ?, blocked_at = ?"
                " WHERE bucket = ? AND blocked_at > ?",
                (now, now, name, now),
            )

    def _take(self, name: str) -> tuple[float, float] | None:
        """Take a place; where somebody else has taken the last one meanwhile: when to look again."""
        with self._store.write() as db:
            now = self._clock()
            closed = self._places(db, name, now)
            if closed is None:
                self._enter(db, name, now)
            return closed

    def _enter(self, db: Connection, name: str, now: float) -> None:
        row = db.execute("SELECT requests, window FROM buckets WHERE bucket = ?", (name,)).fetchone()
        if row is None or not row[0]:
            return
        gone = now - float(row[1]) - self._margin
        db.execute("DELETE FROM grants WHERE bucket = ? AND coalesce(done, at) < ?", (name, gone))
        grant = db.execute("INSERT INTO grants (bucket, at) VALUES (?, ?)", (name, now)).lastrowid
        self._held()[name] = int(grant or 0)

    def _places(self, db: Connection, name: str, now: float) -> tuple[float, float] | None:
        """The time of the next free place: at the soonest, if what is on its way is answered at once, and at the latest."""
        row = db.execute(
            "SELECT requests, window, blocked_until FROM buckets WHERE bucket = ?", (name,)
        ).fetchone()
        limit, window, blocked = (int(row[0]), float(row[1]), float(row[2])) if row else (0, 0.0, 0.0)
        ends = db.execute(
            "SELECT coalesce(done, at) + ?, coalesce(done, at + ?) + ? FROM grants WHERE bucket = ?",
            (window, self._margin, window, name),
        ).fetchall()
        latest = sorted((end for _, end in ends), reverse=True)[limit - 1] if 0 < limit <= len(ends) else 0.0
        if max(latest, blocked) <= now + ROUNDING:
            return None
        if latest <= blocked:
            return blocked, blocked
        soonest = max(blocked, sorted((end for end, _ in ends), reverse=True)[limit - 1])
        # an answer that is overdue: the margin says when its request no longer counts
        return (soonest if soonest > now + ROUNDING else latest), latest


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
