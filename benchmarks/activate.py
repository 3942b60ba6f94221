"""Returning rows: a whole sync through the HubSpot connector against a bare sender of the same batches, in one run.

`python -m benchmarks.activate [ROWS]`. Bare = the same HTTP library, threads and number of requests, bodies built
beforehand, answers not read: no diff, no journal, no ledger. The server is a process of its own and takes no part in
the CPU seconds.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tailrace.activate import run as activate
from tailrace.connectors.sdk.base import Context
from tailrace.connectors.sdk.registry import declaration
from tailrace.project.spec import FieldMap, Guardrails, Marks, Sync
from tailrace.state.rate import NoLimiter
from tailrace.state.store import Store
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import stage

IN_FLIGHT = 4
SYNC = Sync(
    name="scores", model="lead_scores", connection="hubspot", object="contacts", mode="update", primary_key="contact_id",
    match_field="email", match_column="email", marks=Marks("scores.yml"), path="scores.yml",
    fields=(FieldMap("lead_score", "score"), FieldMap("lead_grade", "grade"), FieldMap("lead_score_reasons", "reasons")),
    guardrails=Guardrails(None, None, None, None),
)  # fmt: skip


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts every row of a batch; knows nothing else of HubSpot."""
    import orjson

    stamp = "2026-11-21T00:00:00.000Z"
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        body = await reader.readexactly(length)
        if b"/batch/" in head.split(b"\r\n", 1)[0]:
            rows = [
                {"id": "9" + row["id"], "properties": {}, "createdAt": stamp, "updatedAt": stamp, "archived": False,
                 "objectWriteTraceId": row.get("objectWriteTraceId")}
                for row in orjson.loads(body)["inputs"]
            ]  # fmt: skip
            out = orjson.dumps(
                {"status": "COMPLETE", "results": rows, "startedAt": stamp, "completedAt": stamp}
            )
        else:
            out = b'{"portalId": 1}'
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(out)
            + out
        )


async def serve() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


@contextmanager
def server() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.activate", "--serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    reset_peak()
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return result, {
        "cpu_s": round(time.process_time() - cpu, 2),
        "wall_s": round(time.perf_counter() - wall, 2),
        "peak_mb": peak(),
    }


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024


def bare(url: str, rows: int) -> None:
    """The physical reference: as many requests of the same size, and nothing around them."""
    import httpx2

    row = {"id": "p12345@example.com", "idProperty": "email", "objectWriteTraceId": "12345",
           "properties": {"lead_score": "55", "lead_grade": "A", "lead_score_reasons": "opened 5 e-mails; visited 3 days ago"}}  # fmt: skip
    body = json.dumps({"inputs": [row] * 100}).encode()
    with httpx2.Client() as client, ThreadPoolExecutor(IN_FLIGHT) as pool:
        headers = {"content-type": "application/json"}

        def send(_: int) -> int:
            return client.post(
                f"{url}/crm/objects/2026-09/contacts/batch/update", content=body, headers=headers
            ).status_code

        assert set(pool.map(send, range(-(-rows // 100)))) == {200}


class Bench:
    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.store = Store(folder / "state.db")
        declared = declaration("hubspot")
        assert declared is not None
        assert declared.open is not None
        self.contacts = next(each for each in declared.objects if each.name == "contacts")
        options = {"access_token": "x", "base_url": url, "rate_limit": "off"}
        self.connector = declared.open(options, Context("hubspot", NoLimiter(), lambda: datetime.now(UTC)))
        self.runs = 0

    def model(self, rows: int, score: str) -> None:
        warehouse = self.open()
        warehouse.ensure_schema("marts")
        warehouse.execute(
            f"CREATE OR REPLACE TABLE marts.lead_scores AS SELECT i AS contact_id, 'p' || i || '@example.com' AS email, {score} AS"
            " score, 'A' AS grade, 'opened ' || i % 9 || ' e-mails; visited 3 days ago' AS reasons"
            f" FROM range({rows}) t(i)"
        )
        stage(warehouse, TableRef("marts", "lead_scores"), "scores")
        warehouse.close()

    def open(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(self.folder / "work.duckdb")

    def run(self) -> dict[str, Any]:
        self.runs += 1
        prepared, first = timed(self.prepare)
        found: dict[str, Any] = {"prepare": first, "requests": 0}
        if prepared.delivery is not None:
            delivered, found["deliver"] = timed(
                lambda: activate.deliver(
                    self.store, prepared.delivery, self.connector.destination(), in_flight=IN_FLIGHT
                )
            )
            assert delivered.status == "ok"
            result, found["settle"] = timed(lambda: self.settle(prepared.delivery))
            found["requests"] = result.counts.requests
        return found

    def prepare(self) -> Any:
        warehouse = self.open()
        staged = stage(warehouse, TableRef("marts", "lead_scores"), "scores")
        prepared = activate.prepare(
            warehouse, self.store, SYNC, self.contacts, "1", staged, None, run_id=f"r{self.runs}",
            now=lambda: datetime.now(UTC), folder=self.folder / "stage", options=activate.Options(sandbox=True),
        )  # fmt: skip
        warehouse.close()
        return prepared

    def settle(self, delivery: str) -> Any:
        warehouse = self.open()
        result = activate.settle(warehouse, self.store, delivery)
        warehouse.close()
        return result


def measure(rows: int = 100_000) -> dict[str, Any]:
    """All changed, idle, 1 % changed; and the bare sender before and after."""
    with tempfile.TemporaryDirectory() as folder, server() as url:
        bench = Bench(Path(folder), url)
        bench.model(rows, "i % 100")
        _, before = timed(lambda: bare(url, rows))
        first = bench.run()
        idle = bench.run()
        bench.model(rows, "CASE WHEN i % 100 = 7 THEN 1000 ELSE i % 100 END")
        one_percent = bench.run()
        _, after = timed(lambda: bare(url, rows))
        bench.connector.close()
        bench.store.close()
    total = {
        key: round(sum(first[phase][key] for phase in ("prepare", "deliver", "settle")), 2)
        for key in ("cpu_s", "wall_s")
    }
    reference = min(before["cpu_s"], after["cpu_s"])
    return {
        "rows": rows, "bare": [before, after], "all_changed": first, "idle": idle, "one_percent": one_percent,
        "whole_sync": total, "rows_per_cpu_s": round(rows / total["cpu_s"]), "cpu_of_bare": round(total["cpu_s"] / reference, 2),
        "write_requests": [first["requests"], idle["requests"], one_percent["requests"]],
    }  # fmt: skip


def main() -> None:
    if sys.argv[1:] == ["--serve"]:
        asyncio.run(serve())
        return
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000), indent=2))


if __name__ == "__main__":
    main()
