"""Locks in a table for workers on several machines: a holder, an end that renewing moves on, a token that only grows.

The database's clock alone decides when a lease ends. Its holder counts by a clock of its own from before it last asked, so it stops
before anybody else may begin; and each write of the state holds the lease's row, so nobody can take over beneath it.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tailrace.errors import FatalError, LockHeld, LockLost

POLL = 0.5
"""Seconds between two looks at a lock that somebody holds."""
RENEWALS = 3
"""Tries to renew within a lease."""
NOT_FREE = "55P03"
"""SQLSTATE lock_not_available: a write of the holder is under way."""

ENTER = sa.text(
    "INSERT INTO leases (name, token, expires_at) VALUES (:name, 0, '-infinity') ON CONFLICT (name) DO NOTHING"
)
LOCK = sa.text("SELECT 1 FROM leases WHERE name = :name FOR UPDATE NOWAIT")
TAKE = sa.text(
    "UPDATE leases SET token = token + 1, host = :host, pid = :pid, run_id = :run_id,"
    " expires_at = clock_timestamp() + make_interval(secs => :seconds)"
    " WHERE name = :name AND expires_at <= clock_timestamp() RETURNING token"
)
HOLDER = sa.text(
    "SELECT host, pid, run_id, extract(epoch FROM expires_at - clock_timestamp())::float8 FROM leases WHERE name = :name"
)
RENEW = sa.text(
    "UPDATE leases SET expires_at = clock_timestamp() + make_interval(secs => :seconds)"
    " WHERE name = :name AND token = :token AND expires_at > clock_timestamp() RETURNING token"
)
RELEASE = sa.text(
    "UPDATE leases SET expires_at = '-infinity', run_id = NULL WHERE name = :name AND token = :token"
)
# an update of the row's other columns (renewing) goes on beside this lock, taking over does not
FENCE = sa.text(
    "SELECT 1 FROM leases WHERE name = :name AND token = :token AND expires_at > clock_timestamp() FOR KEY SHARE"
)
NOTHING = sa.text("SELECT 1")


def elapsed() -> float:
    """Seconds on a clock that goes on while the process stands still and, where the system has one, while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


@dataclass
class HeldLease:
    """A lease of ours. `ends` is on the clock of `elapsed`, and never later than the database's word."""

    name: str
    token: int
    ends: float
    owner: Leases

    def check(self) -> None:
        self.owner.check()


class Leases:
    """All leases of one store; a store that has lost one writes nothing any more."""

    def __init__(
        self,
        engine: sa.Engine,
        refused: Callable[[SQLAlchemyError], FatalError],
        *,
        seconds: float,
        run_id: str,
    ) -> None:
        self._engine, self._refused, self._seconds, self._run_id = engine, refused, seconds, run_id
        self._ours: dict[str, HeldLease] = {}
        self._lost = ""
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._renewing: threading.Thread | None = None

    @contextmanager
    def held(self, name: str, *, wait: float = 0.0) -> Iterator[HeldLease]:
        """Take, renew in the background, give back; LockHeld naming the holder after `wait` seconds."""
        lease = self._wait(name, wait)
        with self._guard:
            self._ours[name] = lease
            if self._renewing is None:
                self._renewing = threading.Thread(target=self._renew_all, name="leases", daemon=True)
                self._renewing.start()
        try:
            yield lease
        finally:
            with self._guard:
                self._ours.pop(name, None)
            self._release(lease)

    def check(self) -> None:
        """LockLost where a lease has ended, without asking the database."""
        with self._guard:
            over = [lease.name for lease in self._ours.values() if elapsed() >= lease.ends]
        if over and not self._lost:
            self._lost = over[0]
        if self._lost:
            raise LockLost(
                f"this run lost the {self._lost} lock: for {self._seconds:g} seconds it could not renew it,"
                " and another run may be at work",
                "run again: what was in flight is looked up or sent again",
            )

    def fence(self, db: sa.Connection) -> None:
        """The first statement of a write: until it ends nobody takes over a lease of ours. LockLost where somebody has."""
        self.check()
        with self._guard:
            ours = list(self._ours.values())
        if not ours:
            db.execute(NOTHING)  # a broken connection is told here, where it can still be replaced
        for lease in ours:
            if db.execute(FENCE, {"name": lease.name, "token": lease.token}).first() is None:
                self._tell_lost(lease)
        self.check()

    def close(self) -> None:
        self._ended.set()
        if self._renewing is not None:
            self._renewing.join(5)  # it may wait for an answer that never comes

    def _wait(self, name: str, wait: float) -> HeldLease:
        deadline = time.monotonic() + wait
        while True:
            self.check()
            lease = self._take(name)
            if lease is not None:
                return lease
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._held_by_another(name)
            time.sleep(min(POLL, left))

    def _take(self, name: str) -> HeldLease | None:
        """Ours with a token that nobody had before, where no lease runs and no write of its last holder is under way."""
        now = elapsed()
        given = {"name": name, "seconds": self._seconds, "host": socket.gethostname(), "pid": os.getpid()}
        try:
            with self._engine.begin() as db:
                db.execute(ENTER, given)
                db.execute(LOCK, given)
                token = db.execute(TAKE, {**given, "run_id": self._run_id or None}).scalar()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == NOT_FREE:
                return None
            raise self._refused(error) from None
        except SQLAlchemyError as error:
            raise self._refused(error) from None
        return None if token is None else HeldLease(name, int(token), now + self._seconds, self)

    def _held_by_another(self, name: str) -> LockHeld:
        try:
            with self._engine.connect() as db:
                row = db.execute(HOLDER, {"name": name}).one()
        except SQLAlchemyError as error:
            raise self._refused(error) from None
        host, pid, run_id, left = row
        run = f", run {run_id}" if run_id else ""
        return LockHeld(
            f"another run holds the {name} lock (process {pid} on {host}{run})",
            f"wait until it ends, then run again; killed, it holds the lock for {max(1, round(left))} more seconds"
            if left > 0
            else "wait until it ends, then run again",
        )

    def _release(self, lease: HeldLease) -> None:
        """Give it back; where that cannot be said, it ends by itself."""
        with suppress(SQLAlchemyError), self._engine.begin() as db:
            db.execute(RELEASE, {"name": lease.name, "token": lease.token})

    def _renew_all(self) -> None:
        pause = self._seconds / RENEWALS
        while not self._ended.wait(pause):
            with self._guard:
                ours = list(self._ours.values())
            answered = [self._renew(lease) for lease in ours]
            pause = self._seconds / RENEWALS if all(answered) else min(1.0, self._seconds / RENEWALS)

    def _renew(self, lease: HeldLease) -> bool:
        """Whether the database has answered; a lease that has ended is not taken up again, whoever was there meanwhile."""
        now = elapsed()
        given = {"name": lease.name, "token": lease.token, "seconds": self._seconds}
        try:
            with self._engine.begin() as db:
                renewed = db.execute(RENEW, given).scalar()
        except SQLAlchemyError:
            return False
        if renewed is None:
            self._tell_lost(lease)
        else:
            lease.ends = now + self._seconds
        return True

    def _tell_lost(self, lease: HeldLease) -> None:
        """One that was given back meanwhile is not lost."""
        with self._guard:
            if self._ours.get(lease.name) is lease:
                self._lost = self._lost or lease.name
