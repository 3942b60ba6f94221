"""What is too old, or of a suite that is gone, is cleared; and where nothing is due nothing is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.validate.made import Clock, between, staged, suite

from tailrace.project.spec import Keeping
from tailrace.validate.audience import Audience
from tailrace.validate.held import held_table, quarantined_keys_sql
from tailrace.validate.retention import clear
from tailrace.validate.run import judge
from tailrace.validate.standing import standing
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROWS = "SELECT range AS id, range AS score FROM range({})"
KEEPING = Keeping(results_days=10, rows_days=3)
WANTED = suite(between("quarantine", max_value=195), between("warn", max_value=190))
STAGES = ["crm"]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def warehouse(clock):
    opened = DuckDBWarehouse(None)
    audience = Audience(keeping=KEEPING)
    judge(opened, WANTED, staged(opened, ROWS.format(198)), run_id="r1", now=clock, audience=audience)
    clock.at += timedelta(days=1)
    judge(opened, WANTED, staged(opened, ROWS.format(200)), run_id="r2", now=clock, audience=audience)
    yield opened
    opened.close()


def counts(warehouse) -> tuple[int, ...]:
    """Validations, samples, quarantine, its rows that are shown, verdicts."""
    return warehouse.query(
        "SELECT (SELECT count(*) FROM tailrace_meta.validations), (SELECT count(*) FROM tailrace_meta.validation_samples),"
        ' (SELECT count(*) FROM tailrace_meta.quarantine), (SELECT count("row") FROM tailrace_meta.quarantine),'
        " (SELECT count(*) FROM tailrace_meta.verdicts)"
    )[0]


def after(clock, **days) -> datetime:
    return clock.at + timedelta(**days)


def test_nothing_is_due_at_once(warehouse, clock):
    assert clear(warehouse, ["scores"], STAGES, KEEPING, after(clock, hours=1)) == 0
    assert counts(warehouse) == (4, 4 + 9, 4, 4, 1)


def test_rows_go_before_results_and_the_held_keys_stay(warehouse, clock):
    assert clear(warehouse, ["scores"], STAGES, KEEPING, after(clock, days=2)) == 1
    assert counts(warehouse) == (4, 13, 4, 2, 1)
    assert clear(warehouse, ["scores"], STAGES, KEEPING, after(clock, days=3)) == 2
    assert counts(warehouse) == (4, 0, 4, 0, 1)
    assert warehouse.query(f"SELECT count(*) FROM ({quarantined_keys_sql(warehouse, 'scores')})") == [(4,)]


@pytest.mark.parametrize(("samples", "left"), [(0, 0), (3, 6), (10, 13)])
def test_fewer_samples_trim_those_of_a_verdict_that_stands(warehouse, clock, samples, left):
    keeping = replace(KEEPING, samples=samples)
    assert clear(warehouse, ["scores"], STAGES, keeping, after(clock, hours=1)) == (left < 13)
    assert counts(warehouse)[1] == left
    assert clear(warehouse, ["scores"], STAGES, keeping, after(clock, hours=1)) == 0


def test_results_go_but_for_those_of_the_verdict_that_stands(warehouse, clock):
    clear(warehouse, ["scores"], STAGES, KEEPING, after(clock, days=400))
    assert warehouse.query("SELECT DISTINCT run_id FROM tailrace_meta.validations") == [("r2",)]
    table = staged(warehouse, ROWS.format(200))
    assert standing(warehouse, WANTED, table, after(clock, days=400)).verdict
    assert clear(warehouse, ["scores"], STAGES, KEEPING, after(clock, days=400)) == 0


def test_a_suite_that_is_gone_leaves_its_results_only(warehouse, clock):
    other = replace(WANTED, name="other")
    judge(warehouse, other, staged(warehouse, ROWS.format(200), "suite_other"), run_id="r3", now=clock)
    assert clear(warehouse, ["scores"], STAGES, KEEPING, after(clock, minutes=1)) == 5
    assert counts(warehouse) == (6, 13, 4, 4, 1)
    assert not warehouse.columns(held_table("other"))
    assert set(warehouse.tables("tailrace_stage")) == {"crm", "held__scores"}
    assert clear(warehouse, [], [], KEEPING, after(clock, minutes=1)) == 4
    assert counts(warehouse) == (6, 0, 0, 0, 0)
    # a sync's staged table is its own
    assert set(warehouse.tables("tailrace_stage")) == {"crm"}


def test_rows_that_are_not_to_be_kept_go_with_the_run(warehouse, clock):
    none = Keeping(rows_days=0)
    judge(warehouse, suite(between("quarantine", max_value=196)), staged(warehouse, ROWS.format(200)), run_id="r3",
          now=clock, audience=Audience(keeping=none))  # fmt: skip
    assert warehouse.query('SELECT count(*), count("row") FROM tailrace_meta.quarantine') == [(3, 0)]
    clear(warehouse, ["scores"], STAGES, none, clock())
    assert counts(warehouse)[1:4] == (0, 3, 0)


def test_an_idle_clearing_writes_no_file(tmp_path):
    path, clock = tmp_path / "w.duckdb", Clock()
    warehouse = DuckDBWarehouse(path)
    assert clear(warehouse, [], [], KEEPING, datetime.now(UTC)) == 0  # an empty warehouse
    judge(warehouse, WANTED, staged(warehouse, ROWS.format(200)), run_id="r1", now=clock)
    warehouse.close()
    before = path.read_bytes()
    warehouse = DuckDBWarehouse(path)
    assert clear(warehouse, ["scores"], STAGES, KEEPING, clock()) == 0
    warehouse.close()
    assert path.read_bytes() == before


def test_rows_are_kept_for_so_many_days_and_not_a_moment_longer(warehouse):
    [(seen,)] = warehouse.query(
        "SELECT DISTINCT first_seen_at FROM tailrace_meta.quarantine ORDER BY 1 LIMIT 1"
    )
    end = seen.replace(tzinfo=UTC) + timedelta(days=3)
    moment = timedelta(microseconds=1)
    assert clear(warehouse, ["scores"], STAGES, KEEPING, end - moment) == 0
    assert clear(warehouse, ["scores"], STAGES, KEEPING, end) == 1
    assert counts(warehouse)[3] == 2
    [(at,)] = warehouse.query('SELECT DISTINCT "at" FROM tailrace_meta.validation_samples')
    end = at.replace(tzinfo=UTC) + timedelta(days=3)
    clear(warehouse, ["scores"], STAGES, KEEPING, end - moment)
    assert counts(warehouse)[1] == 13
    clear(warehouse, ["scores"], STAGES, KEEPING, end)
    assert counts(warehouse)[1] == 0


def test_a_view_of_such_a_name_is_nobodys_copy(warehouse, clock):
    warehouse.execute("CREATE VIEW tailrace_stage.suite_old AS SELECT 1 AS id")
    assert clear(warehouse, ["scores"], STAGES, KEEPING, after(clock, hours=1)) == 0
    assert warehouse.tables("tailrace_stage")["suite_old"] == "view"
