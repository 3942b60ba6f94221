"""Bulk API 2.0 ingest jobs: opened, filled with one CSV, closed, worked on, and told of in three files (vendor-apis.md 2.5)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tailrace.sandbox.salesforce.call import Call
from tailrace.sandbox.salesforce.errors import Refusal, not_found
from tailrace.sandbox.salesforce.org import Org, Table
from tailrace.sandbox.salesforce.query_jobs import DELIMITERS, ENDINGS, check_format
from tailrace.sandbox.salesforce.rows import Writer
from tailrace.sandbox.salesforce.schema import NUMBERS
from tailrace.sandbox.vendor import RowError
from tailrace.sandbox.wire import Response

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
MOST_BYTES = 100 * 1024 * 1024
NULL = "#N/A"
ENDED = ("JobComplete", "Failed", "Aborted")
ENDINGS_BY_FAULT = {"JobFailed": "Failed", "JobAborted": "Aborted"}
RELATED = re.compile(r"(?:(?P<type>\w+):)?(?P<way>\w+)\.(?P<field>\w+)")
Line = dict[str, str]


@dataclass
class IngestJob:
    """A job, its data, and what became of each line."""

    document: dict[str, Any]
    table: Table
    data: bytes | None = None
    ends: str = "JobComplete"
    names: list[str] = field(default_factory=list)
    done: list[tuple[Line, str, bool]] = field(default_factory=list)
    failed: list[tuple[Line, str, str]] = field(default_factory=list)
    left: list[Line] = field(default_factory=list)

    @property
    def state(self) -> str:
        return str(self.document["state"])


class IngestJobs:
    """The org's ingest jobs by id."""

    def __init__(self) -> None:
        self.jobs: dict[str, IngestJob] = {}

    def listing(self, org: Org, call: Call) -> Response:  # noqa: ARG002
        """GET jobs/ingest: every job, as it is."""
        records = [job.document for job in self.jobs.values()]
        return Response.of(200, {"done": True, "records": records, "nextRecordsUrl": None})

    def create(self, org: Org, call: Call) -> Response:
        """POST jobs/ingest."""
        body = call.body()
        operation, external = body.get("operation"), body.get("externalIdFieldName")
        if operation not in OPERATIONS:
            raise Refusal(400, "INVALIDJOB", f"InvalidJob : Unsupported operation: {operation}")
        if body.get("contentType", "CSV") != "CSV":
            raise Refusal(400, "INVALIDJOB", "InvalidJob : contentType must be CSV")
        delimiter, ending = check_format(body)
        table = org.table(str(body.get("object")))
        if operation == "upsert":
            if not external:
                raise Refusal(400, "INVALIDJOB", "InvalidJob : externalIdFieldName is required for upsert")
            Writer(org, table).external(external)
        key = f"7505f{len(self.jobs) + 1:010d}AAA"
        document = {
            "id": key,
            "operation": operation,
            "object": table.schema.name,
            "createdById": org.user,
            "createdDate": org.stamp(),
            "systemModstamp": org.stamp(),
            "state": "Open",
            **({"externalIdFieldName": external} if external else {}),
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(call.version.removeprefix("v")),
            "contentUrl": f"services/data/{call.version}/jobs/ingest/{key}/batches",
            "lineEnding": ending,
            "columnDelimiter": delimiter,
        }
        self.jobs[key] = IngestJob(dict(document), table)
        return Response.of(200, document)

    def upload(self, org: Org, call: Call) -> Response:  # noqa: ARG002 - every handler is called alike
        """PUT jobs/ingest/{id}/batches: 201 without a body, once."""
        job = self._job(call)
        if job.state != "Open" or job.data is not None:
            raise Refusal(400, "INVALIDJOBSTATE", "InvalidJobState : the job takes no more data")
        if not call.request.headers.get("content-type", "").startswith("text/csv"):
            raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be text/csv")
        if len(call.request.body) > MOST_BYTES:
            raise Refusal(413, "REQUEST_TOO_LARGE", "the data is larger than 100 MB")
        job.data = call.request.body
        return Response(201)

    def change(self, org: Org, call: Call) -> Response:
        """PATCH jobs/ingest/{id}: UploadComplete sets to work, Aborted ends a job wherever it is."""
        job, state = self._job(call), call.body().get("state")
        allowed = {"Open": ("UploadComplete", "Aborted")}.get(job.state, ("Aborted",))
        if job.state in ENDED or state not in allowed:
            raise Refusal(
                400, "INVALIDJOBSTATE", f"InvalidJobState : the job cannot go from {job.state} to {state}"
            )
        if state == "Aborted" and job.state == "Open":
            job.left = _lines(job) if job.data else []
        job.document["state"] = state
        written = self._work(org, job, call.row_errors) if state == "UploadComplete" else 0
        response = Response.of(200, job.document)
        response.rows_written = written
        return response

    def read(self, org: Org, call: Call) -> Response:  # noqa: ARG002
        """GET jobs/ingest/{id}: each look moves a closed job one state on."""
        job = self._job(call)
        shown = dict(job.document)
        steps = {"UploadComplete": "InProgress", "InProgress": job.ends}
        job.document["state"] = steps.get(job.state, job.state)
        return Response.of(200, shown)

    def remove(self, org: Org, call: Call) -> Response:  # noqa: ARG002
        """DELETE jobs/ingest/{id}."""
        job = self._job(call)
        if job.state not in ("JobComplete", "Failed", "Aborted"):
            raise Refusal(400, "INVALIDJOBSTATE", "InvalidJobState : the job is still being processed")
        del self.jobs[call.args["id"]]
        return Response(204)

    def successful(self, org: Org, call: Call) -> Response:  # noqa: ARG002
        """GET .../successfulResults: the latest first, for their order is not guaranteed."""
        job = self._job(call)
        lines = ([key, str(made).lower(), *row.values()] for row, key, made in reversed(job.done))
        return _csv(job, ["sf__Id", "sf__Created", *job.names], lines)

    def failures(self, org: Org, call: Call) -> Response:  # noqa: ARG002
        """GET .../failedResults."""
        job = self._job(call)
        lines = ([key, why, *row.values()] for row, key, why in job.failed)
        return _csv(job, ["sf__Id", "sf__Error", *job.names], lines)

    def unprocessed(self, org: Org, call: Call) -> Response:  # noqa: ARG002
        """GET .../unprocessedRecords: what an aborted or failed job came to no more."""
        job = self._job(call)
        return _csv(job, job.names, (list(row.values()) for row in job.left))

    def _job(self, call: Call) -> IngestJob:
        job = self.jobs.get(call.args["id"])
        if job is None:
            raise not_found()
        return job

    def _work(self, org: Org, job: IngestJob, row_errors: list[RowError]) -> int:
        """Every line by itself; what is wrong with the file as a whole fails the job when it is looked at.

        A row error of the category JobFailed or JobAborted ends the job so before the line that has one of its keys.
        """
        writer = Writer(org, job.table, row_errors)
        try:
            lines = _lines(job)
        except ValueError as error:
            job.ends = "Failed"
            job.document["errorMessage"] = f"InvalidBatch : {error}"
            job.document.update(numberRecordsProcessed=0, numberRecordsFailed=0)
            return 0
        endings = [error for error in row_errors if error.category in ENDINGS_BY_FAULT]
        with org.clock.one_moment():
            for number, line in enumerate(lines):
                ending = next((error for error in endings if _has(line, error)), None)
                if ending is not None:
                    job.ends, job.left = ENDINGS_BY_FAULT[ending.category], lines[number:]
                    job.document["errorMessage"] = ending.message
                    break
                _write_line(writer, job, line)
        done = len(job.done) + len(job.failed)
        job.document.update(numberRecordsProcessed=done, numberRecordsFailed=len(job.failed))
        return len(job.done)


