"""What is finished is told at once and kept by Ctrl-C, and a statement that runs is stopped."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.unit.build.test_build_run import EVERY, Yard

from tailrace.build.run import build
from tailrace.events import Progress, listening
from tailrace.warehouse.base import TableRef

LARGE = "SELECT count(*) AS n FROM range(1100) AS a, range(1000) AS b, people"
ENDLESS = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT (n + 1) % 5 FROM t) SELECT count(*) AS n FROM t, people"
"""Of which the engine expects little."""

INTERRUPTED = """
import os, signal, sys, threading
from pathlib import Path
from tailrace import interrupts
from tailrace.build.run import build
from tailrace.events import StepStarted, listening
from tests.unit.build.test_build_run import NOW, Yard, compiled

yard = Yard(Path(sys.argv[1]), Path(sys.argv[2]))
yard.write("models/marts/slow.sql", sys.argv[3])
graph = compiled(yard.root)

def hear(event):
    if isinstance(event, StepStarted) and event.name == "slow":
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()

def tell(results):
    print(*(f"{result.name} {result.status}" for result in results), sep="\\n", flush=True)

interrupts.install()
try:
    with listening(hear):
        build(yard.warehouse, graph, set(graph.nodes), root=yard.root, run_id="r", now=lambda: NOW, tell=tell)
except KeyboardInterrupt:
    yard.warehouse.close()
    sys.exit(130)
"""


@pytest.fixture
def yard(tmp_path):
    found = Yard(tmp_path / "p")
    yield found
    found.warehouse.close()


def heard(yard):
    """What is told, among the statements that make tables."""
    said, run, graph = [], yard.warehouse._run, yard.graph()

    def spied(sql, params):
        if sql.startswith("CREATE OR REPLACE TABLE"):
            said.append(f"makes {sql.split('.')[1].split()[0]}".replace('"', ""))
        return run(sql, params)

    yard.warehouse._run = spied
    build(
        yard.warehouse, graph, set(graph.nodes), root=yard.root, run_id="r", now=lambda: yard.now,
        tell=lambda results: said.append([result.name for result in results]),
    )  # fmt: skip
    yard.warehouse._run = run
    return said


def test_small_models_are_told_before_a_large_one_is_begun(yard):
    yard.write("models/marts/slow.sql", LARGE)
    said = heard(yard)
    before = said[: said.index("makes slow")]
    assert "people" in before[-1]
    assert sum(isinstance(one, list) for one in before) == 1


def test_small_models_are_told_together(yard):
    order = list(yard.graph().order)
    assert [one for one in heard(yard) if isinstance(one, list)] == [order]
    assert heard(yard) == [order], "nothing to do is told at once"


def test_a_failure_is_told_in_its_place(yard):
    yard.write("models/marts/money.sql", "SELECT nope FROM {{ ref('stg_deals') }}")
    told = [name for one in heard(yard) if isinstance(one, list) for name in one]
    assert told == list(yard.graph().order)


def test_progress_tells_how_far_before_each_model(yard):
    events = []
    with listening(events.append):
        yard.build()
    counts = [event.done for event in events if isinstance(event, Progress)]
    assert counts == [number for pair in zip(range(7), range(1, 8), strict=True) for number in pair]
    assert {event.total for event in events if isinstance(event, Progress)} == {len(EVERY)}


@pytest.mark.parametrize("sql", [ENDLESS, LARGE.replace("1000", "1000000000")], ids=["small", "large"])
def test_an_interruption_stops_the_statement_and_keeps_what_is_finished(tmp_path, sql):
    """The endless one shares a transaction with what was built before it."""
    path = tmp_path / "w.duckdb"
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path / "p"), str(path), sql],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    told = done.stdout.splitlines()
    assert "people ok" in told
    assert not any(line.startswith("slow") for line in told)
    after = Yard.__new__(Yard)
    after.root, after.now, after.runs = tmp_path / "p", Yard(tmp_path / "other").now, 1
    from tailrace.warehouse.duckdb import DuckDBWarehouse

    after.warehouse = DuckDBWarehouse(path)
    kept = {row[0] for row in after.warehouse.query("SELECT model FROM tailrace_meta.models")}
    assert {f"{name} ok" for name in kept} == set(told)
    assert after.warehouse.columns(TableRef("marts", "slow")) == {}
    after.write("models/marts/slow.sql", "SELECT count(*) AS n FROM people")
    assert after.built() == sorted({*EVERY, "slow"} - kept)
    after.warehouse.close()
