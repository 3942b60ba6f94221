"""What a judgement leaves in the warehouse: all of it, or nothing of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.validate.made import Clock, between, expect, staged, suite

from tailrace.project.spec import Keeping
from tailrace.validate.audience import Audience
from tailrace.validate.results import COLUMNS, SAMPLES, VALIDATIONS, ensure, failing_stages
from tailrace.validate.run import judge
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROWS = "SELECT range AS id, range AS score, 'p' || range AS name FROM range(200)"


@pytest.fixture
def warehouse():
    opened = DuckDBWarehouse(None)
    yield opened
    opened.close()


def row(warehouse, position: int) -> dict:
    names = list(warehouse.columns(VALIDATIONS))
    found = warehouse.query(f"SELECT * FROM {VALIDATIONS} WHERE position = ?", [position])
    return dict(zip(names, found[0], strict=True))


def test_a_row_says_what_was_asked_answered_and_whose_it_is(warehouse):
    wanted = suite(
        between("quarantine", max_value=197, where="id > 5"),
        expect("expect_column_mean_to_be_between", "warn", column="SCORE", min_value=0, max_value=200),
        owner="scoring@acme.example",
    )
    first, second = wanted.expectations
    wanted = replace(wanted, expectations=(first, replace(second, owner="data@acme.example")))
    judge(warehouse, wanted, staged(warehouse, ROWS), run_id="r1", now=Clock())
    bad, good = row(warehouse, 0), row(warehouse, 1)
    assert (bad["run_id"], bad["suite"], bad["model"], bad["stage"], bad["rows"]) == (
        "r1",
        "scores",
        "m",
        "crm",
        200,
    )
    assert (bad["decision"], bad["unexpected_count"], bad["where"]) == ("quarantine", 2, "id > 5")
    assert (bad["owner"], good["owner"]) == ("scoring@acme.example", "data@acme.example")
    assert json.loads(bad["kwargs"]) == {"column": "score", "max_value": 197}
    # as the suite says, and as the table spells it
    assert (json.loads(good["kwargs"])["column"], json.loads(good["asked"])["kwargs"]["column"]) == (
        "SCORE",
        "score",
    )
    assert json.loads(bad["asked"])["type"] == "expect_column_values_to_be_between"
    assert (good["observed_number"], bad["observed_number"]) == (99.5, None)
    assert good["query"] is None
    assert warehouse.query(bad["query"]) == [(198, 198, "p198"), (199, 199, "p199")]
    assert bad["description"]


def test_what_could_not_be_asked_has_no_question(warehouse):
    judge(
        warehouse,
        suite(between(column="scor", max_value=1)),
        staged(warehouse, ROWS),
        run_id="r1",
        now=Clock(),
    )
    found = row(warehouse, 0)
    assert (found["asked"], found["result"], found["query"], found["success"]) == (None, None, None, False)


def test_samples_are_those_of_the_last_judgement_and_no_more_than_wished(warehouse):
    audience = Audience(frozenset({"name"}), keeping=Keeping(samples=3))
    for limit, run in ((10, "r1"), (190, "r2")):
        wanted = suite(between("warn", max_value=limit), between("warn", max_value=1000))
        judge(warehouse, wanted, staged(warehouse, ROWS), run_id=run, now=Clock(), audience=audience)
    found = warehouse.query(f'SELECT run_id, position, number, "row" FROM {SAMPLES} ORDER BY number')
    assert [(run, position, number) for run, position, number, _ in found] == [
        ("r2", 0, 0),
        ("r2", 0, 1),
        ("r2", 0, 2),
    ]
    shown = [json.loads(text) for *_, text in found]
    assert {each["name"] for each in shown} == {"***"}
    assert all(each["score"] > 190 for each in shown)


def test_the_tables_where_something_failed_are_known(warehouse):
    assert failing_stages(warehouse) == []
    judge(warehouse, suite(between("warn", max_value=1)), staged(warehouse, ROWS), run_id="r1", now=Clock())
    assert failing_stages(warehouse) == [(TableRef("tailrace_stage", "crm"), "m")]
    judge(warehouse, suite(between("warn", max_value=999)), staged(warehouse, ROWS), run_id="r2", now=Clock())
    assert failing_stages(warehouse) == []


@pytest.mark.parametrize("lost", [name for name in COLUMNS[VALIDATIONS] if name not in ("run_id", "suite")])
def test_any_column_that_is_missing_is_added(warehouse, lost):
    ensure(warehouse)
    warehouse.execute(f'ALTER TABLE {VALIDATIONS} DROP COLUMN "{lost}"')
    warehouse.execute(f"INSERT INTO {VALIDATIONS} (run_id, suite) VALUES ('r0', 's')")
    ensure(warehouse)
    assert set(warehouse.columns(VALIDATIONS)) == set(COLUMNS[VALIDATIONS])
    assert warehouse.query(f'SELECT run_id, "{lost}" FROM {VALIDATIONS}') == [("r0", None)]


SCRIPT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tailrace.validate.run import judge
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tests.unit.validate.made import between, staged, suite
warehouse = DuckDBWarehouse(Path(sys.argv[1]))
limit = int(sys.argv[2])
wanted = suite(between("quarantine", max_value=limit), between("warn", max_value=limit - 1))
table = staged(warehouse, "SELECT range AS id, range AS score FROM range(200)")
judge(warehouse, wanted, table, run_id=f"r{limit}", now=lambda: datetime.now(UTC))
"""


def in_process(path: Path, limit: int, point: str = "") -> int:
    env = {**os.environ, "PYTHONPATH": str(Path.cwd()), "TAILRACE_FAILPOINT": point}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), str(limit)], env=env, timeout=60
    ).returncode


def everything(path: Path) -> dict:
    warehouse = DuckDBWarehouse(path, read_only=True)
    found = {
        str(ref): warehouse.query(f"SELECT * FROM {warehouse.dialect.table(ref)} ORDER BY ALL")
        for ref in (*COLUMNS, TableRef("tailrace_stage", "held__scores"))
    }
    warehouse.close()
    return found


def test_a_kill_at_any_point_leaves_the_judgement_before_whole(tmp_path):
    path = tmp_path / "w.duckdb"
    assert in_process(path, 197) == 0
    before = everything(path)
    assert [len(rows) for rows in before.values()] == [2, 5, 1, 2, 2]
    for point in ("validate:judged", "validate:before_commit"):
        assert in_process(path, 195, point) == 137
        assert everything(path) == before
    assert in_process(path, 195) == 0
    after = everything(path)
    assert {rows[0][0] for name, rows in after.items() if name.endswith(("samples", "quarantine"))} == {
        "r195"
    }
    assert [len(rows) for rows in after.values()] == [4, 4 + 5, 1, 4, 4]
