"""What each answer decides: nothing that is not proven good is let through, whatever the suite says of failures."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from tests.unit.validate.made import between, expect, staged, suite

from tailrace.validate.assess import assess
from tailrace.validate.question import Answer
from tailrace.validate.verdict import decide, too_many
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROWS = "SELECT range AS id, range % 50 AS score, 'u' || range AS name FROM range(200)"
UNIQUE = expect("expect_column_values_to_be_unique", column="id")
FILLED = expect("expect_column_values_to_not_be_null", column="id")


@pytest.fixture
def warehouse():
    opened = DuckDBWarehouse(None)
    yield opened
    opened.close()


def found(warehouse, select, *items, **more):
    return assess(
        warehouse, suite(*items, **more), staged(warehouse, select), now=datetime(2026, 11, 21).astimezone()
    )


def decided(on_fail: str, answer: Answer, held=None):
    check = decide(suite(between(on_fail, max_value=1)).expectations[0], answer, held)
    return check.decision, check.reason


FAILS = Answer(0, False, unexpected=3)


@pytest.mark.parametrize("on_fail", ["block", "quarantine", "warn"])
def test_what_raised_blocks_whatever_the_suite_says(on_fail):
    wanted = ("block", "expect_column_values_to_be_between(score) could not be judged: it broke")
    assert decided(on_fail, Answer(0, False, raised="it broke")) == wanted
    assert decided(on_fail, Answer(0, True, raised="it broke"), 0) == wanted


@pytest.mark.parametrize(
    ("description", "named"),
    [
        ("nobody has 3", 'unexpected_rows_expectation "nobody has 3"'),
        ("", "unexpected_rows_expectation (expectation 2)"),
    ],
)
def test_a_query_that_cannot_be_judged_is_told_from_its_neighbours(description, named):
    query = expect(
        "unexpected_rows_expectation", description=description, unexpected_rows_query="FROM {batch}"
    )
    item = suite(between(), query).expectations[1]
    assert (
        decide(item, Answer(1, False, raised="it broke"), None).reason
        == f"{named} could not be judged: it broke"
    )


@pytest.mark.parametrize(
    ("on_fail", "held", "decision", "more"),
    [
        ("warn", None, "warn", ""),
        ("block", None, "block", ""),
        ("quarantine", 3, "quarantine", ""),
        ("quarantine", 2, "block", ", and they cannot be held back: 3 rows fail, 2 were found"),
        ("quarantine", None, "block", ", and they cannot be held back: 3 rows fail, None were found"),
        ("quarantine", "the key repeats", "block", ", and they cannot be held back: the key repeats"),
    ],
)
def test_a_failure_is_what_the_suite_says(on_fail, held, decision, more):
    assert decided(on_fail, FAILS, held) == (decision, f"score is above 1: 3 rows{more}")


def test_a_failure_without_a_count_is_never_held_back():
    assert decided("quarantine", Answer(0, False), None)[0] == "block"


def test_what_was_seen_is_told_only_as_a_number():
    one = suite(expect("expect_column_max_to_be_between", "warn", column="name", min_value=0)).expectations[0]
    reasons = [
        decide(one, Answer(0, False, observed=text), None).reason
        for text in ("12.5", "-3", "Ann", "['Ann']", None)
    ]
    assert reasons == [
        "the highest name is below 0: it is 12.5",
        "the highest name is below 0: it is -3",
        "the highest name is below 0",
        "the highest name is below 0",
        "name has no values",
    ]


@pytest.mark.parametrize(
    ("observed", "low", "said"),
    [
        ("19.50657894736842", 20, "19.51"),
        ("39.99800000000001", 40, "39.998"),
        ("0.00000123456789", 1, "0.000001"),
        ("49.905", 60, "49.905"),
        ("123456789012345", 1, "123456789012345"),
    ],
)
def test_a_long_number_is_rounded_but_never_to_the_other_side_of_a_limit(observed, low, said):
    one = suite(expect("expect_column_mean_to_be_between", "warn", column="score", min_value=low))
    reason = decide(one.expectations[0], Answer(0, False, observed=observed), None).reason
    assert reason == f"the mean of score is below {low}: it is {said}"


@pytest.mark.parametrize(
    ("held", "rows", "share", "stops"),
    [
        (5, 100, 0.05, False),
        (6, 100, 0.05, True),
        (99, 99, 0.05, False),
        (1, 100, 0.0, True),
        (0, 100, 0.0, False),
        (100, 100, 1.0, False),
        (29, 100, 0.29, False),  # as floats 0.29 * 100 is below 29
        (30, 100, 0.29, True),
        (63, 180, 0.35, False),
        (7, 1000, 0.7 / 100, False),
    ],
)
def test_how_many_held_back_stop_the_table(held, rows, share, stops):
    assert bool(too_many(suite(max_quarantined=share), held, rows)) is stops


KEYS = [
    (f"{ROWS} UNION ALL SELECT 7, 1, 'x'", "key id repeats (1 row too many), so rows cannot be told apart"),
    (f"{ROWS} UNION ALL SELECT NULL, 1, 'x'", "key id is NULL in 1 row, so rows cannot be told apart"),
]


@pytest.mark.parametrize(("select", "reason"), KEYS)
@pytest.mark.parametrize(
    "items", [(between("warn", max_value=1),), (UNIQUE | {"on_fail": "warn"}, FILLED | {"on_fail": "warn"})]
)
def test_a_key_that_names_no_row_blocks_without_any_quarantine(warehouse, select, reason, items):
    seen = found(warehouse, select, *items)
    assert (seen.decision, seen.reasons) == ("blocked", (reason,))


def test_a_key_that_is_proven_is_not_counted_again(warehouse):
    asked = []
    query = warehouse.query
    warehouse.query = lambda sql, params=(): asked.append(sql) or query(sql, params)
    found(warehouse, ROWS, UNIQUE, FILLED)
    assert not [sql for sql in asked if "count(DISTINCT" in sql and '"id"' in sql]
    found(warehouse, ROWS, UNIQUE)
    assert [sql for sql in asked if "count(DISTINCT" in sql and '"id"' in sql]


def test_a_proof_of_some_rows_is_none(warehouse):
    items = [item | {"where": "id < 100"} for item in (UNIQUE, FILLED)]
    seen = found(warehouse, f"{ROWS} UNION ALL SELECT 150, 1, 'x'", *items)
    assert seen.reasons == ("key id repeats (1 row too many), so rows cannot be told apart",)


def test_a_satisfied_mostly_holds_nothing_back(warehouse):
    """The check passes, so its rows are good enough; what fails beyond the share is held back whole."""
    allowed = between("quarantine", max_value=47, mostly=0.95)
    seen = found(warehouse, ROWS, allowed, max_quarantined=1)
    assert (seen.checks[0].decision, seen.checks[0].answer.unexpected, seen.held) == ("pass", 8, 0)
    seen = found(
        warehouse, ROWS, allowed | {"kwargs": {**allowed["kwargs"], "mostly": 0.97}}, max_quarantined=1
    )
    assert (seen.checks[0].decision, seen.held) == ("quarantine", 8)


def test_a_row_that_fails_twice_is_held_back_once(warehouse):
    seen = found(
        warehouse,
        ROWS,
        between("quarantine", max_value=47),
        between("quarantine", max_value=48),
        max_quarantined=1,
    )
    assert [check.answer.unexpected for check in seen.checks] == [8, 4]
    assert seen.held == 8


def test_one_that_raises_leaves_the_others_their_verdicts(warehouse):
    broken = expect("expect_column_values_to_match_regex", "warn", column="name", regex="(")
    seen = found(warehouse, ROWS, between(min_value=0), broken, between("warn", max_value=48))
    assert [check.decision for check in seen.checks] == ["pass", "block", "warn"]
    assert not seen.lasting


def test_an_assessment_is_bound_by_the_first_end(warehouse):
    rows = "SELECT range AS id, DATE '2026-11-20' AS day, TIMESTAMP '2026-11-20 20:00:00' AS at FROM range(2)"
    items = [
        expect("fresh", "warn", column="day", max_age="3d"),
        expect("fresh", "warn", column="at", max_age="6h"),
    ]
    seen = found(warehouse, rows, *items)
    assert seen.valid_until == datetime(2026, 11, 21, 2)
    assert found(warehouse, rows, items[0]).valid_until == datetime(2026, 11, 24)
    assert found(warehouse, rows, between("warn", column="id", min_value=0)).valid_until is None


def test_parameters_are_those_of_the_suite(warehouse):
    seen = found(
        warehouse, ROWS, between("warn", max_value={"$PARAMETER": "x"}), between("warn", min_value=0)
    )
    assert (
        seen.checks[0].reason
        == "expect_column_values_to_be_between(score) could not be judged: parameter x is not declared"
    )
    assert seen.reasons == (seen.checks[0].reason,)
    assert replace(seen, reasons=()).decision == "pass"


@pytest.mark.parametrize(
    "rows", ["1 AS id, 1.0 AS score WHERE false", "1 AS id, CAST(NULL AS DOUBLE) AS score"]
)
@pytest.mark.parametrize("kind", ["max", "min", "mean", "median", "sum", "stdev"])
def test_nothing_is_not_too_much_or_too_little(warehouse, rows, kind):
    item = expect(f"expect_column_{kind}_to_be_between", column="score", min_value=1, max_value=2)
    told = {**item, "description": "scores are off"}
    found = assess(warehouse, suite(item, told), staged(warehouse, f"SELECT {rows}")).checks
    assert [check.reason for check in found] == ["score has no values", "scores are off: score has no values"]
    assert {check.decision for check in found} == {"block"}
