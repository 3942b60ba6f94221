"""Bulk API 2.0 query jobs: made, worked on for a poll or two, read page by page as CSV (vendor-apis.md 2.5)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tailrace.sandbox.salesforce import soql
from tailrace.sandbox.salesforce.call import Call
from tailrace.sandbox.salesforce.errors import Refusal, not_found
from tailrace.sandbox.salesforce.org import Org, Record
from tailrace.sandbox.salesforce.query import search
from tailrace.sandbox.salesforce.schema import ObjectSchema
from tailrace.sandbox.salesforce.times import in_csv
from tailrace.sandbox.wire import Response

DELIMITERS = {"COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
MOST_ROWS = 50_000
UNKNOWN_IN_BULK = ("address", "location", "base64")


@dataclass
class Job:
    """A job as its owner sees it, and its result."""

    document: dict[str, Any]
    schema: ObjectSchema
    names: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    @property
    def state(self) -> str:
        return str(self.document["state"])


class QueryJobs:
    """The org's query jobs by id."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}

    def create(self, org: Org, call: Call) -> Response:
        """POST jobs/query; the query is checked at once."""
        body = call.body()
        operation, text = body.get("operation"), body.get("query")
        if operation not in ("query", "queryAll"):
            raise Refusal(400, "INVALIDJOB", f"InvalidJob : Unsupported operation: {operation}")
        if not isinstance(text, str) or not text:
            raise soql.malformed("A query string has to be specified")
        delimiter, ending = check_format(body)
        found = search(org, text, deleted=operation == "queryAll")
        if found.query.counts or found.query.offset:
            raise Refusal(
                400, "FEATURENOTENABLED", "FeatureNotEnabled : COUNT() and OFFSET are not supported"
            )
        for name in found.names:
            known = found.schema.find(name)
            if known is not None and known.type in UNKNOWN_IN_BULK:
                raise Refusal(400, "INVALIDENTITY", f"InvalidEntity : {known.type} is not supported: {name}")
        document = {
            "id": f"7505e{len(self.jobs) + 1:010d}AAA",
            "operation": operation,
            "object": found.schema.name,
            "createdById": org.user,
            "createdDate": org.stamp(),
            "systemModstamp": org.stamp(),
            "state": "UploadComplete",
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(call.version.removeprefix("v")),
            "lineEnding": ending,
            "columnDelimiter": delimiter,
        }
        self.jobs[str(document["id"])] = Job(dict(document), found.schema, found.names, found.records)
        return Response.of(200, document)

    def read(self, org: Org, call: Call) -> Response:  # noqa: ARG002 - every handler is called alike
        """GET jobs/query/{id}: each look moves the job one state on."""
        job = self._job(call)
        shown = dict(job.document)
        steps = {"UploadComplete": "InProgress", "InProgress": "JobComplete"}
        job.document["state"] = steps.get(job.state, job.state)
        if job.state == "JobComplete":
            job.document["numberRecordsProcessed"] = len(job.records)
        return Response.of(200, shown)

    def change(self, org: Org, call: Call) -> Response:  # noqa: ARG002
        """PATCH jobs/query/{id}: aborts it."""
        job = self._job(call)
        if call.body().get("state") != "Aborted" or job.state in ("JobComplete", "Failed"):
            raise Refusal(400, "INVALIDJOBSTATE", "InvalidJobState : the job can only be aborted while open")
        job.document["state"] = "Aborted"
        return Response.of(200, job.document)

    def remove(self, org: Org, call: Call) -> Response:  # noqa: ARG002
        """DELETE jobs/query/{id}."""
        job = self._job(call)
        if job.state not in ("JobComplete", "Failed", "Aborted"):
            raise Refusal(400, "INVALIDJOBSTATE", "InvalidJobState : the job is still being processed")
        del self.jobs[call.args["id"]]
        return Response(204)

    def results(self, org: Org, call: Call) -> Response:  # noqa: ARG002
        """GET jobs/query/{id}/results?maxRecords=&locator=."""
        job = self._job(call)
        if job.state != "JobComplete":
            raise Refusal(400, "INVALIDJOBSTATE", "InvalidJobState : the job is not complete")
        most = call.request.param("maxRecords") or str(MOST_ROWS)
        start = _offset(call.request.param("locator"))
        if not most.isdigit() or not int(most):
            raise Refusal(400, "INVALIDREQUEST", f"InvalidRequest : maxRecords is no number: {most}")
        end = start + int(most)
        rows = job.records[start:end]
        locator = f"L{end}" if end < len(job.records) else "null"
        body = as_csv(job.schema, job.names, rows, job.document)
        headers = {
            "content-type": "text/csv; charset=UTF-8",
            "Sforce-Locator": locator,
            "Sforce-NumberOfRecords": str(len(rows)),
        }
        return Response(200, body, headers)

    def _job(self, call: Call) -> Job:
        job = self.jobs.get(call.args["id"])
        if job is None:
            raise not_found()
        return job


def check_format(body: dict[str, Any]) -> tuple[str, str]:
    """The column delimiter and the line ending by their names."""
    delimiter, ending = body.get("columnDelimiter") or "COMMA", body.get("lineEnding") or "LF"
    if delimiter not in DELIMITERS or ending not in ENDINGS:
        raise Refusal(
            400, "INVALIDJOB", f"InvalidJob : unknown delimiter or line ending: {delimiter}, {ending}"
        )
    return delimiter, ending


def as_csv(schema: ObjectSchema, names: Sequence[str], rows: Iterable[Record], job: dict[str, Any]) -> bytes:
    """Every value in quotes, NULL as nothing, times with a Z."""
    out = io.StringIO()
    writer = csv.writer(
        out,
        delimiter=DELIMITERS[job["columnDelimiter"]],
        lineterminator=ENDINGS[job["lineEnding"]],
        quoting=csv.QUOTE_ALL,
    )
    writer.writerow(names)
    kinds = [found.type if (found := schema.find(name)) else "string" for name in names]
    for row in rows:
        writer.writerow([_cell(row.get(name), kind) for name, kind in zip(names, kinds, strict=True)])
    return out.getvalue().encode()


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return in_csv(value) if kind == "datetime" else str(value)


def _offset(locator: str | None) -> int:
    if not locator:
        return 0
    if not locator.startswith("L") or not locator[1:].isdigit():
        raise Refusal(400, "INVALIDREQUEST", "InvalidRequest : invalid locator")
    return int(locator[1:])
