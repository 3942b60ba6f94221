"""Send a staged changeset: intent on the disk, request, outcome on the disk. Holds no lock on the warehouse."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, cast

from tailrace.activate.conflicts import Kept, kept_fields
from tailrace.activate.guardrails import SMALL, percent
from tailrace.activate.result import Delivered, Ending
from tailrace.activate.staging import SentField, StagedBatch, StagedFile, StagedRow, fields_of
from tailrace.connectors.sdk.base import Destination, Operation, WriteBatch, WriteResult, WriteRow
from tailrace.errors import FatalError, RetriableError, TailraceError
from tailrace.events import Progress, emit
from tailrace.failpoints import reach
from tailrace.state.journal import Answer, Delivery, Intent, JournalWriter, batches, find, stop
from tailrace.state.store import Store


@dataclass
class _Progress:
    """What all senders of one delivery share."""

    delivery: Delivery
    max_failed: float | None
    guard: threading.Lock = field(default_factory=threading.Lock)
    outcomes: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    ending: Ending = "ok"
    stopped: str | None = None
    halted: threading.Event = field(default_factory=threading.Event)

    def add(self, outcomes: Mapping[str, int], kept: Mapping[str, int], requests: int) -> None:
        with self.guard:
            self.outcomes.update(outcomes)
            self.kept.update(kept)
            self.requests += requests
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

    def fail(self, error: TailraceError) -> None:
        with self.guard:
            self._halt("failed", str(error))

    def _halt(self, ending: Ending, reason: str) -> None:
        if self.stopped is None:
            self.ending, self.stopped = ending, reason
        self.halted.set()


def deliver(store: Store, delivery_id: str, destination: Destination, *, in_flight: int = 4) -> Delivered:
    """Send every batch of a prepared delivery. A vendor that is down, or too many refusals, end it early: the rest waits."""
    delivery = find(store, delivery_id)
    if delivery is None or batches(store, delivery_id):
        raise FatalError(
            f"delivery {delivery_id} is not waiting to be sent", "run again: it is settled first"
        )
    meta = delivery.meta
    shared = _Progress(delivery, meta["max_failed"])
    fields = fields_of(meta)
    staged = StagedFile(delivery, fields, int(meta["batch_size"]))
    reach("activate:staged")
    with JournalWriter(store, delivery_id) as journal:
        sender = _Sender(
            destination,
            delivery.object,
            meta["match_field"],
            meta["mode"],
            meta["options"],
            fields,
            staged,
            journal,
            shared,
        )
        _run_threads(sender, shared, in_flight)
    if shared.stopped is not None:
        stop(store, delivery_id, f"{shared.ending}|{shared.stopped}")
    return _delivered(shared)


def _run_threads(sender: _Sender, shared: _Progress, in_flight: int) -> None:
    """Senders end by themselves; an error in one, or Ctrl-C here, lets the others finish their batch and no more."""
    with ThreadPoolExecutor(max(1, in_flight), thread_name_prefix="deliver") as pool:
        running = [pool.submit(sender.run) for _ in range(max(1, in_flight))]
        try:
            _, unfinished = wait(running, return_when=FIRST_EXCEPTION)
            if not unfinished:
                return _raise_first(running)
        finally:
            shared.halted.set()
    return _raise_first(running)


def _raise_first(running: Sequence[Future[None]]) -> None:
    for each in running:
        each.result()


def _delivered(shared: _Progress) -> Delivered:
    counts = shared.outcomes
    return Delivered(
        shared.ending,
        shared.delivery.rows,
        counts["acked"],
        counts["dead"],
        counts["unmatched"],
        counts["unknown"],
        counts["conflict"],
        shared.requests,
        shared.stopped,
        dict(shared.kept),
    )


@dataclass(frozen=True)
class _Sender:
    """One thread's work: take a batch, say so on the disk, send it, and keep the answer for the next commit."""

    destination: Destination
    object: str
    match_field: str
    mode: str
    options: Mapping[str, Any]
    fields: tuple[SentField, ...]
    staged: StagedFile
    journal: JournalWriter
    shared: _Progress

    def run(self) -> None:
        answer: Answer | None = None
        while not self.shared.halted.is_set() and (batch := self.staged.next()) is not None:
            self.journal.commit(answer, Intent(batch.seq, batch.first, len(batch.rows)))
            reach("activate:after_intent")
            answer = Answer(batch.seq, self._send(batch))
            reach("activate:after_answer")
        if answer is not None:
            self.journal.commit(answer, None)

    def _send(self, batch: StagedBatch) -> str:
        """The outcome of one batch as the journal keeps it."""
        sent, kept, found = False, dict[int, Kept](), dict[int, WriteResult]()
        try:
            kept = kept_fields(
                self.destination, self.object, self.match_field, batch, self.fields, self.options
            )
            found = self._already_created(batch)
            rows = [
                row
                for row in batch.rows
                if row.ordinal not in found and not (row.ordinal in kept and kept[row.ordinal].all_changes)
            ]
            results: Sequence[WriteResult] = []
            if rows:
                request = self._request(batch, rows, kept)
                sent = True
                results = self.destination.write(request)
        except RetriableError as error:
            self.shared.fail(error)
            return self._whole(batch, "unknown" if sent else "pending", str(error), int(sent))
        except FatalError as error:
            self.shared.fail(error)
            return self._whole(batch, "pending", str(error), int(sent))
        by_row = {result.trace: result for result in results} | {
            str(row): each for row, each in found.items()
        }
        return self._outcome(batch, by_row, kept, int(sent))

    def _already_created(self, batch: StagedBatch) -> dict[int, WriteResult]:
        """Rows whose creation was sent before without an answer, and that are there: creating them again would double them."""
        asked = [row for row in batch.rows if row.lookup and row.key] if batch.operation == "create" else []
        if not asked:
            return {}
        there = self.destination.read_fields(
            self.object, self.match_field, [row.key or "" for row in asked], [self.match_field], self.options
        )
        found = {}
        for row in asked:
            record = there.get((row.key or "").lower(), there.get(row.key or ""))
            if record is not None:
                found[row.ordinal] = WriteResult(str(row.ordinal), "acked", record.get("id"))
        return found

    def _request(self, batch: StagedBatch, rows: Sequence[StagedRow], kept: Mapping[int, Kept]) -> WriteBatch:
        return WriteBatch(
            self.object,
            cast("Operation", batch.operation),
            None if batch.by_id else self.match_field,
            tuple(
                WriteRow(
                    str(row.ordinal),
                    None if batch.by_id else row.key,
                    self._values(batch, row, kept.get(row.ordinal)),
                    row.remote_id if batch.by_id else None,
                )
                for row in rows
            ),
            self.options,
        )

    def _values(self, batch: StagedBatch, row: StagedRow, kept: Kept | None) -> dict[str, Any]:
        if batch.operation == "archive":
            return {}
        left = kept.fields if kept else ()
        if batch.operation == "clear":
            return {each.field: None for each in self.fields if each.field not in left}
        values = {
            each.field: value
            for each, value in zip(self.fields, row.values, strict=True)
            if each.field not in left and not (value is None and each.if_null == "skip")
        }
        if batch.operation == "create" or (batch.by_id and self.mode in {"upsert", "mirror"}):
            values[self.match_field] = row.key
        return values

    def _outcome(
        self, batch: StagedBatch, results: Mapping[str, WriteResult], kept: Mapping[int, Kept], requests: int
    ) -> str:
        ids: list[str | None] = []
        exceptions: list[dict[str, Any]] = []
        counts: Counter[str] = Counter()
        for row in batch.rows:
            result = _result(row, results, kept)
            ids.append(result.remote_id)
            counts[result.outcome if result.reason != KEPT else "conflict"] += 1
            told = _exception(row, batch, result, kept.get(row.ordinal))
            if told:
                exceptions.append(told)
        self.shared.add(counts, Counter(name for each in kept.values() for name in each.fields), requests)
        return _text({"all": "acked", "w": requests, "ids": ids, "x": exceptions})

    def _whole(self, batch: StagedBatch, outcome: str, reason: str, requests: int) -> str:
        self.shared.add({outcome: len(batch.rows)}, {}, requests)
        return _text({"all": outcome, "r": reason, "w": requests, "ids": [None] * len(batch.rows), "x": []})


