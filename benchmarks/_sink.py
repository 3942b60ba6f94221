"""HubSpot's batch endpoints as a sink in a process of its own: accepts every row, keeps none, counts requests and rows.

`?` of no sandbox: no limits, no checks; the answers of records written one by one, and of plain batches of any API, are there for
what we are compared with. `GET /counts` tells and forgets the counts.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

STAMP = "2026-11-21T00:00:00.000Z"
counts = {"requests": 0, "rows": 0}


def result(row: dict[str, object]) -> dict[str, object]:
    return {
        "id": f"9{row['id']}", "properties": {}, "createdAt": STAMP, "updatedAt": STAMP, "archived": False,
        "objectWriteTraceId": row.get("objectWriteTraceId"),
    }  # fmt: skip


def respond(path: bytes, body: bytes) -> bytes:
    if path.startswith(b"/counts"):
        told = orjson.dumps(counts)
        counts.update(requests=0, rows=0)
        return told
    if path.startswith(b"/account-info"):
        return b'{"portalId": 1}'
    counts["requests"] += 1
    if b"/batch" in path:
        rows = [result(row) for row in orjson.loads(body)["inputs"]]
        counts["rows"] += len(rows)
        return orjson.dumps({"status": "COMPLETE", "results": rows, "startedAt": STAMP, "completedAt": STAMP})
    counts["rows"] += 1
    return orjson.dumps(result({"id": 1}))


async def serve(latency: float) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionResetError):
                return
            lines = head.split(b"\r\n")
            length = next(
                (int(line[15:]) for line in lines if line.lower().startswith(b"content-length:")), 0
            )
            out = respond(lines[0].split()[1], await reader.readexactly(length))
            if latency:
                await asyncio.sleep(latency)
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(
                out
            )
            writer.write(head + out)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


@contextmanager
def sink(latency: float = 0.0) -> Iterator[str]:
    """A sink's URL; each answer takes `latency` seconds."""
    command = [sys.executable, "-m", "benchmarks._sink", str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
