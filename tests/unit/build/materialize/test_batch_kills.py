"""kill -9 between and inside the batches of a microbatch model: readers see the old table or the new one, and the next build goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from tests.unit.build.materialize.plot import NOW, Plot

from tailrace.build.settings.snapshot import Snapshot

FIRST = "SELECT date_trunc('day', ts) AS ts, sum(v) AS v FROM {events} GROUP BY ALL"
OTHER = "SELECT date_trunc('day', ts) AS ts, -sum(v) AS v FROM {events} GROUP BY ALL"
POINTS = ("batch:before_commit", "batch:before_commit@4", "batch:after_commit@3", "batch:after_commit@10",
          "batch:before_swap", "batch:after_swap")  # fmt: skip


def laid(path, sql=FIRST):
    plot = Plot(path)
    plot.runs = 5
    if "events" not in plot.warehouse.tables("raw"):
        plot.runs = 0
        plot.land(
            "events",
            "CREATE TABLE raw.events AS SELECT TIMESTAMP '2026-01-01' + to_hours(i) AS ts, i AS v FROM range(200) AS t(i)",
        )
    plot.microbatch("daily", sql, {"events": "ts"})
    return plot


def killed(path, point, sql):
    """Build in a process of its own that dies at a failpoint."""
    script = f"from pathlib import Path; from tests.unit.build.materialize.test_batch_kills import laid; p = laid(Path({str(path)!r}), {sql!r}); p.runs = 8; p.build()"
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "TAILRACE_FAILPOINT": point},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 137, done.stderr


def rows(plot):
    return plot.rows("daily") if "daily" in plot.warehouse.tables("marts") else None


@pytest.fixture(scope="module")
def whole():
    """The rows of both texts, built at once."""
    found = {}
    for sql in (FIRST, OTHER):
        plot = laid(None, sql)
        plot.built()
        found[sql] = rows(plot)
        plot.warehouse.close()
    return found


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("standing", [False, True], ids=["the first time", "in place of other SQL"])
def test_a_rebuild_is_swapped_whole_and_goes_on(tmp_path, whole, point, standing):
    path = tmp_path / "w.duckdb"
    plot = laid(path)
    if standing:
        plot.built()
    plot.warehouse.close()
    killed(path, point, OTHER)
    plot = laid(path, OTHER)
    done = {"batch:before_commit": 0, "batch:before_commit@4": 3, "batch:after_commit@3": 3}.get(point, 10)
    swapped = point == "batch:after_swap"
    before = whole[FIRST] if standing else None
    assert rows(plot) == (whole[OTHER] if swapped else before)
    result = plot.build()["daily"]
    built = result.detail.get("batches", 0)
    assert (
        (result.status, built) == ("skipped", 0) if swapped else ("ok", 10 - done) == (result.status, built)
    )
    assert rows(plot) == whole[OTHER]
    assert plot.warehouse.tables("tailrace_stage") == {}
    plot.warehouse.close()


@pytest.mark.parametrize(("point", "left"), [("batch:before_commit@2", 2), ("batch:after_commit@2", 1)])
def test_restated_days_are_old_or_new_and_the_next_build_makes_the_rest(tmp_path, point, left):
    path = tmp_path / "w.duckdb"
    plot = laid(path)
    plot.built()
    plot.land("events", "UPDATE raw.events SET v = v + 1000 WHERE day(ts) IN (2, 4, 6)")
    plot.warehouse.close()
    killed(path, point, FIRST)
    plot = laid(path)
    found = plot.build()["daily"]
    assert (found.status, found.detail["batches"]) == ("ok", left)
    assert plot.warehouse.query("SELECT count(*) FROM marts.daily WHERE v > 20000") == [(3,)]
    assert plot.built() == []
    plot.warehouse.close()


KEPT = """
import sys
from pathlib import Path
from tests.unit.build.materialize.test_batch_kills import kept
plot = kept(Path(sys.argv[1]))
plot.runs = 8
plot.build()
"""


def kept(path):
    plot = Plot(path, NOW + timedelta(days=1))
    plot.snapshot("kept", "SELECT * FROM raw.people", reads=("people",),
                  **vars(Snapshot("check", ("id",))))  # fmt: skip
    return plot


@pytest.mark.parametrize("point", ["build:made", "build:before_commit", "build:after_commit"])
def test_a_killed_snapshot_has_its_old_versions_or_all_new_ones(tmp_path, point):
    path = tmp_path / "w.duckdb"
    plot = kept(path)
    plot.now = NOW
    plot.land("people", "CREATE TABLE raw.people AS SELECT 1 AS id, 'a' AS v")
    plot.built()
    plot.land("people", "UPDATE raw.people SET v = 'b'")
    plot.warehouse.close()
    done = subprocess.run(
        [sys.executable, "-c", KEPT, str(path)], env={**os.environ, "TAILRACE_FAILPOINT": point},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 137, done.stderr
    plot = kept(path)
    versions = [row[0] for row in plot.rows("kept", "v")]
    assert versions == (["a", "b"] if point == "build:after_commit" else ["a"])
    plot.build()
    assert plot.rows("kept", "v, dbt_valid_to IS NULL") == [("a", False), ("b", True)]
    plot.warehouse.close()
