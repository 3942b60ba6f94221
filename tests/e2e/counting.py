"""A door in front of a server on this machine that notes every request that goes through it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass
class Counted:
    """`requests` as (method, path without its query)."""

    address: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def counting(address: str) -> Iterator[Counted]:
    counted = Counted()
    behind = urlsplit(address)

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            counted.requests.append((self.command, urlsplit(self.path).path))
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            inner = http.client.HTTPConnection(behind.hostname or "", behind.port, timeout=600)
            try:
                inner.request(self.command, self.path, body, dict(self.headers))
                answer = inner.getresponse()
                content = answer.read()
            finally:
                inner.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP:
                    # an upload goes on where the answer says
                    self.send_header(name, value.replace(address, counted.address))
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on  # noqa: N815

        def log_message(self, *_args: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    counted.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield counted
    finally:
        server.shutdown()
        server.server_close()
