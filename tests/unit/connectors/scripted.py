"""A vendor of thirty lines: answers each request from a list, and remembers what it was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tailrace.records import Quota

Step = tuple[int, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}


@dataclass
class Vendor:
    """`url`, what came: (method, path with query, headers, body), and the most requests there were at a time."""

    url: str
    at_once: int = 0
    most_at_once: int = 0
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def vendor(*steps: Step | None, slow: float = 0.0) -> Iterator[Vendor]:
    """Answers `steps` in order (None: closes the connection without a word), then the last of them again."""
    seen, lock = Vendor(""), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                seen.at_once += 1
                seen.most_at_once = max(seen.most_at_once, seen.at_once)
            time.sleep(slow)
            with lock:
                seen.at_once -= 1
            seen.asked.append((self.command, self.path, dict(self.headers), body))
            step = steps[min(len(seen.asked), len(steps)) - 1]
            if step is None:
                self.close_connection = True
                self.connection.close()
                return
            status, headers, content = step
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            if headers.get("Content-Length"):
                self.close_connection = True

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    seen.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class Budget:
    """A limiter that never waits and remembers."""

    acquired: list[str] = field(default_factory=list)
    learned: list[tuple[int, float, str]] = field(default_factory=list)
    blocked: list[tuple[float, str]] = field(default_factory=list)
    quotas: dict[str, Quota] = field(default_factory=dict)

    def acquire(self, bucket: str = "") -> float:
        self.acquired.append(bucket)
        return 0.0

    def done(self, bucket: str = "") -> None:
        """Nothing is held."""

    def learn(self, limit: int, window: float, bucket: str = "") -> None:
        self.learned.append((limit, window, bucket))

    def block(self, seconds: float, bucket: str = "") -> None:
        self.blocked.append((seconds, bucket))

    def report(self, quota: Quota) -> None:
        self.quotas[quota.name] = quota


def utc_now() -> datetime:
    return datetime.now(UTC)
