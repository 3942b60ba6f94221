"""An error that nobody thought of, and values that fit no rule, block the one check; the others are judged."""

from __future__ import annotations

import pytest
from tests.unit.validate.made import between, expect
from tests.unit.validate.own.gate import Gate
from tests.unit.validate.own.test_parameters import HIGH, LOW, named, rows

from tailrace.project.spec import Parameter
from tailrace.validate import assess
from tailrace.validate.own import exists_in, registry

MOMENTS = "SELECT range AS id, TIMESTAMP '2026-01-01 10:00:00' + INTERVAL (range) DAY AS at FROM range(10)"


@pytest.mark.parametrize("part", ["ask", "tell"])
def test_an_error_of_one_check_blocks_it_alone(warehouse, monkeypatch, part):
    from dataclasses import replace

    def broken(*_):
        raise KeyError("surprise")

    checks = {**registry.CHECKS, "exists_in": replace(exists_in.CHECK, **{part: broken})}
    monkeypatch.setattr("tailrace.validate.own.asking.CHECKS", checks)
    warehouse.execute("CREATE TABLE known AS SELECT range AS id FROM range(100)")
    gate = Gate(
        warehouse, expect("exists_in", "warn", column="id", table="main.known"), between("warn", max_value=5)
    )
    one, other = gate.all(rows(22))
    assert one.decision == "block"
    assert one.reason.startswith("exists_in(id) could not be judged: KeyError: ")
    assert other.reason == "score is above 5: 10 rows"
    gate.all(rows(22))
    assert not gate.verdict.reused


def test_an_error_when_rows_are_named_blocks_it_alone(warehouse, monkeypatch):
    def broken(*_):
        raise IndexError("surprise")

    monkeypatch.setattr(assess, "hold", broken)
    gate = Gate(warehouse, between("quarantine", max_value=5), between("warn", max_value=5))
    one, other = gate.all(rows(22))
    assert one.reason.startswith(
        "expect_column_values_to_be_between(score) could not be judged: IndexError: "
    )
    assert (one.decision, other.decision) == ("block", "warn")


@pytest.mark.parametrize(
    ("item", "decision", "words"),
    [
        (expect("expect_column_values_to_match_regex", column="code", regex="^[0-9]{5}$", mostly=0.95), "pass",
         "in at least 95% of rows, code matches ^[0-9]{5}$"),
        (expect("expect_column_values_to_match_regex_list", column="code", regex_list=["^.{1,3}$", "x{share}"], mostly=0.5), "block",
         "in at least 50% of rows, code matches any of ^.{1,3}$, x{share}"),
        (expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="a{0}", column_B="b{}"), "pass",
         "a{0} is above b{} in every row"),
    ],
)  # fmt: skip
def test_braces_are_no_places_for_values(warehouse, item, decision, words):
    seen = Gate(warehouse, item)("""SELECT 1 AS id, '12345' AS code, 2 AS "a{0}", 1 AS "b{}" """)
    assert (seen.decision, seen.expected) == (decision, words)


BAD = [
    ("SELECT 'inf'::DOUBLE", "max_value must be a date or a number, not the number inf"),
    ("SELECT 'nan'::DOUBLE", "max_value must be a date or a number, not the number nan"),
    ("SELECT 'x'", ""),
    ("SELECT {'a': 1}", ""),
    ("SELECT -1", "nothing lies between 0 and -1"),
]


@pytest.mark.parametrize("kind", ["expect_column_max_to_be_between", "expect_column_mean_to_be_between"])
@pytest.mark.parametrize(("sql", "why"), BAD)
def test_a_bound_that_is_none_blocks(warehouse, kind, sql, why):
    item = expect(kind, "warn", column="score", min_value=0, max_value=HIGH)
    seen = Gate(warehouse, item, **named(Parameter("high", sql=sql)))(rows(5))
    assert seen.decision == "block"
    assert seen.reason.startswith(f"{kind}(score) could not be judged: {why}")


