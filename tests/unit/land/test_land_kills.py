"""A landing that is killed, then run again, ends where an undisturbed one ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.land.scripted import Landing, assert_folds

from tailrace.warehouse.duckdb import DuckDBWarehouse

SCRIPT = """
import sys
from pathlib import Path
from tailrace.land.raw import DltWriter
from tests.unit.land.scripted import Checkpoint, gone, open_file, page, row
landing = open_file(Path(sys.argv[1]), writer=DltWriter())
if not landing.warehouse.tables("crm") or not landing.warehouse.query("SELECT count(*) FROM tailrace_meta.cursors")[0][0]:
    landing.land(page(*(row(str(key), "a") for key in range(50)), at=1), position={"since": 1})
landing.land(
    page(*(row(str(key), "b", score="x" if key == 30 else "1") for key in range(25, 60)), at=2),
    gone("1", "2", at=3),
    position={"since": 2},
)
landing.warehouse.close()
"""


def run(path: Path, failpoint: str = "") -> int:
    environment = {**os.environ, "PYTHONPATH": f"src{os.pathsep}.", "TAILRACE_FAILPOINT": failpoint}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode in (0, 137), done.stderr
    return done.returncode


def tables(path: Path) -> dict[str, list]:
    """What must be equal: all but raw's own numbering, run ids and times of arrival."""
    warehouse = DuckDBWarehouse(path)
    try:
        landing = Landing(warehouse)
        assert_folds(landing)
        rows = {suffix: landing.rows(suffix, "1, 2, 3, 4") for suffix in ("", "__keys", "__changes")}
        rows["__raw"] = sorted(
            (found["id"], found["_version_at"], found["_deleted"]) for found in landing.rows("__raw")
        )
        log = ("_op", "_changed_at", "_changed_fields", "id", "email", "score", "score__v_text")
        rows["__changes"] = sorted(str([change[name] for name in log]) for change in rows["__changes"])
        rows["cursor"] = warehouse.query("SELECT position FROM tailrace_meta.cursors")
        return rows
    finally:
        warehouse.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, list]:
    path = tmp_path_factory.mktemp("undisturbed") / "w.duckdb"
    assert run(path) == 0
    found = tables(path)
    assert len(found[""]) == 58 and len(found["__changes"]) == 87
    return found


@pytest.mark.parametrize(
    "point",
    [
        *("extract@1", "extract@2", "extracted@2", "normalized@1", "normalized@2"),
        *("after_raw@2", "before_commit@1", "before_commit@2", "after_commit@1"),
    ],
)
def test_a_kill_at_any_border_is_mended_by_the_next_run(tmp_path, undisturbed, point):
    path = tmp_path / "w.duckdb"
    assert run(path, f"land:{point}") == 137
    assert run(path) == 0
    assert tables(path) == undisturbed


@pytest.mark.parametrize("moment", ["before a job", "after a job", "before the package is closed"])
def test_a_kill_inside_dlt_leaves_its_package_to_nobody(tmp_path, undisturbed, moment):
    """What dlt had pending when it was killed is thrown away, never loaded in place of the next run's rows."""
    path = tmp_path / "w.duckdb"
    killed = SCRIPT.replace("landing = ", KILLED_IN_LOAD[moment] + "landing = ", 1)
    environment = {**os.environ, "PYTHONPATH": f"src{os.pathsep}."}
    done = subprocess.run(
        [sys.executable, "-c", killed, str(path)], env=environment, capture_output=True, timeout=60
    )
    assert done.returncode == 137
    assert list(tmp_path.glob("*.landing"))
    assert run(path) == 0
    assert not list(tmp_path.glob("*.landing"))
    assert tables(path) == undisturbed


KILLED_IN_LOAD = {
    "before a job": """
import os
from dlt.destinations.impl.duckdb.duck import DuckDbCopyJob
DuckDbCopyJob.run = lambda self: os._exit(137)
""",
    "after a job": """
import os
from dlt.destinations.impl.duckdb.duck import DuckDbCopyJob
whole = DuckDbCopyJob.run
DuckDbCopyJob.run = lambda self: (whole(self), os._exit(137))
""",
    "before the package is closed": """
import os
from dlt.load.load import Load
Load.complete_package = lambda self, *args, **more: os._exit(137)
""",
}
