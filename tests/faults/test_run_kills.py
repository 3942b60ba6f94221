"""kill -9 at any moment of `run`, then `run` again: the same warehouse and the same CRM as if nothing had happened.

One run after the other dies at the next boundary, so each is the repair of the one before it and is killed itself.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from tailrace.sandbox.server import Sandbox
from tests.faults.forked_runs import ForkedRuns
from tests.faults.run_worlds import Reader, World, assert_same

FIRST_ROUND = (
    "land:extract",
    "land:extracted",
    "land:normalized@2",
    "land:after_raw",
    "land:before_commit@3",
    "land:after_commit@2",
    "land:after_raw",
    "land:before_commit",
    "land:after_commit",
    "run:landed",
    "build:made@2",
    "build:before_commit",
    "build:after_commit",
    "run:built",
    "validate:judged",
    "validate:before_commit@2",
    "run:validated",
    "run:prepared",
    "publish:before_rename",
    "publish:after_rename",
    "run:published",
    "activate:staged",
    "activate:after_intent",
    "activate:after_answer --limit=40",
    "run:settled --limit=30",
    "publish:before_rename@2 --limit=30",
    "publish:after_rename@2 --limit=10",
    "run:delivered",
    "activate:before_merge",
    "activate:after_merge",
)
"""Where a run sends few rows, the next one has some left to send before it dies."""
SECOND_ROUND = ("land:before_commit@2", "validate:judged", "activate:after_answer", "activate:before_merge")
ROUNDS = (FIRST_ROUND, SECOND_ROUND)
RANDOM_KILLS = 8
IN_FLIGHT = {"activate:after_intent", "activate:after_answer"}
"""Kills that leave batches without a known answer; they are sent again."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    found = ForkedRuns(tmp_path_factory.mktemp("log"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox.start(contacts=150, limits=False) as found:
        yield found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, sandbox, runs):
    """What each round ends in where nobody kills anything, and how many lines its run logs."""
    world = World(tmp_path_factory.mktemp("undisturbed") / "acme", sandbox, runs)
    snapshots, lines = [], []
    for number in range(len(ROUNDS)):
        if number:
            world.advance()
        sent = world.run()["syncs"][0]["updated"]
        lines.append(world.lines())
        assert sent > 5, "a round in which nothing is sent proves nothing"
        assert (
            world.run()["syncs"][0]["requests"] == 0
        )  # it lands what was sent, as the run after a repair does
        snapshots.append(world.snapshot())
    return snapshots, lines


def repaired(world: World) -> None:
    """The run that repairs, and one more that has nothing left to send."""
    world.run()
    assert world.run()["syncs"][0]["requests"] == 0


def test_every_boundary_is_killed_here():
    source = Path(__file__).parents[2] / "src" / "tailrace"
    named = {
        name
        for path in source.rglob("*.py")
        for name in re.findall(r'[^_]reach\("([^"]+)"\)', path.read_text())
    }
    killed = {re.split("[@ ]", point)[0] for points in ROUNDS for point in points}
    # no part of this project's `run`: tests/e2e/test_landing.py, tests/unit/build/materialize/test_batch_kills.py,
    # tests/faults/test_bigquery_kills.py, tests/e2e/test_copy.py
    elsewhere = ("replay:", "batch:", "bigquery:", "complete:", "copy:")
    assert killed == {name for name in named if not name.startswith(elsewhere)}


def test_killed_at_every_boundary(tmp_path, sandbox, runs, undisturbed):
    world = World(tmp_path / "acme", sandbox, runs)
    reader = Reader(world)
    snapshots, _ = undisturbed
    for number, points in enumerate(ROUNDS):
        if number:
            world.advance()
        for point in points:
            world.die_at(*point.split())
        repaired(world)
        assert_same(world.snapshot(), snapshots[number])
        assert_nothing_left(world)
    again = sum(point.split()[0] in IN_FLIGHT for points in ROUNDS for point in points)
    assert world.most_writes() <= len(snapshots) + again
    opened, files, wrong = reader.end()
    assert not wrong
    assert opened > 10
    assert files > len(snapshots)


def test_killed_at_random_moments(tmp_path, sandbox, runs, undisturbed):
    dice = random.Random(20)
    world = World(tmp_path / "acme", sandbox, runs)
    reader = Reader(world)
    snapshots, lines = undisturbed
    killed = 0
    for number in range(2):
        if number:
            world.advance()
        for _ in range(RANDOM_KILLS // 2):
            moment = dice.randrange(lines[number]), dice.uniform(0, 0.03)
            killed += world.start().kill_at(*moment) < 0
        repaired(world)
        assert_same(world.snapshot(), snapshots[number])
        assert_nothing_left(world)
    assert killed >= RANDOM_KILLS // 2
    _, _, wrong = reader.end()
    assert not wrong


def assert_nothing_left(world: World) -> None:
    """No file of a killed run stays: no half copy, no landing package, no staged delivery."""
    state = world.root / ".tailrace" / "dev"
    left = {path.name for path in (*world.root.iterdir(), *state.iterdir())}
    assert not {name for name in left if name.endswith((".new", ".tmp", ".landing")) or ".publish-" in name}
    assert list((state / "deliveries").iterdir()) == []
