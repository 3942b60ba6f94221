"""Send a staged changeset: intent on the disk, request, outcome on the disk. Holds no lock on the warehouse."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from tailrace.activate.conflicts import guarded
from tailrace.activate.guardrails import SMALL, percent
from tailrace.activate.outcomes import Told
from tailrace.activate.result import Delivered, Ending
from tailrace.activate.sender import Errand, Sender, misread
from tailrace.activate.staging import StagedFile, fields_of
from tailrace.connectors.sdk.writing import Destination, WritesTexts
from tailrace.errors import FatalError, TailraceError
from tailrace.events import Progress, emit
from tailrace.failpoints import reach
from tailrace.state.journal import Delivery, JournalWriter, batches, find, stop
from tailrace.state.store import Store


@dataclass
class _Course:
    """How a delivery goes; shared by its senders."""

    delivery: Delivery
    max_failed: float | None
    guard: threading.Lock = field(default_factory=threading.Lock)
    outcomes: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    ending: Ending = "ok"
    stopped: str | None = None
    bug: Exception | None = None
    halted: threading.Event = field(default_factory=threading.Event)

    def add(self, told: Told) -> None:
        with self.guard:
            self.outcomes.update(told.outcomes)
            self.kept.update(told.kept)
            self.requests += told.requests
            self._break_circuit()
            done = sum(self.outcomes.values())
            emit(Progress("activate", self.delivery.sync, done, self.delivery.rows, "rows"))

    def _break_circuit(self) -> None:
        rows, failed = self.delivery.rows, self.outcomes["dead"]
        if self.max_failed is not None and rows >= SMALL and failed > self.max_failed * rows:
            share = f"{failed / rows:.1%} of {rows}"
            self._halt(
                "stopped", f"{failed} rows were refused ({share}, max_failed is {percent(self.max_failed)})"
            )

    def fail(self, error: Exception) -> None:
        with self.guard:
            self._halt("failed", str(misread(error)))
            if self.bug is None and not isinstance(error, TailraceError):
                self.bug = error

    def _halt(self, ending: Ending, reason: str) -> None:
        if self.stopped is None:
            self.ending, self.stopped = ending, reason
        self.halted.set()


def deliver(store: Store, delivery_id: str, destination: Destination, *, in_flight: int = 4) -> Delivered:
    """Send every batch of a prepared delivery. A vendor that is down, or too many refusals, end it early: the rest waits.

    A connector's own error does, too, and is raised when the answers are in the journal.
    """
    delivery = find(store, delivery_id)
    if delivery is None or batches(store, delivery_id):
        raise FatalError(
            f"delivery {delivery_id} is not waiting to be sent", "run again: it is settled first"
        )
    meta = delivery.meta
    course = _Course(delivery, meta["max_failed"])
    fields = fields_of(meta)
    bulk = bool(meta.get("bulk"))
    errand = Errand(
        delivery.sync, delivery.object, meta["match_field"], meta["mode"], meta["options"], fields, bulk
    )
    reach("activate:staged")
    texts = not bulk and not guarded(fields) and _takes_texts(destination, errand)
    with (
        StagedFile(delivery, fields, int(meta["batch_size"]), texts=texts) as staged,
        JournalWriter(store, delivery_id) as journal,
    ):
        _run_threads(Sender(destination, errand, staged, journal, course), course, in_flight)
    if course.stopped is not None:
        stop(store, delivery_id, f"{course.ending}|{course.stopped}")
    if course.bug is not None:
        raise course.bug
    return _delivered(course)


def _takes_texts(destination: Destination, errand: Errand) -> bool:
    return isinstance(destination, WritesTexts) and destination.takes_texts(errand.object, errand.options)


def _run_threads(sender: Sender, course: _Course, in_flight: int) -> None:
    """Senders end by themselves; an error in one, or Ctrl-C here, lets the others finish their batch and no more."""
    with ThreadPoolExecutor(max(1, in_flight), thread_name_prefix="deliver") as pool:
        running = [pool.submit(sender.run) for _ in range(max(1, in_flight))]
        try:
            _, unfinished = wait(running, return_when=FIRST_EXCEPTION)
            if not unfinished:
                return _raise_first(running)
        finally:
            course.halted.set()
    return _raise_first(running)


def _raise_first(running: Sequence[Future[None]]) -> None:
    for each in running:
        each.result()


def _delivered(course: _Course) -> Delivered:
    counts = course.outcomes
    return Delivered(
        course.ending,
        course.delivery.rows,
        counts["acked"],
        counts["dead"],
        counts["unmatched"],
        counts["unknown"],
        counts["conflict"],
        course.requests,
        course.stopped,
        dict(course.kept),
    )
