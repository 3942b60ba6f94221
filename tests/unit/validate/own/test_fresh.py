"""`fresh`: how old the newest value is, and until when that holds."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.unit.validate.made import expect
from tests.unit.validate.own.gate import Gate

# judged on 2026-11-21 at 09:01 UTC
WHEN = [
    ("TIMESTAMP '2026-11-20 09:01:00'", True, "the newest is 2026-11-20 09:01 UTC, 24 hours old", "2026-11-21 09:01"),
    ("TIMESTAMP '2026-11-20 09:00:59'", False, "the newest is 2026-11-20 09:00 UTC, 24 hours old", None),
    ("TIMESTAMP '2026-11-22 09:01:00'", True, "the newest is 2026-11-22 09:01 UTC, in the future", "2026-11-23 09:01"),
    ("TIMESTAMP '2026-11-22 09:02:00'", False, "the newest is 2026-11-22 09:02 UTC, in the future", "2026-11-21 09:02"),
    ("TIMESTAMPTZ '2026-11-20 10:30:00+01:00'", True, "the newest is 2026-11-20 09:30 UTC, 24 hours old", "2026-11-21 09:30"),
    ("TIMESTAMPTZ '2026-11-20 09:30:00+01:00'", False, "the newest is 2026-11-20 08:30 UTC, 25 hours old", None),
    ("DATE '2026-11-20'", True, "the newest is 2026-11-20, 9 hours old", "2026-11-22 00:00"),
    ("DATE '2026-11-19'", False, "the newest is 2026-11-19, 33 hours old", None),
    ("DATE '2026-11-22'", True, "the newest is 2026-11-22, in the future", "2026-11-24 00:00"),
    ("DATE '2026-11-23'", False, "the newest is 2026-11-23, in the future", "2026-11-22 00:00"),
    ("DATE '9999-12-31'", False, "the newest is 9999-12-31, in the future", "9999-12-30 00:00"),
    ("DATE 'infinity'", False, "the newest is 9999-12-31, in the future", "9999-12-30 00:00"),
    ("TIMESTAMP 'infinity'", False, "the newest is 9999-12-31 23:59 UTC, in the future", "9999-12-30 23:59:59.999999"),
    ("CAST(NULL AS TIMESTAMP)", False, "there is no value", None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "success", "observed", "until"), WHEN)
def test_the_newest_value_is_young_enough(warehouse, value, success, observed, until):
    gate = Gate(warehouse, expect("fresh", "warn", column="at"))
    seen = gate(f"SELECT 1 AS id, {value} AS at UNION ALL SELECT 2, NULL")
    assert (seen.success, seen.observed) == (success, observed)
    assert gate.until == (datetime.fromisoformat(until) if until else None)
    assert seen.reason == (None if success else f"at is not fresh: {observed}")


def test_no_rows_are_not_fresh(warehouse):
    seen = Gate(warehouse, expect("fresh", column="at"))("SELECT 1 AS id, now()::TIMESTAMP AS at LIMIT 0")
    assert (seen.success, seen.decision, seen.observed) == (False, "block", "there is no value")


def test_only_rows_of_the_condition_count(warehouse):
    gate = Gate(warehouse, expect("fresh", "warn", "id > 1", column="AT", max_age="2d"))
    seen = gate("SELECT 1 AS id, TIMESTAMP '2026-11-21' AS at UNION ALL SELECT 2, TIMESTAMP '2026-11-01'")
    assert (seen.success, seen.observed) == (False, "the newest is 2026-11-01 00:00 UTC, 20 days old")


def test_another_type_cannot_be_judged(warehouse):
    seen = Gate(warehouse, expect("fresh", "warn", column="at"))("SELECT 1 AS id, '2026-11-21' AS at")
    assert seen.decision == "block"
    assert seen.reason == "fresh(at) could not be judged: fresh needs a DATE or a TIMESTAMP, at is VARCHAR"


def test_a_day_that_python_does_not_know_cannot_be_judged(warehouse):
    seen = Gate(warehouse, expect("fresh", "warn", column="at"))("SELECT 1 AS id, DATE '20000-01-01' AS at")
    assert seen.decision == "block"
    assert seen.reason.startswith("fresh(at) could not be judged: ")


def test_idle_data_is_judged_again_when_its_verdict_runs_out(warehouse):
    from datetime import timedelta

    gate = Gate(warehouse, expect("fresh", column="at", max_age="1h"))
    rows = "SELECT 1 AS id, TIMESTAMP '2026-11-21 08:30:00' AS at"
    assert gate(rows).success
    gate(rows)
    assert gate.verdict.reused
    gate.now += timedelta(minutes=30)
    assert not gate(rows).success
    assert not gate.verdict.reused
    gate.now += timedelta(days=1)
    gate(rows)
    assert gate.verdict.reused  # time makes it no better
