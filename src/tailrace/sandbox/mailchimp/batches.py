"""POST /batches: operations carried out behind the request's back, their answers in a .tar.gz to be fetched."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from tailrace.sandbox.mailchimp.listing import Call, one, page
from tailrace.sandbox.mailchimp.problem import Problem, invalid, not_found
from tailrace.sandbox.mailchimp.stock import Record
from tailrace.sandbox.wire import Request, Response

MOST_OPEN = 500
STEPS = ("pending", "preprocessing", "started", "finalizing", "finished")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
Answer = Callable[[Request], Response]


def start(call: Call, answer: Answer) -> Response:
    """Kept until the batch is done: the status walks on by one step with each look at it, the last one does the work."""
    operations = call.body().get("operations")
    if not isinstance(operations, list) or not operations:
        raise invalid("operations", "Required fields were not provided: operations")
    if sum(found["status"] != "finished" for found in call.account.batches.values()) >= MOST_OPEN:
        raise Problem(400, "You may only have 500 pending batches at a time.", "Too Many Batches")
    key = f"{0xBA7C0000 + call.account.serial():010x}"
    inner = [_request(operation, call.request) for operation in operations]
    names = [operation.get("operation_id") for operation in operations]
    record: Record = {
        "id": key,
        "status": STEPS[0],
        "total_operations": len(operations),
        "finished_operations": 0,
        "errored_operations": 0,
        "submitted_at": call.now(),
        "completed_at": "",
        "response_body_url": "",
    }
    call.account.batches[key] = record
    call.account.work[key] = lambda: [
        _carried_out(name, request, answer) for name, request in zip(names, inner, strict=True)
    ]
    return one(call, record, f"/batches/{key}")


def look(call: Call) -> Response:
    """GET /batches/{batch}."""
    record, written = _found(call), 0
    following = STEPS[min(STEPS.index(record["status"]) + 1, len(STEPS) - 1)]
    if following != record["status"]:
        record = {**record, "status": following}
        if following == "finished":
            told, written = _finished(call, record)
            record |= told
        call.account.batches[record["id"]] = record
    response = one(call, record, f"/batches/{record['id']}")
    response.rows_written = written
    return response


def _finished(call: Call, record: Record) -> tuple[Record, int]:
    """What the work leaves in the batch's record, and how many records it wrote."""
    results = call.account.work.pop(record["id"])()
    call.account.results[record["id"]] = _packed(record["id"], [result for result, _ in results])
    told = {
        "response_body_url": f"{call.base.removesuffix('/3.0')}/batch-results/{record['id']}-response.tar.gz",
        "completed_at": call.now(),
        "finished_operations": len(results),
        "errored_operations": sum(result["status_code"] >= 400 for result, _ in results),
    }
    return told, sum(written for _, written in results)


def listed(call: Call) -> Response:
    """GET /batches."""
    return page(call, "batches", list(call.account.batches.values()), "/batches")


def forget(call: Call) -> Response:
    """DELETE /batches/{batch}: what is not done yet stays undone, and its answers are no longer there."""
    record = _found(call)
    del call.account.batches[record["id"]]
    call.account.results.pop(record["id"], None)
    call.account.work.pop(record["id"], None)
    return Response(204)


def results(call: Call) -> Response:
    """The .tar.gz; its address is its only key, as at the real service."""
    found = call.account.results.get(call.args["file"].removesuffix("-response.tar.gz"))
    if found is None:
        raise not_found()
    return Response(200, found, {"content-type": "application/gzip"})


def _request(operation: Any, outer: Request) -> Request:
    given = operation if isinstance(operation, dict) else {}
    method, path = given.get("method"), given.get("path")
    if method not in METHODS or not isinstance(path, str):
        raise invalid("operations", "Every operation has a method and a path")
    parts = urlsplit(path)
    asked = {**dict(parse_qsl(parts.query)), **(given.get("params") or {})}
    query = tuple((name, str(value)) for name, value in asked.items())
    inner = "/3.0/" + parts.path.strip("/").removeprefix("3.0/")
    return Request(method, inner, query, outer.headers, str(given.get("body") or "").encode())


def _carried_out(name: Any, request: Request, answer: Answer) -> tuple[Record, int]:
    response = answer(request)
    result = {"status_code": response.status, "operation_id": name, "response": response.body.decode() or ""}
    return result, response.rows_written


def _packed(key: str, results: list[Record]) -> bytes:
    """One JSON file in a .tar.gz (its layout is from memory)."""
    content, packed = orjson.dumps(results), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo(f"{key}.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _found(call: Call) -> Record:
    found = call.account.batches.get(call.args["batch"])
    if found is None:
        raise not_found()
    return found
