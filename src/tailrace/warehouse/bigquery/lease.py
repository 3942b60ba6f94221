"""The run lock of a BigQuery target, for workers on several machines: catalogue calls only, so that an idle run is billed nothing.

Lease N is the table `tailrace_meta.lease_<N>`; the highest is the lock. Google creates a table once: who finds the highest
released, or expired, creates N + 1, and of several at once one comes through. N is the fencing token.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tailrace.errors import FatalError, LockHeld
from tailrace.warehouse.base import META, TableRef
from tailrace.warehouse.bigquery.fence import Fence, greatest, lost
from tailrace.warehouse.bigquery.google_clock import GoogleClock, elapsed
from tailrace.warehouse.bigquery.lease_entry import RUN, Entry, lock_of, table_of

if TYPE_CHECKING:
    from tailrace.warehouse.bigquery.jobs import Jobs

SECONDS = 60.0
"""How long a lease holds without being renewed."""
RENEWALS = 4
"""Tries to renew within a lease."""
POLL = 2.0
"""Seconds between two looks at a lease that somebody holds."""
MARGIN = 5.0
"""Seconds by which the clocks of Google's own machines may differ."""
APART = 600.0
"""Seconds by which the clocks of workers may differ: counts only where no answer bears a date."""
KEPT = timedelta(days=30)
"""A project in which nothing runs any more leaves no leases behind."""
TIMEOUT = 20.0

Budgets = Callable[[], Mapping[str, Any]]


def _none() -> Mapping[str, Any]:
    return {}


@dataclass
class HeldLease:
    """A lease of ours; `former` is the one before it, None where there was none. `ends` is on the clock of `elapsed`."""

    lock: str
    entry: Entry
    former: Entry | None
    ends: float
    owner: TargetLeases
    lost: str = ""

    @property
    def token(self) -> int:
        return self.entry.number

    def check(self) -> None:
        """LockLost where it is somebody else's; asks nobody while it runs, so it stands before every statement and request."""
        if not self.lost and elapsed() >= self.ends:
            self.owner.revive(self)
        if self.lost:
            raise lost(self.lost)

    def fence(self) -> Fence:
        return Fence(lambda: self.token, self.check)

    def claim(self, file: str) -> None:
        """From now on this work file's copies are those that are as the target is. FatalError where it cannot be said."""
        if self.entry.file != file:
            self.owner.note(self, file=file)

    def mark_copying(self, source: str) -> None:
        """Until this is taken back with "", no run may work on the target, on whichever machine."""
        self.owner.note(self, copying=source)


