"""Whether the last verdict still holds, and in words why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.unit.validate.made import Clock, between, expect, staged, suite

from tailrace.validate.run import judge
from tailrace.validate.standing import standing
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROWS = "SELECT range AS id, range AS score FROM range({})"
WANTED = suite(between("warn", max_value=190))
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def warehouse():
    opened = DuckDBWarehouse(None)
    judge(opened, WANTED, staged(opened, ROWS.format(200)), run_id="r1", now=Clock())
    yield opened
    opened.close()


def why(warehouse, wanted=WANTED, rows: int = 200, now: datetime = NOON) -> str:
    found = standing(warehouse, wanted, staged(warehouse, ROWS.format(rows)), now)
    assert bool(found.verdict) is not bool(found.why)
    return found.why


def test_the_same_rows_by_the_same_suite_keep_their_verdict(warehouse):
    assert why(warehouse) == ""
    assert why(warehouse, now=NOON.replace(year=2036)) == ""


def test_a_suite_that_was_never_run(warehouse):
    assert why(warehouse, replace(WANTED, name="other")) == "it was never judged"
    empty = DuckDBWarehouse(None)
    assert why(empty) == "it was never judged"
    empty.close()


def test_other_rows_and_another_suite(warehouse):
    assert why(warehouse, rows=199) == "model m has other rows since its verdict of 09:00 UTC"
    changed = suite(between("warn", max_value=191))
    assert why(warehouse, changed) == "the suite was changed since its verdict of 09:00 UTC"
    tomorrow = NOON.replace(day=22)
    assert (
        why(warehouse, changed, now=tomorrow)
        == "the suite was changed since its verdict of 2026-11-21 09:00 UTC"
    )


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (NOON.replace(hour=11, minute=59), ""),
        (NOON, "its verdict ran out at 12:00 UTC"),
        (NOON.replace(day=22), "its verdict ran out at 2026-11-21 12:00 UTC"),
    ],
)
def test_a_verdict_that_runs_out(warehouse, now, told):
    warehouse.execute("UPDATE tailrace_meta.verdicts SET valid_until = TIMESTAMP '2026-11-21 12:00:00'")
    assert why(warehouse, now=now) == told


def test_another_table_that_was_read(warehouse):
    warehouse.execute("CREATE TABLE main.known AS SELECT range AS id FROM range(300)")
    wanted = suite(expect("exists_in", column="id", table="main.known", to_column="id"))
    judge(warehouse, wanted, staged(warehouse, ROWS.format(200)), run_id="r2", now=Clock())
    assert why(warehouse, wanted) == ""
    warehouse.execute("DELETE FROM main.known WHERE id = 7")
    assert (
        why(warehouse, wanted) == "a table that it compares with was changed since its verdict of 09:00 UTC"
    )
    verdict, _ = judge(warehouse, wanted, staged(warehouse, ROWS.format(200)), run_id="r3", now=Clock())
    assert (verdict.decision, verdict.reused) == ("blocked", False)


def test_one_that_ran_out_is_judged_again(warehouse):
    warehouse.execute("UPDATE tailrace_meta.verdicts SET valid_until = TIMESTAMP '2026-11-21 08:00:00'")
    verdict, _ = judge(warehouse, WANTED, staged(warehouse, ROWS.format(200)), run_id="r2", now=Clock())
    assert not verdict.reused
    assert why(warehouse) == ""


def holding(warehouse, limit: float):
    """The last judgement holds rows 191 to 199 back, or is stopped since those are too many."""
    wanted = suite(between("quarantine", max_value=190), max_quarantined=limit)
    judge(warehouse, wanted, staged(warehouse, ROWS.format(200)), run_id="r2", now=Clock())
    return wanted


@pytest.mark.parametrize(
    "change",
    ["DROP TABLE {}", 'DELETE FROM {} WHERE "key" = 195', "UPDATE {} SET position = position + 1"],
)
def test_a_pass_stands_with_the_very_keys_that_it_held_back(warehouse, change):
    wanted = holding(warehouse, 1.0)
    assert why(warehouse, wanted) == ""
    warehouse.execute(change.format("tailrace_stage.held__scores"))
    assert why(warehouse, wanted) == "the keys of the rows that it held back are not here any more"


def test_a_block_stands_without_keys_since_nothing_is_sent(warehouse):
    wanted = holding(warehouse, 0.01)
    warehouse.execute("DROP TABLE tailrace_stage.held__scores")
    assert why(warehouse, wanted) == ""
    found = standing(warehouse, wanted, staged(warehouse, ROWS.format(200)), NOON)
    assert (found.verdict.decision, found.verdict.quarantined) == ("blocked", 9)
