"""kill -9 at any moment of a sync, then the same again: nothing lost, at most what was in flight sent twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tailrace.sandbox.server import Sandbox
from tailrace.state import journal
from tailrace.state.sqlite import SQLiteStore
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tests.conformance.vendors import Desk

ROWS = 3_000
IN_FLIGHT = 4 * 100
VERSIONS, KILLS = 3, 3
SCRIPT = Path(__file__).with_name("deliver_once.py")
POINTS = (
    "activate:staged",
    "activate:after_intent@7",
    "activate:after_answer@7",
    "activate:before_merge",
    "activate:after_merge",
)


@pytest.fixture(scope="module")
def desk():
    with Sandbox.start(contacts=0, limits=False) as sandbox:
        yield Desk(sandbox)


@pytest.fixture
def folder(tmp_path, desk):
    desk.reset()
    warehouse = DuckDBWarehouse(tmp_path / "work.duckdb")
    warehouse.ensure_schema("marts")
    warehouse.execute(
        "CREATE TABLE marts.lead_scores AS SELECT i AS contact_id, 'p' || i || '@x.io' AS email, i % 100 AS score"
        f" FROM range({ROWS}) t(i)"
    )
    warehouse.close()
    return tmp_path


def seeded(desk, n):
    desk.replace(
        "hubspot",
        "contacts",
        [{"id": str(10_000 + i), "properties": {"email": f"p{i}@x.io"}} for i in range(n)],
    )


def start(folder, desk, mode, number, point=""):
    command = [
        sys.executable,
        str(SCRIPT),
        str(folder),
        desk.sandbox.base_url("hubspot"),
        mode,
        f"r{number:03}",
    ]
    env = {**os.environ, "TAILRACE_FAILPOINT": point}
    return subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)


def finish(process):
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err[-2000:]


def assert_all_arrived(folder, desk, mode, version=0):
    warehouse = DuckDBWarehouse(folder / "work.duckdb")
    ledger = {
        key: (status, remote)
        for key, status, remote in warehouse.query(
            "SELECT primary_key, status, remote_id FROM tailrace_meta.ledger"
        )
    }
    logged = warehouse.query("SELECT count(DISTINCT key) FROM tailrace_meta.sync_log WHERE answer = 'acked'")
    warehouse.close()
    assert len(ledger) == ROWS
    assert {status for status, _ in ledger.values()} == {"acked"}
    contacts = {record["id"]: record["properties"] for record in desk.records("hubspot", "contacts")}
    assert len(contacts) == ROWS
    for i in range(ROWS):
        mine = contacts[ledger[str(i)][1]]
        assert (mine["email"], mine["lead_score"]) == (f"p{i}@x.io", str(i % 100 + version))
    assert logged == [(ROWS,)]
    store = SQLiteStore(folder / "state.db")
    assert journal.deliveries(store) == []
    store.close()
    assert list((folder / "stage").iterdir()) == []


def rows_sent(desk):
    return sum(desk.writes("hubspot", "contacts").values())


@pytest.mark.parametrize(
    ("mode", "point"),
    [*(("update", point) for point in POINTS), ("insert", POINTS[1]), ("insert", POINTS[2])],
)
def test_killed_at_every_boundary(folder, desk, mode, point):
    seeded(desk, ROWS if mode == "update" else 0)
    process = start(folder, desk, mode, 1, point)
    process.communicate(timeout=60)
    assert process.returncode == 137, "the failpoint was never reached"
    finish(start(folder, desk, mode, 2))
    assert_all_arrived(folder, desk, mode)
    assert rows_sent(desk) <= ROWS + (0 if mode == "insert" else IN_FLIGHT)


def test_killed_at_random_moments(folder, desk):
    """Two versions of the model; each is killed on its way up to three times before it may finish."""
    dice = random.Random(11)
    seeded(desk, ROWS)
    desk.faults({"vendor": "hubspot", "route": "*batch/update", "probability": 1, "seed": 1, "delay": 0.03})
    kills = number = 0
    for version in range(VERSIONS):
        change_every_score(folder, version)
        sent_before = rows_sent(desk)
        killed = 0
        for _ in range(KILLS):
            number += 1
            killed += killed_on_its_way(start(folder, desk, "update", number), desk, dice)
        number += 1
        finish(start(folder, desk, "update", number))
        assert_all_arrived(folder, desk, "update", version)
        assert rows_sent(desk) - sent_before <= ROWS + killed * IN_FLIGHT
        kills += killed
    assert kills >= VERSIONS


def change_every_score(folder, version):
    warehouse = DuckDBWarehouse(folder / "work.duckdb")
    warehouse.execute(f"UPDATE marts.lead_scores SET score = contact_id % 100 + {version}")
    warehouse.close()


def killed_on_its_way(process, desk, dice):
    """Kill after a random number of further requests, or let it end; True where it was killed."""
    wanted = len(desk.requests("hubspot", "batch/update")) + dice.randrange(0, 12)
    while process.poll() is None and len(desk.requests("hubspot", "batch/update")) < wanted:
        time.sleep(0.005)
    time.sleep(dice.random() * 0.03)
    alive = process.poll() is None
    if alive:
        process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    return alive
