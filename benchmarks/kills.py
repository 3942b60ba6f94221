"""kill -9 at random moments of a sync's three phases, then the same command again: rows lost, rows sent twice.

`python -m benchmarks.kills [KILLS] [SEED]`. 200 kills; real processes (tests/faults/deliver_once.py) against the sandbox. Each round changes
every score, kills the sync one to three times on its way, lets it end, and compares the CRM with the model row by row.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.vendors import Desk

from tailrace.sandbox.server import Sandbox
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROWS, BATCH, IN_FLIGHT = 2_000, 100, 4
SCRIPT = Path(__file__).parent.parent / "tests" / "faults" / "deliver_once.py"
START = 0.4
"""Of a whole run's time: kills fall behind it, since most of what lies before is imports."""


@dataclass
class Tally:
    """What 200 kills did. `most_twice`: of one kill; the bound is what can be in flight."""

    kills: int = 0
    fell: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    wrong: int = 0
    twice: int = 0
    most_twice: int = 0

    def document(self) -> dict[str, Any]:
        return {
            "kills": self.kills, "fell": dict(self.fell), "rows_lost": self.lost, "rows_wrong": self.wrong,
            "rows_sent_twice": self.twice, "most_twice_a_kill": self.most_twice, "bound_a_kill": BATCH * IN_FLIGHT,
        }  # fmt: skip


class World:
    """One sandbox, one warehouse; the model's scores change with every round."""

    def __init__(self, folder: Path, desk: Desk, dice: random.Random) -> None:
        self.folder, self.desk, self.dice = folder, desk, dice
        self.tally = Tally()
        self.number = 0
        self.took = 1.5
        records = [{"id": str(10_000 + i), "properties": {"email": f"p{i}@x.io"}} for i in range(ROWS)]
        desk.replace("hubspot", "contacts", records)
        desk.faults(
            {"vendor": "hubspot", "route": "*batch/update", "probability": 1, "seed": 1, "delay": 0.02}
        )

    def round(self, version: int, most: int) -> None:
        self.change(version)
        before = self.sent()
        kills = sum(self.killed() for _ in range(min(most, self.dice.randint(1, 3))))
        started = time.monotonic()
        assert self.start().wait(timeout=120) == 0
        self.took = time.monotonic() - started
        twice = self.sent() - before - ROWS
        self.tally.twice += max(0, twice)
        self.tally.most_twice = max(self.tally.most_twice, -(-twice // max(1, kills)))
        self.compare(version)

    def change(self, version: int) -> None:
        warehouse = DuckDBWarehouse(self.folder / "work.duckdb")
        warehouse.ensure_schema("marts")
        warehouse.execute(
            "CREATE OR REPLACE TABLE marts.lead_scores AS SELECT i AS contact_id, 'p' || i || '@x.io' AS email,"
            f" i % 100 + {version} AS score FROM range({ROWS}) t(i)"
        )
        warehouse.close()

    def start(self) -> subprocess.Popen[bytes]:
        self.number += 1
        url = self.desk.sandbox.base_url("hubspot")
        command = [sys.executable, str(SCRIPT), str(self.folder), url, "update", f"r{self.number:05}"]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def killed(self) -> int:
        """1 where the process was still there; says in which phase it was."""
        process, before = self.start(), len(self.desk.requests("hubspot", "batch/update"))
        time.sleep(self.dice.uniform(START, 1.0) * self.took)
        if process.poll() is not None:
            return 0
        process.send_signal(signal.SIGKILL)
        process.wait()
        sent = len(self.desk.requests("hubspot", "batch/update")) - before
        self.tally.fell["prepare" if not sent else "deliver" if sent < ROWS // BATCH else "settle"] += 1
        self.tally.kills += 1
        return 1

    def sent(self) -> int:
        return sum(self.desk.writes("hubspot", "contacts").values())

    def compare(self, version: int) -> None:
        there = {
            each["properties"]["email"]: each["properties"]
            for each in self.desk.records("hubspot", "contacts")
        }
        self.tally.lost += sum(
            there[f"p{i}@x.io"].get("lead_score") != str(i % 100 + version) for i in range(ROWS)
        )
        warehouse = DuckDBWarehouse(self.folder / "work.duckdb")
        wrong = warehouse.query(
            "SELECT count(*) FROM marts.lead_scores m LEFT JOIN tailrace_meta.ledger l ON l.primary_key = m.contact_id::VARCHAR"
            " WHERE l.status IS DISTINCT FROM 'acked' OR (l.acked_values->>'lead_score') IS DISTINCT FROM m.score::VARCHAR"
        )
        self.tally.wrong += int(wrong[0][0]) + abs(len(there) - ROWS)
        warehouse.close()


def measure(kills: int = 200, seed: int = 7) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, Sandbox.start(contacts=0, limits=False) as sandbox:
        world, version = World(Path(folder), Desk(sandbox), random.Random(seed)), 0
        while world.tally.kills < kills:
            version += 1
            world.round(version, kills - world.tally.kills)
    return {"load": round(os.getloadavg()[0], 1), "rounds": version, **world.tally.document()}


def main() -> None:
    given = [int(word) for word in sys.argv[1:]]
    print(json.dumps(measure(*given), indent=2))


if __name__ == "__main__":
    main()