@pytest.mark.parametrize("kind", ["in_set", "not_be_in_set"])
@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT [1, NULL]", "value_set holds a NULL, which is equal to nothing"),
        ("SELECT CAST([] AS INT[])", "value_set is empty"),
    ],
)
def test_a_set_with_a_null_or_nothing_blocks(warehouse, kind, sql, why):
    name = f"expect_column_values_to_{'be_in_set' if kind == 'in_set' else kind}"
    item = expect(name, "warn", column="score", value_set={"$PARAMETER": "codes"})
    seen = Gate(warehouse, item, **named(Parameter("codes", sql=sql)))(rows(5))
    assert seen.reason == f"{name}(score) could not be judged: {why}"


@pytest.mark.parametrize(
    "kind",
    [
        "expect_column_values_to_be_between",
        "expect_column_max_to_be_between",
        "expect_column_min_to_be_between",
    ],
)
@pytest.mark.parametrize(
    ("low", "high", "success"),
    [
        ("2024-01-10 12:00:00", "2027-02-01", True),
        ("2026-01-01", "2026-01-09 12:00:00", False),
        ("2026-01-01", "2026-01-10 10:00:00", True),
    ],
)
def test_a_day_beside_an_instant_is_its_midnight(warehouse, kind, low, high, success):
    seen = Gate(warehouse, expect(kind, "warn", column="at", min_value=low, max_value=high))(MOMENTS)
    if kind == "expect_column_min_to_be_between":
        success = True
    assert (seen.success, seen.decision) == (success, "pass" if success else "warn")


def test_an_instant_without_a_zone_beside_one_with_it_is_utc(warehouse):
    kwargs = {"column": "at", "min_value": "2026-01-01T12:00:00+02:00", "max_value": "2026-01-09"}
    item = expect("expect_column_values_to_be_between", "warn", **kwargs)
    assert Gate(warehouse, item)(MOMENTS).unexpected == 2


def test_a_day_and_an_instant_of_parameters(warehouse):
    parameters = named(
        Parameter("low", sql="SELECT DATE '2024-01-01'"),
        Parameter("high", sql="SELECT TIMESTAMP '2027-01-01 00:00:00'"),
    )
    item = expect("expect_column_values_to_be_between", "warn", column="at", min_value=LOW, max_value=HIGH)
    assert Gate(warehouse, item, **parameters)(MOMENTS).decision == "pass"


def test_a_bound_from_what_its_own_check_observed_gets_a_history(warehouse):
    kind = "expect_column_max_to_be_between"
    high = Parameter("high", history="observed", of=kind, column="score", min_runs=2, take="max", times=1.5)
    gate = Gate(warehouse, expect(kind, "warn", column="score", max_value=HIGH), **named(high))
    seen = [gate(rows(200, top)) for top in (10, 20, 30, 46)]
    assert [(one.decision, one.observed, one.number) for one in seen] == [
        ("pass", "no history yet (0 of 2 runs)", 10),
        ("pass", "no history yet (1 of 2 runs)", 20),
        ("pass", "30", 30),
        ("warn", "46", 46),
    ]


def test_a_bound_of_our_own_check_gets_a_history(warehouse):
    age = Parameter("age", history="observed", of="fresh", column="at", min_runs=1)
    gate = Gate(warehouse, expect("fresh", "warn", column="at", max_age={"$PARAMETER": "age"}), **named(age))
    seen = gate("SELECT 1 AS id, TIMESTAMP '2026-11-20 21:00:00' AS at")
    assert (seen.decision, seen.observed) == ("pass", "no history yet (0 of 1 run)")
    assert seen.number == pytest.approx(12, abs=0.1)
    assert seen.expected == "fresh(at) holds"


def test_too_early_does_not_hide_that_it_cannot_be_asked(warehouse):
    kind = "expect_column_max_to_be_between"
    high = Parameter("high", history="observed", of=kind, column="lost", min_runs=2)
    seen = Gate(warehouse, expect(kind, "warn", column="lost", max_value=HIGH), **named(high))(rows(5))
    assert seen.reason == f"{kind}(lost) could not be judged: there is no column lost. Known: day, id, score"
