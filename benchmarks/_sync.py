"""One sync of contacts to HubSpot in a process of its own, phase by phase; and the bare client that it is measured against.

`python -m benchmarks._sync run FOLDER URL` and `... bare ROWS URL` print one JSON document. A process's peak is its own: its
imports are in it, making the model is not.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

IN_FLIGHT = 4
NAME = "lead_scores"


def now() -> datetime:
    return datetime.now(UTC)


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What `work` returns, its CPU and wall seconds, and the process's peak meanwhile."""
    Path("/proc/self/clear_refs").write_text("5")
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return result, {
        "cpu_s": round(time.process_time() - cpu, 2), "wall_s": round(time.perf_counter() - wall, 2), "peak_mb": peak_mb(),
    }  # fmt: skip


def peak_mb() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024


def model(folder: Path, rows: int, score: str = "i % 100", grade: str = "'A'") -> None:
    """The model's rows in the warehouse, as a build leaves them."""
    from tailrace.warehouse.duckdb import DuckDBWarehouse

    warehouse = DuckDBWarehouse(folder / "work.duckdb")
    warehouse.ensure_schema("marts")
    warehouse.execute(
        f"CREATE OR REPLACE TABLE marts.{NAME} AS SELECT i AS contact_id, 'p' || i || '@example.com' AS email, {score} AS score,"
        f" {grade} AS grade, 'opened ' || i % 9 || ' e-mails; visited 3 days ago' AS reasons FROM range({rows}) t(i)"
    )
    warehouse.close()


def run(folder: Path, url: str) -> dict[str, Any]:
    """Prepare, deliver, settle; the connector is opened with `rate_limit: off`."""
    from tailrace.activate import run as activate
    from tailrace.connectors.sdk.base import Context
    from tailrace.connectors.sdk.registry import declaration
    from tailrace.project.spec import FieldMap, Guardrails, Marks, Sync
    from tailrace.state.rate import NoLimiter
    from tailrace.state.sqlite import SQLiteStore
    from tailrace.warehouse.base import TableRef
    from tailrace.warehouse.duckdb import DuckDBWarehouse
    from tailrace.warehouse.stage import stage

    sync = Sync(
        name="scores", model=NAME, connection="hubspot", object="contacts", mode="update", primary_key="contact_id",
        match_field="email", match_column="email", marks=Marks("scores.yml"), path="scores.yml",
        fields=(FieldMap("lead_score", "score"), FieldMap("lead_grade", "grade"), FieldMap("lead_score_reasons", "reasons")),
        guardrails=Guardrails(None, None, None, None),
    )  # fmt: skip
    declared = declaration("hubspot")
    assert declared is not None
    assert declared.open is not None
    contacts = next(each for each in declared.objects if each.name == "contacts")
    options = {"access_token": "x", "base_url": url, "rate_limit": "off"}
    connector = declared.open(options, Context("hubspot", NoLimiter(), now))
    store = SQLiteStore(folder / "state.db")

    def prepare() -> Any:
        warehouse = DuckDBWarehouse(folder / "work.duckdb")
        staged = stage(warehouse, TableRef("marts", NAME), "scores")
        prepared = activate.prepare(
            warehouse, store, sync, contacts, "1", staged, None, run_id=f"r{time.time_ns()}", now=now,
            folder=folder / "stage", options=activate.Options(sandbox=True),
        )  # fmt: skip
        warehouse.close()
        return prepared

    def settle(delivery: str) -> Any:
        warehouse = DuckDBWarehouse(folder / "work.duckdb")
        result = activate.settle(warehouse, store, delivery)
        warehouse.close()
        return result

    prepared, first = timed(prepare)
    found: dict[str, Any] = {"requests": 0, "prepare": first}
    if prepared.delivery is not None:
        delivered, found["deliver"] = timed(
            lambda: activate.deliver(store, prepared.delivery, connector.destination(), in_flight=IN_FLIGHT)
        )
        assert delivered.status == "ok", delivered.stopped
        result, found["settle"] = timed(lambda: settle(prepared.delivery))
        found["requests"] = result.counts.requests
        assert result.counts.updated == delivered.rows
    connector.close()
    phases = [found[name] for name in ("prepare", "deliver", "settle") if name in found]
    whole = {key: round(sum(phase[key] for phase in phases), 2) for key in ("cpu_s", "wall_s")}
    return {**found, "whole": {**whole, "peak_mb": max(phase["peak_mb"] for phase in phases)}}


def bare(rows: int, url: str) -> dict[str, float]:
    """As many requests with bodies made beforehand, answers read and not looked at: no diff, no journal, no ledger."""
    import httpx2

    bodies = [
        json.dumps(
            {"inputs": [
                {"id": f"p{i}@example.com", "idProperty": "email", "objectWriteTraceId": str(i),
                 "properties": {"lead_score": str(i % 100), "lead_grade": "A", "lead_score_reasons": f"opened {i % 9} e-mails; visited 3 days ago"}}
                for i in range(first, min(first + 100, rows))
            ]}
        ).encode()
        for first in range(0, rows, 100)
    ]  # fmt: skip
    headers = {"content-type": "application/json"}
    with httpx2.Client() as client, ThreadPoolExecutor(IN_FLIGHT) as pool:

        def send(body: bytes) -> int:
            return client.post(
                f"{url}/crm/objects/2026-09/contacts/batch/update", content=body, headers=headers
            ).status_code

        statuses, took = timed(lambda: set(pool.map(send, bodies)))
    assert statuses == {200}
    return took


if __name__ == "__main__":
    kind, what, url = sys.argv[1:]
    print(json.dumps(run(Path(what), url) if kind == "run" else bare(int(what), url)))
