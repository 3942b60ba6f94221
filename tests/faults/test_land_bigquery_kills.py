"""A landing into BigQuery that is killed, then run again, ends where an undisturbed one ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.land.far import FarLanding, open_far
from tests.unit.land.scripted import assert_folds

SCRIPT = """
import sys
from pathlib import Path
from tailrace.land.cursors import REF
from tailrace.land.raw import DltWriter
from tests import emulator
from tests.unit.land.far import FarLanding, open_far
from tests.unit.land.scripted import Checkpoint, gone, page, row
address, path, dataset, near = sys.argv[1:]
warehouse = open_far(emulator.client(address), Path(path), int(near))
landing = FarLanding(warehouse, writer=DltWriter(), dataset=dataset)
known = warehouse.columns(REF)
if not known or not warehouse.query("SELECT count(*) FROM tailrace_meta.cursors WHERE resource = ?", [f"{dataset}.contacts"])[0][0]:
    landing.land(page(*(row(str(key), "a") for key in range(50)), at=1), position={"since": 1})
landing.land(
    page(*(row(str(key), "b", score="x" if key == 30 else "1") for key in range(25, 60)), at=2),
    gone("1", "2", at=3),
    position={"since": 2},
)
warehouse.local.close()
"""
LOG = ("_op", "_changed_at", "_changed_fields", "id", "email", "score", "score__v_text")


def run(client, path: Path, dataset: str, near: int, failpoint: str = "") -> int:
    address = client._connection.API_BASE_URL
    environment = {**os.environ, "PYTHONPATH": f"src{os.pathsep}.", "TAILRACE_FAILPOINT": failpoint}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, address, str(path), dataset, str(near)],
        env=environment, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode in (0, 137), done.stderr
    return done.returncode


def tables(client, path: Path, dataset: str, near: int) -> dict[str, list]:
    """What must be equal: all but raw's own numbering, run ids and times of arrival."""
    warehouse = open_far(client, path, near)
    try:
        landing = FarLanding(warehouse, dataset=dataset)
        assert_folds(landing)
        rows = {suffix: landing.rows(suffix, "id") for suffix in ("", "__keys")}
        raw = landing.rows("__raw", "_raw_seq")
        rows["__raw"] = sorted((one["id"], one["_version_at"], one["_deleted"]) for one in raw)
        rows["__changes"] = sorted(
            str([one[name] for name in LOG]) for one in landing.rows("__changes", "_seq")
        )
        return rows
    finally:
        warehouse.local.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, bigquery) -> dict[str, list]:
    path = tmp_path_factory.mktemp("undisturbed") / "w.duckdb"
    assert run(bigquery, path, "crm_undisturbed", 5000) == 0
    found = tables(bigquery, path, "crm_undisturbed", 5000)
    assert len(found[""]) == 58 and len(found["__changes"]) == 87 and len(found["__raw"]) == 87
    return found


POINTS = [
    *("extract@1", "extract@2", "extracted@2", "normalized@1", "normalized@2"),
    *("after_raw@2", "before_commit@1", "before_commit@2", "after_commit@1"),
]


@pytest.mark.parametrize(
    ("point", "near"),
    [(f"land:{point}", 5000) for point in POINTS]
    + [
        ("bigquery:sent@1", 5000),
        ("bigquery:sent@2", 5000),
        ("bigquery:sent@3", 5000),
        ("land:normalized@2", 0),
        ("land:before_commit@2", 0),
    ],
)
def test_a_kill_at_any_border_is_mended_by_the_next_run(tmp_path, bigquery, undisturbed, point, near):
    path = tmp_path / "w.duckdb"
    dataset = "crm_" + "".join(letter if letter.isalnum() else "_" for letter in f"{point}_{near}")
    assert run(bigquery, path, dataset, near, point) == 137
    assert run(bigquery, path, dataset, near) == 0
    assert tables(bigquery, path, dataset, near) == undisturbed
