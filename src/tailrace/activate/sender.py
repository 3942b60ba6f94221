"""One thread's work: take a batch, say so on the disk, send it, and keep the answer for the next commit."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any, Protocol, cast

from tailrace import interrupts
from tailrace.activate import outcomes
from tailrace.activate.conflicts import Kept, kept_fields
from tailrace.activate.outcomes import Told, by_trace
from tailrace.activate.spelling import by_key
from tailrace.activate.staging import Batch, SentField, StagedBatch, StagedFile, StagedRow, StagedTexts
from tailrace.connectors.sdk.writing import (
    Destination,
    Operation,
    Outcome,
    TextBatch,
    WriteBatch,
    WriteResult,
    WriteRow,
    WritesTexts,
)
from tailrace.errors import FatalError, RetriableError, TailraceError
from tailrace.failpoints import reach
from tailrace.state.journal import Answer, Intent, JournalWriter

LATER_WAITS = (1.0, 2.0, 4.0)
"""Seconds before a row that the vendor puts off is sent again; the connection's own waits come on top."""


class Course(Protocol):
    """What the senders of one delivery share: how it goes, and whether it is over."""

    halted: Event

    def add(self, told: Told) -> None: ...

    def fail(self, error: Exception) -> None: ...


@dataclass(frozen=True)
class Errand:
    """What is written, and how; the same for every batch of a delivery. `bulk`: by the vendor's interface for many."""

    sync: str
    object: str
    match_field: str
    mode: str
    options: Mapping[str, Any]
    fields: tuple[SentField, ...]
    bulk: bool


