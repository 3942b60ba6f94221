"""1,000 models of five shapes: `tailrace build` against the same SQL straight through DuckDB, and what an edit costs.

    python -m benchmarks.build [--models N] [--rounds N]

Every figure is a whole process, start-up included: CPU seconds of all its threads, wall seconds, peak memory. Both sides of
the full build are alternated in one run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks._models import lay_out

PLAIN = """import json, sys, duckdb
con = duckdb.connect(sys.argv[1] + "/plain.duckdb")
for sql in json.load(open(sys.argv[1] + "/plain.json")):
    con.execute(sql)
con.close()
"""
ONE = """import json, sys, time, duckdb
con = duckdb.connect(sys.argv[1] + "/plain.duckdb")
sql = json.load(open(sys.argv[1] + "/plain.json"))[-1]
started = time.process_time()
con.execute(sql)
print(time.process_time() - started)
"""


@dataclass(frozen=True)
class Cost:
    """CPU and wall in seconds, peak memory in MB."""

    cpu: float
    wall: float
    peak: float
    out: str


def measured(command: list[str], cwd: Path) -> Cost:
    started = time.monotonic()
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, text=True) as process:
        out = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {out[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - started, usage.ru_maxrss / 1024, out)


def tailrace(root: Path, *args: str) -> Cost:
    return measured([sys.executable, "-m", "tailrace", *args, "-q"], root)


def built(cost: Cost) -> int:
    """How many models a build made."""
    return sum(step["status"] == "ok" for step in json.loads(cost.out)["steps"])


def full(folder: Path, count: int) -> tuple[Cost, Cost]:
    """The same SQL plain and through `tailrace build`, each on files of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    lay_out(folder, count)
    plain = measured([sys.executable, "-c", PLAIN, str(folder)], folder)
    ours = tailrace(folder, "build", "--json")
    assert built(ours) == count
    return plain, ours


def edited(root: Path, rounds: int, change: Callable[[str, int], str], expected: int) -> float:
    """Median CPU of a build after an edit of the newest model, which must make so many."""
    path = max((root / "models").glob("*.sql"))
    costs, text = [], path.read_text()
    for number in range(rounds):
        path.write_text(change(text, number))
        cost = tailrace(root, "build", "--json")
        assert built(cost) == expected, built(cost)
        costs.append(cost.cpu)
    return median(costs)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "p"
        pairs = [full(root, asked.models) for _ in range(asked.rounds)]
        one = float(measured([sys.executable, "-c", ONE, str(root)], root).out)
        idle = [tailrace(root, "build", "--json") for _ in range(asked.rounds)]
        assert {built(cost) for cost in idle} == {0}
        listing = median(tailrace(root, "ls", "--json").cpu for _ in range(asked.rounds))
        version = median(
            measured([sys.executable, "-m", "tailrace", "--version"], root).cpu for _ in range(asked.rounds)
        )
        comment = edited(root, asked.rounds, lambda text, n: f"-- {n}\n{text}", 0)
        leaf = edited(root, asked.rounds, lambda text, n: text.rstrip() + f"\nLIMIT {1000 + n}\n", 1)
    print(f"{asked.models:,} models; medians of {asked.rounds}")
    for side, found in (("DuckDB, the same SQL", 0), ("tailrace build", 1)):
        cpu, wall, peak = (
            median(getattr(pair[found], what) for pair in pairs) for what in ("cpu", "wall", "peak")
        )
        print(f"{side:<40}{cpu:8.2f} CPU s{wall:8.2f} s{peak:8.0f} MB")
    for what in ("cpu", "wall"):
        ratio = median(getattr(ours, what) / getattr(plain, what) for plain, ours in pairs)
        print(f"{'full build, ' + what:<40}{ratio:8.2f} x")
    memory = median(ours.peak - plain.peak for plain, ours in pairs)
    print(f"{'peak memory beside DuckDB':<40}{memory:8.0f} MB")
    print(f"{'unchanged build: 0 built':<40}{median(cost.cpu for cost in idle):8.2f} CPU s")
    print(f"{'comment-only edit: 0 built':<40}{comment:8.2f} CPU s")
    print(f"{'one leaf changed: 1 built':<40}{leaf:8.2f} CPU s, {leaf - one:.2f} beside its SQL")
    print(f"{'ls':<40}{listing:8.2f} CPU s")
    print(f"{'--version':<40}{version:8.2f} CPU s")


if __name__ == "__main__":
    main()
