"""The write-ahead journal of a sync: an intent before every request, its outcome after it, both on the disk.

One row per batch. Keys, hashes and values stay in the delivery's staged file; an outcome holds only what came back.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tailrace.state.store import Store

INTENT, ANSWERED = 0, 1


@dataclass(frozen=True)
class Delivery:
    """One changeset on its way. `meta`: what settling needs to know without the project.

    `stage` is its Parquet file, on the machine that staged it.
    """

    delivery: str
    sync: str
    account: str
    object: str
    run_id: str
    stage: Path
    rows: int
    created_at: str
    meta: Mapping[str, Any]
    stopped: str | None = None


@dataclass(frozen=True)
class BatchRecord:
    """Rows `first` to `first + n - 1` of the staged file; `outcome` is None while no answer is known."""

    seq: int
    first: int
    n: int
    sent_at: str
    outcome: str | None


@dataclass(frozen=True)
class Intent:
    seq: int
    first: int
    n: int


@dataclass(frozen=True)
class Answer:
    """`outcome` is JSON text; the journal does not look into it."""

    seq: int
    outcome: str


def open_delivery(store: Store, delivery: Delivery, *, used_approval: str | None = None) -> None:
    """Enter a delivery whose staged file is on the disk; an approval is used up in the same transaction."""
    stage = os.path.relpath(delivery.stage, store.folder)  # a project may be moved before it runs again
    with store.write() as db:
        db.execute(
            "INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                delivery.delivery,
                delivery.sync,
                delivery.account,
                delivery.object,
                delivery.run_id,
                stage,
                delivery.rows,
                delivery.created_at,
                json.dumps(delivery.meta),
                delivery.stopped,
            ),
        )
        if used_approval is not None:
            db.execute("DELETE FROM approvals WHERE changeset = ?", (used_approval,))


def deliveries(store: Store, sync: str | None = None) -> list[Delivery]:
    """Deliveries that were not settled yet, the oldest first."""
    rows = store.read("SELECT * FROM deliveries ORDER BY created_at, delivery")
    return [_delivery(store, row) for row in rows if sync is None or row[1] == sync]


def find(store: Store, delivery: str) -> Delivery | None:
    rows = store.read("SELECT * FROM deliveries WHERE delivery = ?", [delivery])
    return _delivery(store, rows[0]) if rows else None


def _delivery(store: Store, row: tuple[Any, ...]) -> Delivery:
    delivery, sync, account, obj, run_id, stage, rows, created_at, meta, stopped = row
    path = store.folder / stage
    return Delivery(delivery, sync, account, obj, run_id, path, rows, created_at, json.loads(meta), stopped)


def stop(store: Store, delivery: str, reason: str) -> None:
    """Remember why a delivery ended before its last batch."""
    with store.write() as db:
        db.execute("UPDATE deliveries SET stopped = ? WHERE delivery = ?", (reason, delivery))


def batches(store: Store, delivery: str) -> list[BatchRecord]:
    """The batches that were sent or about to be, in their order."""
    rows = store.read(
        "SELECT seq, first, n, sent_at, outcome FROM batches WHERE delivery = ? ORDER BY seq", [delivery]
    )
    return [BatchRecord(*row) for row in rows]


def drop(store: Store, delivery: str) -> None:
    """Forget a delivery whose outcomes are in the ledger."""
    with store.write() as db:
        db.execute("DELETE FROM batches WHERE delivery = ?", (delivery,))
        db.execute("DELETE FROM deliveries WHERE delivery = ?", (delivery,))


class _Entry:
    """What one sender hands in, and the lock that it waits at: half the price of a Future, once for every batch."""

    __slots__ = ("answer", "done", "error", "intent")

    def __init__(self, answer: Answer | None, intent: Intent | None) -> None:
        self.answer, self.intent = answer, intent
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()

    def wait(self) -> None:
        with self.done:
            if self.error is not None:
                raise self.error

    def settle(self, error: BaseException | None) -> None:
        self.error = error
        self.done.release()


class JournalWriter:
    """One thread that commits what several senders hand in, many at a time; its errors reach every one of them."""

    def __init__(self, store: Store, delivery: str, now: Callable[[], datetime] | None = None) -> None:
        self._store = store
        self._delivery = delivery
        self._now = now or (lambda: datetime.now(UTC))
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._broken: BaseException | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"journal-{delivery}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def commit(self, answer: Answer | None, intent: Intent | None) -> None:
        """The last batch's answer and the next one's intent, on the disk when this returns; raises what went wrong."""
        entry = _Entry(answer, intent)
        with self._guard:
            if self._broken is not None:
                raise self._broken
            if self._closed:
                raise RuntimeError("the journal is closed")
            self._queue.put(entry)
        entry.wait()

    def _run(self) -> None:
        while True:
            entries, last = self._take()
            try:
                self._write(entries)
            except BaseException as error:  # noqa: BLE001 - every waiting sender has to hear of it
                self._break(error, entries)
                return
            for entry in entries:
                entry.settle(None)
            if last:
                return

    def _take(self) -> tuple[list[_Entry], bool]:
        """Everything that waits now, at least one entry; True once the end was asked for."""
        found = [self._queue.get()]
        with suppress(queue.Empty):
            while True:
                found.append(self._queue.get_nowait())
        return [entry for entry in found if entry is not None], None in found

    def _write(self, entries: list[_Entry]) -> None:
        if not entries:
            return
        name, sent_at = self._delivery, self._now().isoformat()
        answers = [(ANSWERED, each.answer.outcome, name, each.answer.seq) for each in entries if each.answer]
        intents = [
            (name, each.intent.seq, each.intent.first, each.intent.n, INTENT, sent_at)
            for each in entries
            if each.intent
        ]
        with self._store.write() as db:
            db.executemany(
                "UPDATE batches SET state = ?, outcome = ? WHERE delivery = ? AND seq = ?", answers
            )
            db.executemany("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, NULL)", intents)

    def _break(self, error: BaseException, entries: list[_Entry]) -> None:
        with self._guard:
            self._broken = error
            with suppress(queue.Empty):
                while True:
                    waiting = self._queue.get_nowait()
                    if waiting is not None:
                        entries.append(waiting)
        for entry in entries:
            entry.settle(error)
