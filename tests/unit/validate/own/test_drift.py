"""`no_drift`: planted drifts of every kind are found, equal spreads never alarm, and the PSI is the textbook's."""

from __future__ import annotations

import json
import math

import pytest
from tests.unit.validate.made import expect
from tests.unit.validate.own.gate import Gate

from tailrace.validate.own import spread


def numbers(n: int, seed: int, expression: str = "u * 100") -> str:
    """`u` is spread evenly over 0..1, in another order and with other values for every seed."""
    return (
        f"SELECT id, {expression} AS v, {seed} AS seed FROM (SELECT range AS id, hash(range * 7919 + {seed}) / 18446744073709551616.0 AS u"
        f" FROM range({n}))"
    )


def check(on_fail: str = "warn", where: str | None = None, **kwargs) -> dict:
    return expect("no_drift", on_fail, where, column="v", **kwargs)


def learned(warehouse, expression: str, n: int = 2000, runs: int = 3, item: dict | None = None) -> Gate:
    gate = Gate(warehouse, item or check())
    for seed in range(runs):
        assert gate(numbers(n, seed, expression)).observed == f"no history yet ({seed} of 3 runs)"
    return gate


SPREADS = {
    "even numbers": "u * 100",
    "skewed numbers": "exp(u * 8)",
    "mostly zero": "CASE WHEN u < 0.7 THEN 0 ELSE u END",
    "one value": "5",
    "with gaps": "CASE WHEN u < 0.3 THEN NULL ELSE u END",
    "whole numbers": "CAST(u * 4 AS INTEGER)",
    "decimals": "CAST(u AS DECIMAL(10, 4))",
    "texts": "chr(97 + CAST(floor(u * u * 12) AS INTEGER))",
    "many texts": "'t' || CAST(u * 1000000 AS INTEGER)",
    "booleans": "u < 0.2",
    "dates": "DATE '2026-11-01' - CAST(floor(u * 90) AS INTEGER)",
    "instants": "TIMESTAMP '2026-11-01' - to_hours(CAST(u * 2000 AS INTEGER))",
    "hostile texts": """CASE WHEN u < 0.5 THEN 'it''s {batch} :x %s \\ "q"' ELSE '}' || chr(10) || 'ü' END""",
}


@pytest.mark.parametrize("expression", SPREADS.values(), ids=SPREADS.keys())
def test_an_equal_spread_passes(warehouse, expression):
    gate = learned(warehouse, expression)
    for seed in range(10, 13):
        seen = gate(numbers(2000, seed, expression))
        assert seen.success, seen.reason
        assert seen.number < 0.1
        assert seen.observed.startswith("the PSI against ")


DRIFTS = {
    "a shift": ("u * 100", "u * 100 + 30", "above 99.97: "),
    "a scale": ("u * 100", "u * 1000", "above 99.97: "),
    "zeros": ("u * 100 + 1", "CASE WHEN u < 0.3 THEN 0 ELSE u * 100 + 1 END", "below 1: 29"),
    "missing": ("u * 100", "CASE WHEN u < 0.3 THEN NULL ELSE u * 100 END", "missing: "),
    "all missing": ("u * 100", "CAST(NULL AS DOUBLE)", "missing: 100.0%, usually 0.0%"),
    "one value less": ("5", "4", "below 5: 100.0%, usually 0.0%"),
    "one value more": ("5", "6", "above 5: 100.0%, usually 0.0%"),
    "nothing is missing now": ("CASE WHEN u < 0.5 THEN NULL ELSE u END", "u", "below 0.5001: 50"),
    "a new text": ("CASE WHEN u < 0.5 THEN 'a' ELSE 'b' END", "CASE WHEN u < 0.3 THEN 'n' ELSE 'a' END", "other values: 29"),
    "a lost text": ("CASE WHEN u < 0.5 THEN 'a' ELSE 'b' END", "'a'", "a: 100.0%, usually "),
    "booleans": ("u < 0.2", "u < 0.6", "true: "),
    "stale dates": ("DATE '2026-11-20' - CAST(floor(u * 30) AS INTEGER)", "DATE '2026-10-20' - CAST(floor(u * 30) AS INTEGER)", "above 30 days old: "),
    "not a number": ("u", "CASE WHEN u < 0.3 THEN 'nan'::DOUBLE ELSE u END", "missing: "),
}  # fmt: skip


@pytest.mark.parametrize(("usual", "now", "words"), DRIFTS.values(), ids=DRIFTS.keys())
def test_a_drift_is_found(warehouse, usual, now, words):
    gate = learned(warehouse, usual)
    seen = gate(numbers(2000, 77, now))
    assert (seen.success, seen.decision) == (False, "warn")
    assert seen.number > 0.2
    assert words in seen.observed
    assert seen.reason == f"v has drifted: {seen.observed}"


