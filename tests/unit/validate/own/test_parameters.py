"""`{$PARAMETER: name}`: values from SQL and from earlier runs, filled in before anything is asked."""

from __future__ import annotations

import json

import pytest
from tests.unit.validate.made import between, expect
from tests.unit.validate.own.gate import Gate

from tailrace.project.spec import Parameter


def named(*parameters: Parameter) -> dict:
    return {"parameters": {parameter.name: parameter for parameter in parameters}}


def rows(count: int, high: int = 10, low: int = 0) -> str:
    return f"SELECT range AS id, {low} + range % {high - low + 1} AS score, DATE '2026-01-01' AS day FROM range({count})"


LOW, HIGH = {"$PARAMETER": "low"}, {"$PARAMETER": "high"}


def test_a_query_gives_the_value_and_what_was_asked_is_kept(warehouse):
    gate = Gate(
        warehouse,
        between(max_value=HIGH, on_fail="warn"),
        **named(Parameter("high", sql="SELECT max(score) - 1 FROM {batch};")),
    )
    seen = gate(rows(22))
    assert (seen.reason, seen.expected) == ("score is above 9: 2 rows", "every score is at most 9")
    kept = warehouse.query("SELECT kwargs, asked FROM tailrace_meta.validations")[0]
    assert [json.loads(text) for text in kept] == [
        {"column": "score", "max_value": 9},
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "score", "max_value": 9}},
    ]


@pytest.mark.parametrize(
    ("sql", "failing"),
    [
        ("SELECT CAST(9.5 AS DECIMAL(4, 2))", 2),
        ("SELECT 9.0::DECIMAL(4, 1)", 2),
        ("SELECT 4 UNION ALL SELECT 5 LIMIT 1", 12),
    ],
)
def test_numbers_of_every_type(warehouse, sql, failing):
    gate = Gate(warehouse, between(max_value=HIGH, on_fail="warn"), **named(Parameter("high", sql=sql)))
    assert gate(rows(22)).unexpected == failing


def test_lists_and_days_and_other_types_of_check(warehouse):
    warehouse.execute("CREATE TABLE grades AS SELECT range AS grade FROM range(9)")
    gate = Gate(
        warehouse,
        expect(
            "expect_column_values_to_be_in_set", "warn", column="score", value_set={"$PARAMETER": "grades"}
        ),
        expect("expect_column_max_to_be_between", "warn", column="day", min_value={"$PARAMETER": "newest"}),
        expect("fresh", "warn", column="day", max_age={"$PARAMETER": "age"}),
        **named(
            Parameter("grades", sql="SELECT list(grade ORDER BY grade) FROM grades"),
            Parameter("newest", sql="SELECT DATE '2026-01-02'"),
            Parameter("age", sql="SELECT '9' || '999d'"),
        ),
    )
    grades, newest, age = gate.all(rows(11))
    assert (grades.unexpected, newest.success, age.success) == (2, False, True)
    gate.all(rows(11))
    assert gate.verdict.reused
    warehouse.execute("INSERT INTO grades VALUES (9)")
    assert gate.all(rows(11))[0].unexpected == 1  # what the query reads has changed


BAD = [
    (Parameter("high", sql="SELECT 1, 2"), "parameter high must be one value, its query gives more"),
    (Parameter("high", sql="SELECT 1 UNION ALL SELECT 2"), "parameter high must be one value, its query gives more"),
    (Parameter("high", sql="SELECT NULL"), "parameter high has no value: its query gives none"),
    (Parameter("high", sql="SELECT 1 WHERE false"), "parameter high has no value: its query gives none"),
    (Parameter("high", sql="SELECT CAST('ann@x.io' AS INT)"), "parameter high: Conversion Error: Could not convert string '***' to INT32"),
    (Parameter("low", sql="SELECT 1"), "parameter high is not declared"),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "why"), BAD)
def test_a_value_that_is_not_there_blocks(warehouse, parameter, why):
    gate = Gate(warehouse, between("warn", max_value=HIGH), between("warn", min_value=0), **named(parameter))
    seen, other = gate.all(rows(5))
    assert seen.decision == "block"
    assert seen.reason.startswith(f"expect_column_values_to_be_between(score) could not be judged: {why}")
    assert other.decision == "pass"


