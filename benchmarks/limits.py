"""The account's rate: how much of what the vendor allows is used, and how often it is exceeded.

`python -m benchmarks.limits [SECONDS]`. A server with HubSpot's window (190 requests in any 10 s, 10 to 60 ms a request) against
one process of four threads and three such processes on one account, 45 s each. `share`: 10 s over the mean time from each request
to the 190th after it, which no client can bring below 10 s without a violation.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LIMIT, WINDOW = 190, 10.0
THREADS = 4
SECONDS = 45.0


async def serve() -> None:
    times: deque[float] = deque()
    every: list[float] = []
    refused = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal refused
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionResetError):
                return
            status, out = b"200 OK", b"{}"
            if head.startswith(b"GET /told"):
                out = json.dumps({"times": every, "refused": refused}).encode()
            else:
                now = time.monotonic()
                while times and times[0] <= now - WINDOW:
                    times.popleft()
                if len(times) >= LIMIT:
                    refused, status = refused + 1, b"429 Too Many Requests"
                times.append(now)
                every.append(now)
                await asyncio.sleep(0.01 + 0.05 * (len(every) % 6) / 5)
            writer.write(
                b"HTTP/1.1 "
                + status
                + b"\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(out)
                + out
            )

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def client(url: str, state: str, seconds: float) -> None:
    """One process: four threads that send as soon as the limiter lets them."""
    from tailrace.connectors.sdk.auth import NoAuth
    from tailrace.connectors.sdk.base import Context
    from tailrace.connectors.sdk.http import Http
    from tailrace.state.rate import SharedLimiter
    from tailrace.state.sqlite import SQLiteStore

    limiter = SharedLimiter(SQLiteStore(Path(state)), "hubspot")
    limiter.learn(LIMIT, WINDOW)
    http = Http(url, NoAuth({}), Context("hubspot", limiter, lambda: datetime.now(UTC)), in_flight=THREADS)
    until = time.monotonic() + seconds

    def work() -> None:
        while time.monotonic() < until:
            http.request("GET", "/x")

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def case(processes: int, seconds: float) -> dict[str, Any]:
    me = [sys.executable, "-m", "benchmarks.limits"]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([*me, "--serve"], stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        before = os.times()
        command = [*me, "--client", url, str(Path(folder) / "state.db"), str(seconds)]
        running = [subprocess.Popen(command) for _ in range(processes)]
        assert {each.wait() for each in running} == {0}
        after = os.times()
        with urllib.request.urlopen(f"{url}/told") as answer:
            told = json.load(answer)
        server.terminate()
        server.wait()
    times = told["times"]
    gaps = [later - sooner for sooner, later in zip(times, times[LIMIT:], strict=False)]
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {
        "requests": len(times), "share": round(WINDOW * len(gaps) / sum(gaps), 3), "violations": told["refused"],
        "cpu_s_a_process": round(cpu / processes, 2),
    }  # fmt: skip


def measure(seconds: float = SECONDS) -> dict[str, Any]:
    return {
        "load": round(os.getloadavg()[0], 1),
        "one_process": case(1, seconds),
        "three_processes": case(3, seconds),
    }


def main() -> None:
    if sys.argv[1:] == ["--serve"]:
        asyncio.run(serve())
    elif sys.argv[1:2] == ["--client"]:
        client(sys.argv[2], sys.argv[3], float(sys.argv[4]))
    else:
        print(json.dumps(measure(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS), indent=2))


if __name__ == "__main__":
    main()