def test_the_psi_is_the_textbooks(warehouse):
    gate = learned(warehouse, "CASE WHEN u < 0.5 THEN 'a' ELSE 'b' END", 2000)
    rows = "SELECT range AS id, CASE WHEN range < 140 THEN 'a' WHEN range < 200 THEN 'b' END AS v FROM range(200)"
    kept = [json.loads(bins) for (bins,) in warehouse.query("SELECT bins FROM tailrace_meta.distributions")]
    usual = {value: sum(run["values"][value] for run in kept) / 3 for value in "ab"}
    seen = gate(rows)
    wanted = sum(
        (now - usual[value]) * math.log(now / usual[value]) for value, now in (("a", 0.7), ("b", 0.3))
    )
    assert seen.number == pytest.approx(wanted)


@pytest.mark.parametrize("rows", [1, 3, 199, 200, 201, 1000])
def test_points_stand_for_equal_parts(warehouse, rows):
    warehouse.execute(f"CREATE TABLE t AS SELECT range AS v FROM range({rows}) UNION ALL SELECT NULL")
    seen = spread.seen(warehouse, "t", spread.values_of("v", "BIGINT", None))
    assert seen["points"] == sorted(int((part + 0.5) / 200 * rows) for part in range(200))
    assert (seen["rows"], seen["low"], seen["high"]) == (rows + 1, 0, rows - 1)
    assert seen["nulls"] == pytest.approx(1 / (rows + 1))


def test_fewer_rows_have_fewer_bins_and_too_few_none(warehouse):
    gate = learned(warehouse, "u * 100", 100)
    for seed in range(10, 30):
        assert gate(numbers(100, seed)).success
    assert not gate(numbers(100, 99, "u * 50")).success
    assert gate(numbers(99, 99, "u * 50")).observed == "too few rows to tell (99 of 100)"
    assert gate(f"{numbers(99, 99)} LIMIT 0").observed == "too few rows to tell (0 of 100)"


def test_a_blocked_run_is_no_example_and_a_warned_one_is(warehouse):
    gate = learned(warehouse, "u * 100", item=check("block", runs=3))
    for seed in range(40, 44):
        assert not gate(numbers(2000, seed, "u * 300")).success
    assert gate(numbers(2000, 50)).success
    warehouse.execute("DELETE FROM tailrace_meta.distributions")
    gate = learned(warehouse, "u * 100", item=check("warn", runs=3))
    found = [gate(numbers(2000, seed, "u * 300")).success for seed in range(60, 66)]
    assert found[0] is False
    assert found[-1] is True


def test_conditions_have_histories_of_their_own(warehouse):
    gate = Gate(warehouse, check(), check(where="id % 2 = 0"))
    for seed in range(3):
        gate.all(numbers(2000, seed, "CASE WHEN id % 2 = 0 THEN u ELSE u + 5 END"))
    all_rows, some = gate.all(numbers(2000, 7, "CASE WHEN id % 2 = 0 THEN u + 5 ELSE u END"))
    assert (all_rows.success, some.success) == (True, False)


def test_personal_values_are_not_kept(warehouse):
    gate = Gate(warehouse, check(), personal=frozenset({"v"}))
    seen = gate(numbers(500, 1))
    assert seen.decision == "block"
    assert (
        seen.reason
        == "no_drift(v) could not be judged: no_drift keeps values of its column, and v is personal"
    )
    assert warehouse.tables("tailrace_meta").keys() & {"distributions"} == set()


@pytest.mark.parametrize("marked", ["v", "V"])
def test_what_was_kept_before_a_column_was_marked_goes(warehouse, marked):
    gate = Gate(warehouse, check(), expect("no_drift", "warn", column="id"))
    rows = numbers(500, 1).replace(" AS v,", f" AS {marked},")
    gate.all(rows)
    other = Gate(warehouse, expect("expect_table_row_count_to_equal", value=500), personal=frozenset({"v"}))
    other.now = gate.now
    other(rows)
    assert warehouse.query('SELECT "column" FROM tailrace_meta.distributions') == [("id",)]


def test_another_type_cannot_be_judged(warehouse):
    seen = Gate(warehouse, check())(numbers(500, 1, "[u]"))
    assert "no_drift knows numbers, texts, dates and booleans, v is DOUBLE[]" in seen.reason


def test_as_much_is_kept_as_can_be_asked_for(warehouse):
    from datetime import datetime, timedelta

    from tests.unit.validate.made import suite

    from tailrace.validate.own import history
    from tailrace.validate.own.declaration import Distribution

    start = datetime(2026, 1, 1)
    for number in range(history.MOST_RUNS + 5):
        one = Distribution("V", None, "{}", 1, f"c{number}")
        history.write(
            warehouse,
            suite(),
            [one, Distribution("v", "x", "{}", 1, "c")],
            f"r{number}",
            start + timedelta(hours=number),
        )
    count = 'SELECT count(*), min("at") FROM tailrace_meta.distributions WHERE "where" IS NULL'
    assert warehouse.query(count) == [(history.MOST_RUNS, start + timedelta(hours=5))]
