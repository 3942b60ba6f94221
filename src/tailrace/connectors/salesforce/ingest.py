"""Bulk API 2.0 ingest jobs: rows as a CSV, one job after the other, and the files that tell of each row (vendor-apis.md 2.5)."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.salesforce.api import Api, Refused, codes, message
from tailrace.connectors.salesforce.finder import SHORT
from tailrace.connectors.salesforce.jobs import StillRunning, Watch
from tailrace.connectors.sdk.http import Answer, Lost
from tailrace.connectors.sdk.paging import by_cursor
from tailrace.errors import RetriableError, Unavailable, VendorRefused

LARGEST = 100 * 1024 * 1024
"""Bytes of one job's CSV: 150 MB after Salesforce has encoded it (vendor-apis.md 2.5)."""
ATTEMPTS = 3
WRONG_STATE = "INVALIDJOBSTATE"
AT_WORK = ("UploadComplete", "InProgress")
Line = Mapping[str, str]


@dataclass(frozen=True)
class Ended:
    """An ended job: its rows by what became of them, each with the cells that were sent. `message`: why it ended early."""

    job: str
    state: str
    message: str
    processed: int
    written: Sequence[Line]
    refused: Sequence[Line]
    left: Sequence[Line]


class IngestJobs:
    """Ingest jobs of one org. A job is set to work once, whatever is lost on the way."""

    def __init__(self, api: Api, watch: Watch) -> None:
        self._api, self._watch = api, watch

    def settled(self, obj: str, user: str | None) -> None:
        """Waits for jobs on the object that are at work already: left by an earlier run, they would write old values over new.

        `user`: whose jobs count; None where the login does not say who it is: everybody's. An org that lists no jobs is let be.
        """
        for job in list(self._at_work(obj, user)):
            try:
                self._watch.ended(job, self._path(job))
            except StillRunning as late:
                fix = "run again when it has ended, or abort it in Setup, Bulk Data Load Jobs"
                raise Unavailable(f"{late.message}; an earlier run left it at work", fix) from None
            except Refused:
                continue

    def _at_work(self, obj: str, user: str | None) -> Iterator[str]:
        def fetch(path: str | None) -> Mapping[str, Any]:
            given = path or f"{self._api.path('jobs/ingest')}?jobType=V2Ingest"
            answer = self._api.http.request("GET", given, accept=(400, 403, 404))
            return answer.document if isinstance(answer.document, Mapping) else {}

        for page in by_cursor(fetch, lambda found: found.get("nextRecordsUrl") or None):
            for job in page.get("records") or []:
                own = user is None or str(job.get("createdById") or "")[:SHORT] == user[:SHORT]
                if own and job.get("object") == obj and job.get("state") in AT_WORK:
                    yield str(job["id"])

    def run(self, operation: str, obj: str, external: str | None, data: str) -> Ended:
        """The data's job to its end. Nothing was done where it raises Unavailable alone; Lost: perhaps something."""
        job = self._filled(operation, obj, external, data)
        self._start(job)
        try:
            found = self._watch.ended(job, self._path(job))
        except StillRunning as late:
            found = self._aborted(job, late)
        return Ended(
            job, str(found["state"]), str(found.get("errorMessage") or ""), int(found.get("numberRecordsProcessed") or 0),
            *self._files(job, found),
        )  # fmt: skip

    def _filled(self, operation: str, obj: str, external: str | None, data: str) -> str:
        """An open job with the data in it. An upload whose answer was lost is thrown away: a job takes data only once."""
        for attempt in range(ATTEMPTS):
            job = self._create(operation, obj, external)
            try:
                self._api.http.request(
                    "PUT", f"{self._path(job)}/batches", form=data, media="",
                    headers={"Content-Type": "text/csv; charset=UTF-8"},
                )  # fmt: skip
            except Lost as lost:
                self._abort(job)
                if attempt == ATTEMPTS - 1:
                    raise Unavailable(lost.message, lost.fix, lost.retry_after) from None
            else:
                return job
        raise AssertionError("the last attempt ends by a return or an error")

    def _create(self, operation: str, obj: str, external: str | None) -> str:
        body = {
            "operation": operation,
            "object": obj,
            **({"externalIdFieldName": external} if external else {}),
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        # sent twice, it makes a second job, which stays empty and is removed by Salesforce after seven days
        answer = self._api.http.request("POST", self._api.path("jobs/ingest"), json=body, retry=True)
        document = answer.json()
        if not isinstance(document, Mapping) or not document.get("id"):
            raise Unavailable(f"{self._api.connection}: Salesforce names no job", "run again")
        return str(document["id"])

    def _start(self, job: str) -> None:
        """Sent again after a lost answer; a job that is at work already refuses it, which is as good."""
        answer = self._change(job, "UploadComplete")
        if answer.status >= 400 and WRONG_STATE not in codes(answer):
            raise VendorRefused(
                f"{self._api.connection}: Salesforce refuses bulk job {job} ({answer.status}): {message(answer)}"
            )

    def _aborted(self, job: str, late: StillRunning) -> Mapping[str, object]:
        """A job that takes too long is ended, so that it writes nothing after a later run has written newer values."""
        self._change(job, "Aborted")
        try:
            return self._watch.ended(job, self._path(job))
        except StillRunning:
            raise Lost(late.message, "run again: its rows are sent anew") from None

    def _abort(self, job: str) -> None:
        with contextlib.suppress(RetriableError):
            self._change(job, "Aborted")

    def _change(self, job: str, state: str) -> Answer:
        return self._api.http.request(
            "PATCH", self._path(job), json={"state": state}, retry=True, accept=(400, 404)
        )

    def _files(self, job: str, found: Mapping[str, object]) -> tuple[list[Line], list[Line], list[Line]]:
        """The three files, asked for again where they tell of fewer rows than the job."""
        due = int(str(found.get("numberRecordsProcessed") or 0))
        written: list[Line] = []
        refused: list[Line] = []
        for _ in range(ATTEMPTS):
            written, refused = self._lines(job, "successfulResults"), self._lines(job, "failedResults")
            if len(written) + len(refused) >= due:
                break
        left = self._lines(job, "unprocessedRecords") if found["state"] != "JobComplete" else []
        return written, refused, left

    def _lines(self, job: str, name: str) -> list[Line]:
        answer = self._api.http.request(
            "GET", f"{self._path(job)}/{name}/", headers={"Accept": "text/csv"}, media="csv"
        )
        return lines(answer.content)

    def _path(self, job: str) -> str:
        return self._api.path(f"jobs/ingest/{job}")


def lines(content: bytes) -> list[Line]:
    """A CSV's whole rows, cell by name; one that was cut short is none."""
    reader = csv.reader(io.StringIO(content.decode("utf-8", "replace"), newline=""), strict=True)
    found: list[Line] = []
    with contextlib.suppress(csv.Error):
        names = next(reader, [])
        found.extend(dict(zip(names, cells, strict=True)) for cells in reader if len(cells) == len(names))
    return found


def written(rows: Sequence[Line]) -> Iterator[tuple[str, int]]:
    """CSVs of at most LARGEST bytes each, and how many of the rows, in their order, are in it.

    Every cell stands in quotes, so that blanks, line breaks and a leading `=` arrive; a cell that a row lacks is empty: no change.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = _line(names)
    parts, size = [head], len(head.encode())
    for row in rows:
        line = _line([row.get(name, "") for name in names])
        length = len(line.encode())
        if len(parts) > 1 and size + length > LARGEST:
            yield "".join(parts), len(parts) - 1
            parts, size = [head], len(head.encode())
        parts.append(line)
        size += length
    if len(parts) > 1:
        yield "".join(parts), len(parts) - 1


def _line(cells: Sequence[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"
