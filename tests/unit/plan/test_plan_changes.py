"""Breaking or not, by the two versions of the SQL: the cases are in tests/golden/plan/changes.txt."""

from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.plan.diff import compared_sql

GOLDEN = Path(__file__).parents[2] / "golden" / "plan" / "changes.txt"
DAYS = ("2026-11-20", "2026-11-21")


def cases() -> dict[str, tuple[str, str, str]]:
    found = {}
    for block in GOLDEN.read_text().split("\n== "):
        name, _, rest = block.removeprefix("== ").partition("\n")
        before, rest = rest.split("\n--- after\n")
        after, expected = rest.split("\n--- found\n")
        found[name] = (before, after, expected.strip())
    return found


CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_classed_and_said(name):
    before, after, expected = CASES[name]
    found = compared_sql((before, ""), (after, ""), "duckdb", DAYS)
    assert f"{found.kind}: {'; '.join(found.details)}" == expected


@pytest.mark.parametrize("name", CASES)
def test_nothing_differs_from_itself(name):
    for sql in CASES[name][:2]:
        found = compared_sql((sql, ""), (sql + " -- again", ""), "duckdb", (DAYS[0], DAYS[0]))
        assert (found.kind, found.columns) == ("non-breaking", {})


def test_what_runs_where_the_table_stands_counts():
    before = ("select a from t", "select a from t where d > (select max(d) from me)")
    after = ("select a from t", "select a from t where d >= (select max(d) from me)")
    found = compared_sql(before, after, "duckdb", DAYS)
    assert found.kind == "breaking"
    assert found.details[0].startswith("where its table stands, the filter changed: + d >= ")


def test_sql_that_nobody_can_read_is_unknown():
    assert compared_sql(("select 1", ""), ("select select", ""), "duckdb", DAYS).kind == "unknown"