class TargetLeases:
    """The leases of one target. `budgets` tells what the next holder is to know; `seconds` without renewal end a lease."""

    def __init__(
        self, jobs: Jobs, *, run_id: str = "", seconds: float = SECONDS, budgets: Budgets = _none,
        wall: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.jobs, self.seconds = jobs, seconds
        self._run_id, self._budgets, self._wall = run_id, budgets, wall
        self.clock = GoogleClock(jobs.client)
        self._ours: list[HeldLease] = []
        self._seen: dict[str, int] = {}
        self._guard = threading.RLock()
        self._ended = threading.Event()
        self._renewing: threading.Thread | None = None

    @contextmanager
    def held(self, lock: str = RUN, *, wait: float = 0.0) -> Iterator[HeldLease]:
        """Take, renew in the background, give back; LockHeld naming the holder after `wait` seconds."""
        lease = self._wait(lock, wait)
        with self._guard:
            self._ours.append(lease)
            if self._renewing is None:
                self._renewing = threading.Thread(target=self._renew_all, name="target-lease", daemon=True)
                self._renewing.start()
        try:
            yield lease
        finally:
            with self._guard:
                self._ours.remove(lease)
            self._release(lease)

    def last(self, lock: str) -> Entry | None:
        """The newest lease of a lock, whoever holds it, as of when one was last taken here; nobody takes others without the run's."""
        number = (self._seen if self._ours else self._numbers()).get(lock, 0)
        return self._read(lock, number) if number else None

    def is_over(self, entry: Entry) -> bool:
        """Released; or expired by Google's clock, without which the clocks of both machines have to be allowed for."""
        if entry.released:
            return True
        if entry.by_google and self.clock.known:
            return self.clock.earliest() > entry.expires + MARGIN
        return self._wall() > entry.expires + APART

    def close(self) -> None:
        self._ended.set()
        if self._renewing is not None:
            self._renewing.join(TIMEOUT)
        self.jobs.close()

    # taking one

    def _wait(self, lock: str, wait: float) -> HeldLease:
        deadline = time.monotonic() + wait
        while True:
            found = self._take(lock)
            if isinstance(found, HeldLease):
                return found
            left = deadline - time.monotonic()
            if found is not None and left <= 0:
                raise self._held_by_another(lock, found)
            time.sleep(max(0.0, min(POLL, left)) if found is not None else POLL / 10)

    def _take(self, lock: str) -> HeldLease | Entry | None:
        """Ours, or who holds it; None where it has to be looked at anew."""
        number, began = self._numbers().get(lock, 0), elapsed()
        former = self._read(lock, number) if number else None
        if number and former is None:
            return None  # deleted meanwhile: there is a later one
        if former is not None and not self.is_over(former):
            return former
        if not number and lock == RUN:
            number = greatest(self.jobs)  # the leases are gone, what they wrote is not: tokens only grow
        lease = self._create(lock, number + 1, former)
        if lease is not None and self._is_late(lease, began):
            self._delete(lock, lease.token)
            return None
        return lease

    def revive(self, lease: HeldLease) -> None:
        """Take an expired lease of ours again, as the next one: that it can be created shows that nobody came in between."""
        with self._guard:
            if lease.lost or elapsed() < lease.ends:
                return
            reason = f"it was not renewed for {self.seconds:g} seconds"
            try:
                found = self._create(lease.lock, lease.token + 1, lease.entry, lease.entry.nonce)
                if found is not None and self._is_late(found, elapsed()):
                    self._delete(lease.lock, found.token)
                    found = None
            except FatalError as error:
                raise lost(f"{reason}, and Google cannot be asked ({error.message})") from error
            if found is None:
                lease.lost = f"{reason}, and another run has taken it"
            else:
                lease.entry, lease.ends = found.entry, found.ends

    def _create(self, lock: str, number: int, former: Entry | None, nonce: str = "") -> HeldLease | None:
        """One wins. An answer that is lost, or says that the table is there, is settled by looking whose it is."""
        from google.api_core.exceptions import GoogleAPIError
        from google.cloud.bigquery import DEFAULT_RETRY

        started = elapsed()
        expires, by_google = self._expiry()
        file, copying = (former.file, former.copying) if former else ("", "")
        nonce = nonce or secrets.token_hex(8)
        entry = Entry(
            number,
            nonce,
            socket.gethostname(),
            os.getpid(),
            self._run_id,
            expires,
            by_google,
            file=file,
            copying=copying,
        )
        try:
            again = DEFAULT_RETRY.with_deadline(TIMEOUT)
            self.jobs.client.create_table(self._table(lock, entry), retry=again, timeout=TIMEOUT)
        except (GoogleAPIError, OSError) as error:
            there = self._read(lock, number)
            if there is None:
                raise self._refused(error, f"create {table_of(lock, number)}") from error
            if there.nonce != nonce:
                return None
        return HeldLease(lock, entry, former, started + self.seconds, self)

    def _is_late(self, lease: HeldLease, began: float) -> bool:
        """We stood still between looking and creating: others may have come and gone, and their tables with them."""
        return elapsed() - began > self.seconds / 2 or self._numbers().get(lease.lock, 0) > lease.token

    def _expiry(self) -> tuple[float, bool]:
        """The end of a lease that is taken or renewed now, never earlier than our own count; and whose clock it is by."""
        known = self.clock.known
        return (self.clock.latest() if known else self._wall()) + self.seconds, known

    def _held_by_another(self, lock: str, entry: Entry) -> LockHeld:
        now = self.clock.earliest() if entry.by_google and self.clock.known else self._wall()
        left = entry.expires + (MARGIN if entry.by_google else APART) - now
        return LockHeld(
            f"another run holds the {lock} lock of the target ({entry.holder})",
            f"wait until it ends, then run again; killed, it holds the lock for {max(1, round(left))} more seconds",
        )

    # keeping and giving back

    def note(self, lease: HeldLease, **changes: Any) -> None:
        """Say something else in a lease; the next ones say it as well."""
        with self._guard:
            self._write(lease, **changes)

    def _write(self, lease: HeldLease, *, timeout: float = TIMEOUT, **changes: Any) -> None:
        """Renew a lease, and change what it says. FatalError where Google does not take it."""
        from google.api_core.exceptions import GoogleAPIError, NotFound

        once: Any = None  # no second try: the thread comes again by itself
        started = elapsed()
        expires, by_google = self._expiry()
        entry = replace(
            lease.entry, expires=expires, by_google=by_google, budgets=dict(self._budgets()), **changes
        )
        try:
            self.jobs.client.update_table(
                self._table(lease.lock, entry),
                ["description", "expires"],
                retry=once,
                timeout=timeout,
            )
        except NotFound as error:
            lease.lost = lease.lost or "its table is gone"
            raise lost(lease.lost) from error
        except (GoogleAPIError, OSError) as error:
            raise self._refused(error, f"renew {table_of(lease.lock, lease.token)}") from error
        lease.entry, lease.ends = entry, started + self.seconds

    def _renew_all(self) -> None:
        while not self._ended.wait(self.seconds / RENEWALS):
            with self._guard:
                ours = list(self._ours)
            for lease in ours:
                self._renew(lease)

    def _renew(self, lease: HeldLease) -> None:
        """One that could not be renewed is tried again; one that has ended goes on as the next, if nobody came."""
        with suppress(FatalError), self._guard:
            if lease in self._ours:
                lease.check()
                self._write(lease, timeout=self.seconds / RENEWALS)

    def _release(self, lease: HeldLease) -> None:
        """Kept, and marked; where that cannot be said it ends by itself.

        Older ones go, the oldest first: who has an old list must not find the one below a gap.
        """
        with suppress(FatalError):
            lease.check()
            self._write(lease, released=True)
            for number in self._older(lease.lock, lease.token):
                self._delete(lease.lock, number)

    # the catalogue

    def _numbers(self) -> dict[str, int]:
        """The highest number of every lock."""
        numbers: dict[str, int] = {}
        self.jobs.ensure_dataset(META)  # which also tells of a location that is not the datasets'
        for table in self.jobs.tables(META):
            if found := lock_of(table):
                numbers[found[0]] = max(numbers.get(found[0], 0), found[1])
        self._seen = numbers
        return numbers

    def _older(self, lock: str, number: int) -> list[int]:
        leases = (lock_of(table) for table in self.jobs.tables(META))
        return sorted(found[1] for found in leases if found and found[0] == lock and found[1] < number)

    def _read(self, lock: str, number: int) -> Entry | None:
        found = self.jobs.table(TableRef(META, table_of(lock, number)))
        if found is None:
            return None
        entry = Entry.read(number, found.description)
        # somebody has written into the description: it holds as long as one that was renewed then
        ends = found.modified.timestamp() + self.seconds
        return entry or Entry(number, "", "unknown", 0, "", ends, by_google=True)

    def _table(self, lock: str, entry: Entry) -> Any:
        from google.cloud import bigquery

        table = bigquery.Table(self.jobs.name(TableRef(META, table_of(lock, entry.number))))
        table.description = entry.text()
        table.expires = datetime.fromtimestamp(entry.expires, UTC) + KEPT
        return table

    def _delete(self, lock: str, number: int) -> None:
        from google.api_core.exceptions import GoogleAPIError

        try:
            self.jobs.client.delete_table(
                self.jobs.name(TableRef(META, table_of(lock, number))), not_found_ok=True, timeout=TIMEOUT
            )
        except (GoogleAPIError, OSError) as error:
            raise self._refused(error, f"delete {table_of(lock, number)}") from error

    def _refused(self, error: Exception, doing: str) -> FatalError:
        from tailrace.warehouse.bigquery.refusals import refused

        return refused(error, doing, self.jobs.project, self.jobs.location)
