"""`row_count_near_history`: what counts as history, and what is near it."""

from __future__ import annotations

import pytest
from tests.unit.validate.made import between, expect
from tests.unit.validate.own.gate import Gate


def rows(count: int, first: int = 0) -> str:
    return f"SELECT {first} + range AS id, range % 7 AS score FROM range({count})"


def check(on_fail: str = "block", where: str | None = None, **kwargs) -> dict:
    return expect("row_count_near_history", on_fail, where, **kwargs)


def test_the_first_runs_pass_and_say_so(warehouse):
    gate = Gate(warehouse, check())
    assert [gate(rows(count)).observed for count in (100, 1, 9)] == [
        "100 rows, no history yet (0 of 3 runs)",
        "1 row, no history yet (1 of 3 runs)",
        "9 rows, no history yet (2 of 3 runs)",
    ]
    fourth = gate(rows(4))
    assert (fourth.success, fourth.decision, fourth.number) == (False, "block", 4)
    assert (
        fourth.reason
        == "the number of rows is not near what it was: 4 rows, the median of 3 earlier runs is 9"
    )


@pytest.mark.parametrize(("count", "near"), [(49, False), (50, True), (200, True), (201, False), (0, False)])
def test_the_bounds_are_shares_of_the_median(warehouse, count, near):
    gate = Gate(warehouse, check())
    for before in (90, 100, 5000):  # one odd run moves a mean, not the median
        gate(rows(before))
    assert gate(rows(count)).success is near


def test_shares_and_runs_are_the_suites(warehouse):
    gate = Gate(warehouse, check("warn", min_share=0.99, max_share=1.01, runs=2, min_runs=2))
    for before in (500, 100, 101):
        gate(rows(before))
    assert gate(rows(102)).observed == "102 rows, the median of 2 earlier runs is 100"  # 500 is too long ago


def test_a_run_that_this_check_blocked_is_no_example(warehouse):
    gate = Gate(warehouse, check())
    for before in (100, 101, 102):
        gate(rows(before))
    for attempt in range(10, 25):  # as often as there are runs in the history
        assert not gate(rows(attempt)).success
    assert gate(rows(99)).success


def test_a_run_that_it_only_warned_of_is_the_new_normal(warehouse):
    gate = Gate(warehouse, check("warn", runs=3))
    for before in (100, 101, 102):
        gate(rows(before))
    assert [gate(rows(count)).success for count in (1000, 1001, 1002)] == [False, False, True]


def test_a_block_of_another_check_counts(warehouse):
    gate = Gate(warehouse, check(), between(max_value=1))
    for before in (100, 101, 102):
        gate(rows(before))
        assert gate.verdict.decision == "blocked"
    assert gate(rows(10)).success is False


def test_the_same_content_counts_once(warehouse):
    always = expect(
        "unexpected_rows_expectation", unexpected_rows_query="SELECT * FROM {batch} WHERE random() > 2"
    )
    gate = Gate(warehouse, check(), always)
    for _ in range(5):  # what reads random() is judged again each time
        assert gate(rows(100)).observed == "100 rows, no history yet (0 of 3 runs)"
    assert warehouse.query("SELECT count(DISTINCT run_id) FROM tailrace_meta.validations") == [(5,)]
    assert gate(rows(101)).observed == "101 rows, no history yet (1 of 3 runs)"


def test_runs_without_rows_do_not_count(warehouse):
    gate = Gate(warehouse, check(min_runs=1))
    assert gate(rows(0)).observed == "0 rows, no history yet (0 of 1 run)"
    assert gate(rows(7)).observed == "7 rows, no history yet (0 of 1 run)"
    assert gate(rows(8)).observed == "8 rows, the median of 1 earlier run is 7"


def test_under_a_condition_its_rows_are_compared(warehouse):
    gate = Gate(warehouse, check(where="score = 0", min_runs=2))
    for before in (70, 77):
        gate(rows(before))
    assert gate(rows(84)).observed == "12 rows, the median of 2 earlier runs is 10"
    assert gate("SELECT range AS id, 1 AS score FROM range(100)").success is False


def test_another_model_is_another_history(warehouse):
    from dataclasses import replace

    gate = Gate(warehouse, check(min_runs=1))
    gate(rows(100))
    gate.suite = replace(gate.suite, model="other")
    assert gate(rows(5)).observed == "5 rows, no history yet (0 of 1 run)"


@pytest.mark.parametrize(
    ("before", "min_share", "max_share", "count", "near"),
    [
        (100, 0.55, 1.1, 55, True),  # as floats 100 * 0.55 is above 55
        (100, 0.55, 1.1, 54, False),
        (100, 0.55, 1.1, 110, True),
        (100, 0.55, 1.1, 111, False),
        (100, 0.1, 1.15, 115, True),  # and 100 * 1.15 below 115
        (3, 0.5, 1.5, 1, False),
        (3, 0.5, 1.5, 2, True),
        (3, 0.5, 1.5, 4, True),
        (3, 0.5, 1.5, 5, False),
    ],
)
def test_a_share_of_the_median_is_exact(warehouse, before, min_share, max_share, count, near):
    gate = Gate(warehouse, check("warn", min_runs=1, min_share=min_share, max_share=max_share))
    gate(rows(before))
    assert gate(rows(count, first=1)).success is near


def test_runs_in_which_no_row_met_the_condition_do_not_count(warehouse):
    gate = Gate(warehouse, check("warn", where="score = 0", min_runs=1))
    none = "SELECT range AS id, 1 AS score FROM range(9)"
    assert gate(none).observed == "0 rows, no history yet (0 of 1 run)"
    assert gate(rows(70)).observed == "10 rows, no history yet (0 of 1 run)"
    assert gate(rows(77)).observed == "11 rows, the median of 1 earlier run is 10"
