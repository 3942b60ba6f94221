"""Google's REST API of BigQuery on this machine, as far as a test says what it answers; Google's own client asks it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    body: Any
    headers: dict[str, str]


@dataclass
class Google:
    """`answer` gets each request and says what comes back: a status, and a document."""

    address: str = ""
    answer: Callable[[Request], Answer] = lambda _request: (404, refusal(404, "notFound", "Not found"))
    requests: list[Request] = field(default_factory=list)

    def asked(self, method: str, part: str) -> list[Request]:
        return [one for one in self.requests if one.method == method and part in one.path]


def refusal(code: int, reason: str, message: str, **more: Any) -> dict[str, Any]:
    """The body of an error (Google: "Error messages")."""
    error = {"message": message, "domain": "global", "reason": reason}
    return {"error": {"code": code, "message": message, "errors": [error], **more}}


def job(request: Request, *, state: str = "DONE", kind: str = "SELECT", **status: Any) -> dict[str, Any]:
    """The job that an insert made."""
    reference = request.body["jobReference"]
    return {
        "kind": "bigquery#job",
        "id": f"{reference['projectId']}:{reference['jobId']}",
        "jobReference": reference,
        "configuration": request.body["configuration"],
        "status": {"state": state, **status},
        "statistics": {"query": {"statementType": kind, "totalBytesBilled": "10485760", "numDmlAffectedRows": "3"}},
    }  # fmt: skip


def rows(*values: int, reference: Any) -> dict[str, Any]:
    """An answer of one INT64 column `n`."""
    return {
        "jobComplete": True,
        "jobReference": reference,
        "schema": {"fields": [{"name": "n", "type": "INTEGER"}]},
        "totalRows": str(len(values)),
        "rows": [{"f": [{"v": str(value)}]} for value in values],
    }


@contextmanager
def google() -> Iterator[Google]:
    found = Google()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw, parts = self.rfile.read(length), urlsplit(self.path)
            try:
                body = json.loads(raw) if raw else None
            except ValueError:
                body = raw
            request = Request(self.command, parts.path, parse_qs(parts.query), body, dict(self.headers))
            found.requests.append(request)
            status, document = found.answer(request)
            text = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