@dataclass(frozen=True)
class Sender:
    destination: Destination
    errand: Errand
    staged: StagedFile
    journal: JournalWriter
    course: Course

    def run(self) -> None:
        answer: Answer | None = None
        while not self._ends() and (batch := self.staged.next()) is not None:
            _refuse_twins(batch)
            self.journal.commit(answer, Intent(batch.seq, batch.first, batch.n))
            reach("activate:after_intent")
            told = self._send_texts(batch) if isinstance(batch, StagedTexts) else self._send(batch)
            self.course.add(told)
            answer = Answer(batch.seq, told.text)
            reach("activate:after_answer")
        if answer is not None:
            self.journal.commit(answer, None)

    def _ends(self) -> bool:
        """Ctrl-C is asked for here, too: where several connections deliver, it interrupts the thread that waits for them."""
        return self.course.halted.is_set() or interrupts.asked()

    def _send_texts(self, batch: StagedTexts) -> Told:
        writer, errand = cast("WritesTexts", self.destination), self.errand
        request = TextBatch(
            errand.object, cast("Operation", batch.operation), errand.match_field, batch.first, batch.keys, batch.documents,
            errand.options,
        )  # fmt: skip
        try:
            return outcomes.of_texts(batch.first, batch.n, writer.write_texts(request), 1)
        except Exception as error:  # noqa: BLE001 - see misread
            return self._failed(batch, error, 1)

    def _send(self, batch: StagedBatch) -> Told:
        requests, kept, found = 0, dict[int, Kept](), list[WriteResult]()
        try:
            kept = self._kept(batch)
            found = self._already_created(batch)
            done = {result.trace for result in found} | {str(row) for row in kept if kept[row].all_changes}
            rows = [row for row in batch.rows if str(row.ordinal) not in done]
            if rows:
                requests = 1
                found += self.destination.write(self._request(batch, rows, kept))
            found += [WriteResult(str(row), "acked") for row, each in kept.items() if each.all_changes]
            results = by_trace(found, (str(row.ordinal) for row in batch.rows))
        except Exception as error:  # noqa: BLE001 - see misread
            return self._failed(batch, error, requests)
        results, more = self._later(batch, results, kept)
        places = {row - batch.first: each for row, each in kept.items()}
        return outcomes.of_rows(results, places, requests + more)

    def _failed(self, batch: Batch, error: Exception, requests: int) -> Told:
        """The delivery ends; a request that may have been carried out leaves its rows unknown."""
        told = self._fail(error)
        doubt = requests > 0 and isinstance(told, RetriableError)
        return outcomes.whole(batch.n, "unknown" if doubt else "pending", str(told), requests)

    def _fail(self, error: Exception) -> TailraceError:
        told = misread(error)
        if not isinstance(told, FatalError | RetriableError):
            raise told
        self.course.fail(error)
        return told

    def _later(
        self, batch: StagedBatch, results: list[WriteResult], kept: Mapping[int, Kept]
    ) -> tuple[list[WriteResult], int]:
        """Rows that the vendor put off are sent again, alone, while the others keep their outcome."""
        requests = 0
        rows = {str(row.ordinal): row for row in batch.rows}
        for pause in LATER_WAITS:
            late = [rows[result.trace] for result in results if result.outcome == "later"]
            if not late or self.course.halted.wait(pause):
                break
            again = self._once_more(batch, late, kept)
            requests += 1
            told = {result.trace: result for result in again}
            results = [_after(result, told.get(result.trace, result)) for result in results]
        return results, requests

    def _once_more(
        self, batch: StagedBatch, rows: Sequence[StagedRow], kept: Mapping[int, Kept]
    ) -> list[WriteResult]:
        try:
            results = self.destination.write(self._request(batch, rows, kept))
            return by_trace(results, (str(row.ordinal) for row in rows))
        except Exception as error:  # noqa: BLE001 - see misread
            told = self._fail(error)
            outcome: Outcome = "unknown" if isinstance(told, RetriableError) else "later"
            return [WriteResult(str(row.ordinal), outcome, None, str(told)) for row in rows]

    def _kept(self, batch: StagedBatch) -> dict[int, Kept]:
        errand = self.errand
        return kept_fields(
            self.destination, errand.object, errand.match_field, batch, errand.fields, errand.options
        )

    def _already_created(self, batch: StagedBatch) -> list[WriteResult]:
        """Rows whose creation was sent before without an answer, and that are there: creating them again would double them."""
        asked = [row for row in batch.rows if row.lookup and row.key] if batch.operation == "create" else []
        if not asked:
            return []
        errand = self.errand
        there = self.destination.read_fields(
            errand.object,
            errand.match_field,
            [row.key or "" for row in asked],
            [errand.match_field],
            errand.options,
        )
        read = by_key(there)
        records = ((row, read(row.key or "")) for row in asked)
        return [
            WriteResult(str(row.ordinal), "acked", found.get("id"))
            for row, found in records
            if found is not None
        ]

    def _request(self, batch: StagedBatch, rows: Sequence[StagedRow], kept: Mapping[int, Kept]) -> WriteBatch:
        errand = self.errand
        return WriteBatch(
            errand.object,
            cast("Operation", batch.operation),
            None if batch.by_id else errand.match_field,
            tuple(self._row(batch, row, kept.get(row.ordinal)) for row in rows),
            errand.options,
            _name(errand, batch.operation, rows),
            errand.bulk,
        )

    def _row(self, batch: StagedBatch, row: StagedRow, kept: Kept | None) -> WriteRow:
        leaving = batch.operation in ("archive", "clear")
        return WriteRow(
            str(row.ordinal),
            None if batch.by_id else row.key,
            self._values(batch, row, kept),
            row.remote_id if batch.by_id else None,
            () if leaving else row.links,
            None if leaving else row.previous_key,
        )

    def _values(self, batch: StagedBatch, row: StagedRow, kept: Kept | None) -> dict[str, Any]:
        if batch.operation == "archive":
            return {}
        left = kept.fields if kept else ()
        if batch.operation == "clear":
            return {each.field: None for each in self.errand.fields if each.field not in left}
        values = {
            each.field: value
            for each, value in zip(self.errand.fields, row.values, strict=True)
            if each.field not in left and not (value is None and each.if_null == "skip")
        }
        moved = batch.by_id and self.errand.mode in {"upsert", "mirror"}
        if self.errand.match_field and (batch.operation == "create" or moved):
            values[self.errand.match_field] = row.key
        return values


def _after(first: WriteResult, second: WriteResult) -> WriteResult:
    """The later word counts; what was written of the row before stays written."""
    return replace(second, touched=first.touched or second.touched)


def misread(error: Exception) -> TailraceError:
    """What a connector stumbles over, an odd answer mostly: it says nothing of the rows, and ends no other sync.

    Named by the place in the code: the words of such an error may hold values of people.
    """
    if isinstance(error, TailraceError):
        return error
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} at {Path(place.filename).parent.name}/{Path(place.filename).name}:{place.lineno}"
    return RetriableError(
        f"an answer or a state that tailrace does not understand ended it ({where})",
        "run again; if it stays so, report it",
    )


def _name(errand: Errand, operation: str, rows: Sequence[StagedRow]) -> str:
    """The same for the same rows and values, in whichever run they are sent, until the vendor has accepted them.

    A value that comes back after another one was accepted is news: the time of that acceptance is in the name.
    """
    told = (f"{row.primary_key}\0{row.key}\0{row.hash}\0{row.acked_at}" for row in rows)
    parts = [errand.sync, operation, *told]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _refuse_twins(batch: Batch) -> None:
    """Two rows for one record would overwrite each other: a changeset never holds them."""
    if isinstance(batch, StagedTexts):
        keys = [key.lower() for key in batch.keys]
    else:
        keys = [str(row.remote_id if batch.by_id else row.key).lower() for row in batch.rows]
    assert len(set(keys)) == len(keys), f"a key twice in batch {batch.seq}"