def _has(line: Line, error: RowError) -> bool:
    return any(cell.lower() in error.keys for cell in line.values())


def _write_line(writer: Writer, job: IngestJob, line: Line) -> None:
    try:
        key, made = _write(writer, job, line)
        job.done.append((line, key, made))
    except Refusal as refusal:
        names = " ".join(refusal.fields or [])
        job.failed.append((line, line.get("Id", ""), f"{refusal.code}:{refusal.message}:{names} --"))


def _write(writer: Writer, job: IngestJob, line: Line) -> tuple[str, bool]:
    operation = job.document["operation"]
    values = dict(_value(job.table, name, text) for name, text in line.items() if name != "Id" and text)
    if operation == "insert":
        return str(writer.insert(values)["Id"]), True
    if operation == "update":
        return str(writer.update(line.get("Id"), values)["Id"]), False
    if operation == "upsert":
        name = job.document["externalIdFieldName"]
        value = _cell(job.table, name, line.get(name) or "")
        record, made = writer.upsert(
            name, value, {key: found for key, found in values.items() if key != name}
        )
        return str(record["Id"]), made
    return str(writer.delete(line.get("Id"), hard=operation == "hardDelete")["Id"]), False


def _lines(job: IngestJob) -> list[Line]:
    """The CSV's lines; ValueError where it has no header, unknown columns, or lines of another width."""
    text = (job.data or b"").decode("utf-8", "replace")
    delimiter = DELIMITERS[job.document["columnDelimiter"]]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    job.names = next(reader, [])
    unknown = [name for name in job.names if not _is_column(job.table, name)]
    if not job.names or unknown:
        raise ValueError(f"Field name not found : {unknown[0]}" if unknown else "The CSV has no header")
    lines = list(reader)
    if any(len(line) != len(job.names) for line in lines):
        raise ValueError("a line has another number of columns than the header")
    return [dict(zip(job.names, line, strict=True)) for line in lines]


def _is_column(table: Table, name: str) -> bool:
    """A field, or a lookup by the other record's external id: Account.Ext__c, Contact:Who.Ext__c."""
    related = RELATED.fullmatch(name)
    return table.schema.find(name) is not None or (
        related is not None and table.schema.related(related["way"]) is not None
    )


def _value(table: Table, name: str, text: str) -> tuple[str, Any]:
    related = RELATED.fullmatch(name)
    if related is None:
        return name, _cell(table, name, text)
    if text == NULL:
        found = table.schema.related(related["way"])
        return (found.name if found else name), None
    kind = {"attributes": {"type": related["type"]}} if related["type"] else {}
    return related["way"], {**kind, related["field"]: text}


def _cell(table: Table, name: str, text: str) -> Any:
    """A cell as the field's type; #N/A is NULL. What is no number stays text, for the writer to refuse."""
    if text == NULL:
        return None
    found = table.schema.find(name)
    kind = found.type if found else "string"
    if kind == "boolean" and text.lower() in ("true", "false", "1", "0"):
        return text.lower() in ("true", "1")
    if kind in NUMBERS:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return text


def _csv(job: IngestJob, names: list[str], lines: Iterable[list[str]]) -> Response:
    out = io.StringIO()
    writer = csv.writer(
        out,
        delimiter=DELIMITERS[job.document["columnDelimiter"]],
        lineterminator=ENDINGS[job.document["lineEnding"]],
        quoting=csv.QUOTE_ALL,
    )
    writer.writerow(names)
    writer.writerows(lines)
    return Response(200, out.getvalue().encode(), {"content-type": "text/csv; charset=UTF-8"})
