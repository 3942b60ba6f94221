"""Returning rows: whole syncs through the HubSpot connector, against a bare client and against drt-core.

`python -m benchmarks.activate [ROWS] [--million] [--drt]`. ROWS (100,000) at no latency and at 50 ms a request: the first sync,
an idle one, one with 1 % changed rows, one with one field of all rows changed. The server is a process of its own and takes no
part in the CPU seconds; the bare client is measured before and after. `--million`: CPU and memory of 1,000,000 rows too.
`--drt`: the same rows by drt-core 1.2.1, from an environment that is made for it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks._sink import sink
from benchmarks._sync import model

LATENCY = 0.05


def process(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks._sync", *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def at_no_latency(rows: int) -> dict[str, Any]:
    """Delivery against the bare client, and what later runs cost."""
    with tempfile.TemporaryDirectory() as folder, sink() as url:
        model(Path(folder), rows)
        before = process("bare", str(rows), url)
        first = process("run", folder, url)
        after = process("bare", str(rows), url)
        idle = process("run", folder, url)
        model(Path(folder), rows, "CASE WHEN i % 100 = 7 THEN 1000 ELSE i % 100 END")
        one_percent = process("run", folder, url)
        model(Path(folder), rows, "CASE WHEN i % 100 = 7 THEN 1000 ELSE i % 100 END", "'B'")
        one_field = process("run", folder, url)
    reference = (before["wall_s"] + after["wall_s"]) / 2
    return {
        "bare": [before, after], "first": first, "idle": idle, "one_percent": one_percent, "one_field_of_all": one_field,
        "delivery_against_bare": round(reference / first["deliver"]["wall_s"], 2),
        "rows_per_s": round(rows / first["whole"]["wall_s"]),
        "write_requests": [each["requests"] for each in (first, idle, one_percent, one_field)],
    }  # fmt: skip


def at_latency(rows: int) -> dict[str, Any]:
    """The whole run against the bare client where each request takes 50 ms."""
    with tempfile.TemporaryDirectory() as folder, sink(LATENCY) as url:
        model(Path(folder), rows)
        before = process("bare", str(rows), url)
        first = process("run", folder, url)
    share = before["wall_s"] / first["whole"]["wall_s"]
    return {"bare": before, "first": first, "whole_run_against_bare": round(share, 2)}


def million() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, sink() as url:
        model(Path(folder), 1_000_000)
        return process("run", folder, url)


def measure(rows: int = 100_000, *, large: bool = False, drt: bool = False) -> dict[str, Any]:
    load = os.getloadavg()[0]
    found: dict[str, Any] = {
        "rows": rows, "load": round(load, 1), "no_latency": at_no_latency(rows), "50_ms": at_latency(rows)
    }  # fmt: skip
    if large:
        found["million"] = million()
    if drt:
        from benchmarks._drt import compare

        found["drt"] = compare(rows, found["no_latency"]["rows_per_s"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=100_000)
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--drt", action="store_true")
    given = parser.parse_args()
    print(json.dumps(measure(given.rows, large=given.million, drt=given.drt), indent=2))


if __name__ == "__main__":
    main()
