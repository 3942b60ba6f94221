"""What `tailrace check` says about a suite, without Great Expectations."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.unit.validate.made import between, expect, suite

from tailrace.validate.suite import check_suite, suite_hash

COLUMNS = {"id", "score", "email", "day", "grade"}
REGEX = "expect_column_values_to_match_regex"


def problems(*items: dict, columns: set[str] | None = COLUMNS, **more) -> list[tuple]:
    return check_suite(suite(*items, **more), columns)


def test_a_right_suite_has_no_problems():
    assert problems(
        between("quarantine", min_value=0, max_value=100, mostly=0.5, where="grade = 'A' AND day IS NOT NULL"),
        between(column="day", min_value="2026-01-01"),
        expect(REGEX, "quarantine", column="email", regex=r"^[^@]+@(?:[a-z]+\.)+[a-z]+\\1?$"),
        expect("expect_table_row_count_to_be_between", min_value=1),
        expect("expect_table_columns_to_match_ordered_list", column_list=["not", "there"]),
        expect("unexpected_rows_expectation", unexpected_rows_query="SELECT * FROM {batch} WHERE score < 0"),
    ) == []  # fmt: skip


WRONG = [
    (expect("expect_column_values_to_be_betwen"), ("type",),
     "Great Expectations has no expect_column_values_to_be_betwen. Did you mean expect_column_values_to_be_between?"),
    (expect("ExpectColumnValuesToBeUnique", column="id"), ("type",),
     "Great Expectations has no ExpectColumnValuesToBeUnique. Write expect_column_values_to_be_unique"),
    (expect("expect_column_values_to_be_increasing", column="id"), ("type",),
     "expect_column_values_to_be_increasing has no SQL: it works on pandas only. Put lag() into the model and use expect_column_pair_values_a_to_be_greater_than_b"),
    (expect("expect_query_results_to_match_comparison", base_query="SELECT 1"), ("type",),
     "expect_query_results_to_match_comparison compares two data sources, and here is one. Use total_matches_source, or a query: unexpected_rows_expectation"),
    (between(min_value=1, max_valu=2), ("kwargs", "max_valu"),
     "expect_column_values_to_be_between has no max_valu. Did you mean max_value?"),
    (between(min_value=1, row_condition="x"), ("kwargs", "row_condition"),
     "row_condition is not for SQL. Write the condition as `where:` beside `kwargs:`"),
    (between(), ("kwargs",),
     "expect_column_values_to_be_between needs min_value or max_value. Add `min_value: ...` under kwargs"),
    (expect("expect_column_values_to_be_in_set", column="grade"), ("kwargs",),
     "expect_column_values_to_be_in_set needs value_set. Add `value_set: ...` under kwargs"),
    (expect(REGEX, column="email"), ("kwargs",), f"{REGEX} needs regex. Add `regex: ...` under kwargs"),
    (between(min_value="much"), ("kwargs", "min_value"),
     "min_value must be a date or a number, not the text 'much'. Write a date or a number"),
    (between(min_value=1, mostly=95), ("kwargs", "mostly"),
     "mostly must be a share from 0 to 1, not the number 95. Write 0.95 for 95%"),
    (between(min_value={"$PARAMETER": "x"}), ("kwargs", "min_value"),
     "suite scores has no parameter x. Declare it under `parameters:`"),
    (expect(REGEX, column="email", regex="(?<!a)b"), ("kwargs", "regex"),
     "regex: (?<! (look-behind) is not known to the warehouse's regular expressions (RE2). Write it without, or compute it in the model"),
    (between(column="scor", min_value=1), ("kwargs", "column"), "model m has no column scor. Did you mean score?"),
    (expect("expect_compound_columns_to_be_unique", column_list=["id", "dayy"]), ("kwargs", "column_list", 1),
     "model m has no column dayy. Did you mean day?"),
    (expect("expect_column_values_to_be_unique", "quarantine", column="id"), ("on_fail",),
     "expect_column_values_to_be_unique does not name its rows: no row can be quarantined by it. Write block or warn"),
    (expect("expect_column_max_to_be_between", "quarantine", column="score", max_value=1), ("on_fail",),
     "expect_column_max_to_be_between judges the table as a whole: no row can be quarantined by it. Write block or warn"),
    (between(min_value=1, where="scor > 1"), ("where",),
     "where names scor, which the model does not have. Did you mean score?"),
    (between(min_value=1, where="score >"), ("where",), None),
    (between(min_value=1, where="score > 1) OR (1 = 1"), ("where",), None),
    (between(min_value=1, where="score > 1 ORDER BY 1"), ("where",), None),
    (between(min_value=1, where="score > (SELECT 1)"), ("where",),
     "where is about one row: no subquery, aggregate or window. Compute it in the model, in a column of its own"),
    (between(min_value=1, where="day < current_date"), ("where",),
     "where reads current_date, which differs from call to call. Compute it in the model, which has one clock for the whole run"),
    (between(min_value=1, where="random() < 0.5"), ("where",), None),
    (expect("unexpected_rows_expectation", where="score > 1", unexpected_rows_query="SELECT * FROM {batch}"), ("where",),
     "unexpected_rows_expectation has a query of its own. Put the condition into it"),
    (expect("unexpected_rows_expectation", unexpected_rows_query="SELECT 1"), ("kwargs", "unexpected_rows_query"),
     "unexpected_rows_query does not read {batch}, the rows to judge. Write SELECT * FROM {batch} WHERE ..."),
]  # fmt: skip


@pytest.mark.parametrize(("item", "path", "text"), WRONG, ids=range(len(WRONG)))
def test_says_what_is_wrong_where_and_what_to_do(item, path, text):
    found = problems(item)
    assert [where for where, _, _ in found] == [("expectations", 0, *path)]
    _, message, fix = found[0]
    assert fix
    if text is not None:
        assert f"{message}. {fix}" == text


def test_everything_wrong_comes_at_once():
    wrong = (expect("nope"), between(column="scor", min_value=1), between("quarantine", min_value=1))
    assert [path for path, _, _ in problems(*wrong, key="idd")] == [
        ("key",),
        ("expectations", 0, "type"),
        ("expectations", 1, "kwargs", "column"),
    ]
    assert [path for path, _, _ in problems(*wrong, key=None)][-1] == ("expectations", 2, "on_fail")


def test_columns_that_are_not_known_are_not_judged():
    assert problems(between(column="anything", min_value=1, where="whatever > 1"), columns=None) == []


def test_the_case_of_a_column_does_not_count():
    assert problems(between(column="SCORE", min_value=1, where="Score > 1"), key="ID") == []


def test_the_hash_tells_every_part_of_a_suite_apart():
    base = between(min_value=1)
    variants = [
        suite(base),
        suite(base, base),
        suite(between(min_value=2)),
        suite(between("warn", min_value=1)),
        suite(between(min_value=1, where="true")),
        suite(base, key="other"),
        suite(base, max_quarantined=0.1),
    ]
    assert len({suite_hash(item) for item in variants}) == len(variants)
    assert suite_hash(suite(base)) == suite_hash(suite(between(min_value=1)))


def test_checking_imports_nothing_heavy():
    code = (
        "import sys; from tests.unit.validate.test_check_suite import problems, between;"
        "assert problems(between(column='scor', min_value=1, where='score > 1'));"
        "print(sorted({'great_expectations', 'sqlalchemy', 'pandas', 'dlt', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