def test_a_default_stands_in(warehouse):
    parameters = named(
        Parameter("high", sql="SELECT NULL", default=3),
        Parameter("low", history="rows", min_runs=2, default=2),
    )
    gate = Gate(warehouse, between("warn", min_value=LOW, max_value=HIGH), **parameters)
    assert gate(rows(11)).reason == "score is not between 2 and 3: 9 rows"


def test_a_wrong_value_for_our_own_check_blocks(warehouse):
    item = expect("row_count_near_history", "warn", min_share={"$PARAMETER": "high"})
    seen = Gate(warehouse, item, **named(Parameter("high", sql="SELECT 7")))(rows(5))
    assert seen.reason == "row_count_near_history() could not be judged: min_share must be from 0 to 1, not 7"


def test_rows_of_earlier_runs(warehouse):
    low = Parameter("low", history="rows", runs=3, min_runs=2, take="mean", times=0.5)
    item = expect("expect_table_row_count_to_be_between", "block", min_value=LOW)
    gate = Gate(warehouse, item, **named(low))
    assert [gate(rows(count)).observed for count in (100, 60)] == [
        "no history yet (0 of 2 runs)",
        "no history yet (1 of 2 runs)",
    ]
    assert gate(rows(41)).success  # (100 + 60) / 2 / 2 = 40
    assert gate(rows(33)).reason == "the number of rows is below 33.5: it is 33"  # (100 + 60 + 41) / 3 / 2
    assert not any(gate(rows(count)).success for count in (32, 31, 30))  # what was blocked does not count
    assert gate(rows(34)).success


TAKES = [
    ("mean", {}, 20), ("median", {}, 20), ("min", {}, 10), ("max", {}, 30), ("last", {}, 30),
    ("mean", {"times": 2, "plus": -5}, 35), ("mean", {"stddevs": -1}, 10),
]  # fmt: skip


@pytest.mark.parametrize(("take", "more", "value"), TAKES)
def test_one_number_of_what_was_observed(warehouse, take, more, value):
    source = expect("expect_column_max_to_be_between", "warn", column="score", min_value=0)
    high = Parameter("high", history="observed", of=source["type"], column="Score", take=take, **more)
    gate = Gate(warehouse, source, between("warn", max_value=HIGH), **named(high))
    for top in (10, 20, 30):
        gate.all(rows(200, top))
    gate.all(rows(100, 40))
    asked = warehouse.query(
        'SELECT kwargs FROM tailrace_meta.validations WHERE position = 1 ORDER BY "at" DESC LIMIT 1'
    )[0][0]
    assert json.loads(asked)["max_value"] == value


def test_the_first_runs_pass_and_say_so(warehouse):
    source = expect("expect_column_max_to_be_between", "warn", column="score", min_value=0)
    high = Parameter("high", history="observed", of=source["type"], column="score", min_runs=2)
    gate = Gate(warehouse, source, between("block", max_value=HIGH), **named(high))
    seen = [gate.all(rows(50, top))[1] for top in (10, 11, 12)]
    assert [(one.decision, one.observed) for one in seen[:2]] == [
        ("pass", "no history yet (0 of 2 runs)"),
        ("pass", "no history yet (1 of 2 runs)"),
    ]
    assert seen[2].decision == "block"


@pytest.mark.parametrize(
    ("item", "success"),
    [
        (expect("expect_table_row_count_to_be_between", "warn", min_value=5.5), False),
        (expect("expect_table_row_count_to_be_between", "warn", min_value=4.5, max_value=5.5), True),
        (expect("expect_table_row_count_to_be_between", "warn", max_value=4.9), False),
        (
            expect("expect_column_unique_value_count_to_be_between", "warn", column="score", min_value=5.01),
            False,
        ),
    ],
)
def test_bounds_of_counts_are_not_cut_down(warehouse, item, success):
    assert Gate(warehouse, item)(rows(5)).success is success


def test_no_count_equals_half_a_row(warehouse):
    seen = Gate(warehouse, expect("expect_table_row_count_to_equal", "warn", value=5.5))(rows(5))
    assert (
        seen.reason
        == "expect_table_row_count_to_equal() could not be judged: value must be a whole number, not 5.5"
    )
