"""POST composite: up to 25 requests in one, later ones naming what earlier ones answered (vendor-apis.md 2.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from tailrace.sandbox.salesforce.call import Call
from tailrace.sandbox.salesforce.errors import Refusal, json_error
from tailrace.sandbox.salesforce.org import Org
from tailrace.sandbox.wire import Request, Response

MOST = 25
REFERENCE = re.compile(r"@\{(\w+)\.(\w+)\}")
Send = Callable[[Request], Response]


def run(org: Org, call: Call, send: Send) -> Response:
    """Each sub-request through `send`; with allOrNone one that fails takes all of them back."""
    body = call.body()
    wanted = body.get("compositeRequest")
    if not isinstance(wanted, list) or not wanted:
        raise json_error("compositeRequest must be a list of requests")
    if len(wanted) > MOST:
        raise Refusal(400, "LIMIT_EXCEEDED", "You can have up to 25 subrequests in a single call.")
    before, answers, written = org.saved(), dict[str, Any](), 0
    results: list[dict[str, Any]] = []
    for number, given in enumerate(wanted):
        name = str(given.get("referenceId") or f"ref{number}")
        response = send(_request(given, answers))
        document = orjson.loads(response.body) if response.body else None
        answers[name] = document
        written += response.rows_written
        results.append(
            {"body": document, "httpHeaders": {}, "httpStatusCode": response.status, "referenceId": name}
        )
    if body.get("allOrNone") and any(result["httpStatusCode"] >= 300 for result in results):
        org.restore(before)
        written, results = 0, [_taken_back(result) for result in results]
    response = Response.of(200, {"compositeResponse": results})
    response.rows_written = written
    return response


def _request(given: Mapping[str, Any], answers: Mapping[str, Any]) -> Request:
    def named(match: re.Match[str]) -> str:
        found = answers.get(match[1])
        if not isinstance(found, dict) or match[2] not in found:
            raise Refusal(400, "PROCESSING_HALTED", f"Invalid reference specified: {match[0]}")
        return str(found[match[2]])

    text = REFERENCE.sub(named, orjson.dumps(dict(given)).decode())
    filled = orjson.loads(text)
    parts = urlsplit(str(filled.get("url") or ""))
    body = orjson.dumps(filled["body"]) if filled.get("body") is not None else b""
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return Request(str(filled.get("method") or "GET"), parts.path, query, {}, body)


def _taken_back(result: dict[str, Any]) -> dict[str, Any]:
    if result["httpStatusCode"] >= 300:
        return result
    text = "The transaction was rolled back since another operation in the same transaction failed."
    return {**result, "httpStatusCode": 400, "body": Refusal(400, "PROCESSING_HALTED", text).document()}