KEPT = "every changed field was edited at the vendor"


def _result(row: StagedRow, results: Mapping[str, WriteResult], kept: Mapping[int, Kept]) -> WriteResult:
    found = results.get(str(row.ordinal))
    if found is not None:
        return found
    if row.ordinal in kept and kept[row.ordinal].all_changes:
        return WriteResult(str(row.ordinal), "acked", None, KEPT)
    return WriteResult(str(row.ordinal), "unknown", None, "no word about it came back")


def _exception(
    row: StagedRow, batch: StagedBatch, result: WriteResult, kept: Kept | None
) -> dict[str, Any] | None:
    """What settling must know of a row beyond its remote id; None for a row that was simply accepted."""
    outcome = "conflict" if result.reason == KEPT else result.outcome
    if outcome == "acked" and kept is None:
        return None
    told: dict[str, Any] = {
        "p": row.ordinal - batch.first,
        "o": outcome,
        "r": result.reason,
        "f": result.field,
    }
    if kept is not None:
        told["k"] = _text(kept.acked_patch)
        told["s"] = _text(dict.fromkeys(kept.fields))
        told["r"] = result.reason or f"kept as edited at the vendor: {', '.join(kept.fields)}"
    return told


def _text(value: Any) -> str:
    import orjson

    return orjson.dumps(value).decode()
