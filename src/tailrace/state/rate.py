"""An account's request budget, shared by all who share the state: a sliding log, on this machine or for several.

A request takes a place for the vendor's window, counted from its answer: the vendor had counted it by then, so no window of
the vendor's can hold more than the limit, however slow the wire is. A request whose end nobody told (a killed process)
holds its place a margin longer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tailrace.errors import RateLimited
from tailrace.events import Waiting, emit
from tailrace.state.bucket import BUCKET, GRANTS, Bucket, bucket_of
from tailrace.state.store import Store, Writing

if TYPE_CHECKING:
    from tailrace.records import Quota

MARGIN = 0.25
"""Seconds after its grant by which a request whose end is not known has reached the vendor."""

REPORT_EVERY = 2.0
"""Seconds between two writings of one quota: each costs a disk flush, and vendors tell it with every answer."""

QUOTA = (
    "INSERT INTO quotas VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (connection, name) DO UPDATE SET amount = excluded.amount,"
    " remaining = excluded.remaining, unit = excluded.unit, resets_at = excluded.resets_at, told_at = excluded.told_at"
)


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
    `longest`: seconds that a request may wait; beyond it the vendor's wait is told instead of slept. `clock`: the store's, if none.
    """

    def __init__(
        self,
        store: Store,
        account: str,
        *,
        shared_as: str | None = None,
        longest: float | None = None,
        margin: float = MARGIN,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._account, self._shared_as, self._longest = account, shared_as or account, longest
        self._margin = margin
        self._clock, self._local = clock, clock or time.time
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
            found, now = self._look(name)
            self._refuse_long(found, now)
            places = found.places(now, self._margin) or self._take(name)
            if places is None:
                return waited
            now = self._now()
            soonest, latest = (at - now for at in places)
            if not waited:
                emit(Waiting(self._account, latest, "rate limit"))
            if soonest > 0:
                self._sleep(soonest)
                waited += soonest

    def done(self, bucket: str = "") -> None:
        """The request that this thread last got a place for has been answered, or has failed."""
        grant = self._held().pop(self._name(bucket), None)
        if grant is not None:
            now = self._now()
            with self._store.write() as db:
                db.execute("UPDATE grants SET done = ? WHERE rowid = ?", (now, grant))

    def _held(self) -> dict[str, int]:
        """The calling thread's open places by bucket."""
        if not hasattr(self._mine, "grants"):
            self._mine.grants = {}
        found: dict[str, int] = self._mine.grants
        return found

    def _refuse_long(self, found: Bucket, now: float) -> None:
        """Before a place is taken: the vendor closed the account for longer than anybody waits."""
        wait = found.blocked_until - now
        if self._longest is not None and wait > self._longest:
            until = datetime.fromtimestamp(found.blocked_until, UTC).strftime("%Y-%m-%d %H:%M")
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
                ' DO UPDATE SET requests = excluded.requests, "window" = excluded."window"',
                (name, max(1, limit), window),
            )

    def block(self, seconds: float, bucket: str = "") -> None:
        now = self._now()
        with self._store.write() as db:
            db.execute(
                "INSERT INTO buckets VALUES (?, 0, 0, ?, ?) ON CONFLICT (bucket) DO UPDATE SET"
                " blocked_until = CASE WHEN buckets.blocked_until > excluded.blocked_until THEN buckets.blocked_until"
                " ELSE excluded.blocked_until END, blocked_at = excluded.blocked_at",
                (self._name(bucket), now + seconds, now),
            )

    def report(self, quota: Quota) -> None:
        """Kept in memory, written now and then; `flush` writes the rest."""
        with self._guard:
            self._quotas[quota.name] = quota
            due = self._local() - self._written.get(quota.name, 0.0) >= REPORT_EVERY
        if due:
            self.flush()

    def flush(self) -> None:
        """Write down what was reported and not yet written."""
        with self._guard:
            quotas, self._quotas = self._quotas, {}
            self._written.update(dict.fromkeys(quotas, self._local()))
        if quotas:
            told_at = _moment(datetime.fromtimestamp(self._now(), UTC))
            with self._store.write() as db:
                for quota in quotas.values():
                    db.execute(QUOTA, (self._account, *_row(quota), told_at))

    def _name(self, bucket: str) -> str:
        return f"{self._shared_as}/{bucket}"

    def _now(self, db: Writing | None = None) -> float:
        return self._clock() if self._clock is not None else self._store.now(db)

    def _look(self, name: str) -> tuple[Bucket, float]:
        """Without holding it: what is taken, and our now, which is no earlier than what others wrote unless the clock went back."""
        found = bucket_of(self._store.read(BUCKET, [name]), self._store.read(GRANTS, [name]))
        now = self._now()
        return (found, now) if found.newest() <= now else self._mend(name)

    def _mend(self, name: str) -> tuple[Bucket, float]:
        """After the clock was set back: what lies in the future happened just now, and no block is longer than it was."""
        with self._store.write() as db:
            self._store.lock_row(db, "buckets", "bucket", name)
            now = self._now(db)
            db.execute(
                "UPDATE grants SET at = CASE WHEN at > ? THEN ? ELSE at END, done = CASE WHEN done > ? THEN ? ELSE done END"
                " WHERE bucket = ?",
                (now, now, now, now, name),
            )
            db.execute(
                "UPDATE buckets SET blocked_until = blocked_until - blocked_at + ?, blocked_at = ?"
                " WHERE bucket = ? AND blocked_at > ?",
                (now, now, name, now),
            )
            return _read(db, name), now

    def _take(self, name: str) -> tuple[float, float] | None:
        """Take a place; where somebody else has taken the last one meanwhile: when to look again."""
        with self._store.write() as db:
            self._store.lock_row(db, "buckets", "bucket", name)
            now = self._now(db)
            found = _read(db, name)
            closed = found.places(now, self._margin)
            if closed is None and found.limit:
                self._enter(db, name, found, now)
            return closed

    def _enter(self, db: Writing, name: str, found: Bucket, now: float) -> None:
        gone = now - found.window - self._margin
        db.execute("DELETE FROM grants WHERE bucket = ? AND coalesce(done, at) < ?", (name, gone))
        grant = self._store.insert(db, "INSERT INTO grants (bucket, at) VALUES (?, ?)", (name, now))
        self._held()[name] = grant


def _read(db: Writing, name: str) -> Bucket:
    found = db.execute(BUCKET, (name,)).fetchall()
    return bucket_of(found, db.execute(GRANTS, (name,)).fetchall())


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
