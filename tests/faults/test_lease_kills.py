"""Workers on one state on Postgres that are killed, stopped, cut off or started at once: one works, and only with its lock."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest

from tests.postgres import running
from tests.unit.state.test_rate import most_in_a_window

SCRIPT = Path(__file__).with_name("hold_lease.py")
NAMES = count()
RUNS = "SELECT run_id, status, error FROM runs ORDER BY rowid"


class Worker:
    def __init__(self, world, run_id, lease, lock):
        command = [sys.executable, str(SCRIPT), world.url, world.schema, str(world.folder / run_id)]
        self.process = subprocess.Popen(
            [*command, str(lease), run_id, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.heard() == "ready"

    def heard(self) -> str:
        return self.process.stdout.readline().strip()

    def order(self, text: str) -> None:
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def told(self, text: str) -> str:
        self.order(text)
        return self.heard()

    def take(self) -> str:
        return self.told("go")

    def send(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=30)


class World:
    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.url, self.schema = server.url(), f"kills_{next(NAMES)}"
        self.workers = []

    def worker(self, run_id, *, lease=60.0, lock="run") -> Worker:
        self.workers.append(Worker(self, run_id, lease, lock))
        return self.workers[-1]

    def rows(self, sql: str) -> list[tuple]:
        return self.server.admin(sql, "state", self.schema)

    def facts(self) -> dict[str, str]:
        return dict(self.rows("SELECT name, value FROM facts"))


@pytest.fixture
def world(postgres, tmp_path):
    made = World(postgres, tmp_path)
    yield made
    [worker.end() for worker in made.workers]


def taken_by(world, run_id, *, within=30.0, **options) -> Worker:
    """Tries again, as a schedule does, until the lock is free."""
    deadline = time.monotonic() + within
    while True:
        worker = world.worker(run_id, **options)
        if (said := worker.take()) == "held":
            return worker
        assert said.startswith("LockHeld") and time.monotonic() < deadline, said
        worker.end()


def test_a_killed_holders_lease_ends_by_itself(world):
    first = world.worker("r1", lease=3.0)
    assert (first.take(), first.told("begin"), first.told("write a")) == ("held", "done", "done")
    first.send(signal.SIGKILL)
    first.process.wait(30)
    early = world.worker("r2", lease=3.0)
    said = early.take()
    assert re.match(
        rf"LockHeld: another run holds the run lock \(process {first.process.pid} on .*, run r1\)", said
    ), said
    assert re.search(r"killed, it holds the lock for [1-3] more seconds", said)
    second = taken_by(world, "r3", lease=3.0)
    assert (second.told("begin"), second.told("write b")) == ("done", "done")
    assert world.rows(RUNS) == [("r1", "failed", "killed"), ("r3", "running", None)]
    assert world.facts() == {"a": "r1", "b": "r3"}
    assert world.rows("SELECT token FROM leases") == [(2,)]


def test_of_workers_that_start_at_once_exactly_one_runs(world):
    workers = [world.worker(f"r{number}") for number in range(5)]
    for worker in workers:
        worker.order("go")
    said = [worker.heard() for worker in workers]
    assert said.count("held") == 1
    assert sum(text.startswith("LockHeld") for text in said) == 4
    winner = workers[said.index("held")]
    winner.told("leave")
    winner.process.wait(30)
    assert world.worker("again").take() == "held"


@pytest.mark.parametrize("taken", [True, False], ids=["taken over", "nobody came"])
def test_a_paused_holder_that_wakes_up_after_its_lease_writes_nothing(world, taken):
    first = world.worker("r1", lease=1.5)
    assert (first.take(), first.told("begin"), first.told("write a")) == ("held", "done", "done")
    first.send(signal.SIGSTOP)
    if taken:
        second = taken_by(world, "r2", lease=30.0)
        assert (second.told("begin"), second.told("write b")) == ("done", "done")
    else:
        time.sleep(2.5)
    before = (world.facts(), world.rows(RUNS), world.rows("SELECT token FROM leases"))
    assert before[0]["a"] == "r1" and before[2] == [(2 if taken else 1,)]
    first.send(signal.SIGCONT)
    for order in ("write a", "write c", "begin", "place 1"):
        assert first.told(order).startswith("LockLost: this run lost the run lock"), order
    first.told("leave")
    first.process.wait(30)
    assert (world.facts(), world.rows(RUNS), world.rows("SELECT token FROM leases")) == before
    if taken:
        assert second.told("write d") == "done", "the other one's lease is untouched"


def test_a_holder_paused_for_less_than_its_lease_goes_on(world):
    first = world.worker("r1", lease=4.0)
    assert first.take() == "held"
    first.send(signal.SIGSTOP)
    time.sleep(1.0)
    first.send(signal.SIGCONT)
    assert first.told("renewed 4.5") == "done"
    assert first.told("write a") == "done"


def test_one_budget_for_all_workers(world):
    workers = [world.worker(f"r{number}", lock=f"sync-{number}") for number in range(3)]
    for worker in workers:
        assert worker.take() == "held"
        worker.order("place 16")
    times = []
    for worker in workers:
        while (said := worker.heard()) != "done":
            times.append(float(said.removeprefix("took ")))
    assert len(times) == 48
    assert most_in_a_window(times, 0.499) <= 10


def test_a_server_that_goes_away_and_comes_back(tmp_path, postgres):
    """In mid-run: the holder stops with a message, or goes on where it was back in time; the next run repairs."""
    with running() as server:
        world = World(server, tmp_path)
        try:
            first = world.worker("r1", lease=4.0)
            assert (first.take(), first.told("begin"), first.told("write a")) == ("held", "done", "done")
            server.stop()
            said = first.told("write b")
            assert said.startswith("FatalError: "), said
            assert f"the state at postgresql://127.0.0.1:{server.port}/state" in said
            assert "correct-horse" not in said
            server.start()
            assert first.told("write c") == "done", "its lease has not ended"
            server.stop()
            time.sleep(5.0)
            server.start()
            assert first.told("write d").startswith("LockLost: ")
            second = taken_by(world, "r2")
            assert second.told("begin") == "done"
            assert world.rows(RUNS) == [("r1", "failed", "killed"), ("r2", "running", None)]
            assert world.facts() == {"a": "r1", "c": "r1"}
        finally:
            [worker.end() for worker in world.workers]


def test_a_connection_that_drops_unused_is_replaced(world):
    first = world.worker("r1")
    assert (first.take(), first.told("write a")) == ("held", "done")
    for _ in range(3):
        world.server.admin(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'worker' AND application_name = 'tailrace'"
        )
        assert first.told("write b") == "done"
    assert world.facts() == {"a": "r1", "b": "r1"}
