"""What `tailrace check` can say of our own types without a connection, and that every type has words."""

from __future__ import annotations

import pytest
from tests.unit.validate.made import expect, suite

from tailrace.validate.catalogue import UNAVAILABLE, entries
from tailrace.validate.own import registry
from tailrace.validate.own.kwargs import age
from tailrace.validate.wording import expected, failure

LATER = {"$PARAMETER": "x"}
RIGHT = [
    expect("row_count_near_history"),
    expect("row_count_near_history", runs=30, min_runs=30, min_share=0, max_share=1),
    expect("fresh", column="at", max_age="90m"),
    expect("no_missing_days", column="day", by=["a", "b"], last="2w", until="0d", max_missing=13, ended_after="7d"),
    expect("total_matches_source", column="cost", source="ads.spend", source_column="replace(x, ';', ')--')", by=["a"], source_by=["lower(a)"]),
    expect("total_matches_source", column="cost", source="spend", source_column="x", source_where="a = '('", tolerance=0, absolute=5),
    expect("total_matches_source", column="cost", source="spend", source_column="extract(year FROM today)", source_where="now = 'select'"),
    expect("total_matches_source", column="cost", source="spend", source_column="date_diff('day', selected, age(a, b))"),
    expect("no_drift", column="v", bins=50, max_psi=0.01),
    expect("exists_in", column="id", table="contacts", to_column="id", mostly=0.9),
    expect("row_count_near_history", runs=LATER, min_runs=LATER, min_share=LATER, max_share=LATER),
    expect("fresh", column="at", max_age=LATER),
    expect("no_missing_days", column="day", by=LATER, last=LATER, until=LATER, max_missing=LATER, ended_after=LATER),
    expect("total_matches_source", column="cost", source=LATER, source_column=LATER, by=LATER, source_by=LATER, tolerance=LATER),
    expect("exists_in", column="id", table=LATER),
]  # fmt: skip


@pytest.mark.parametrize("item", RIGHT)
def test_what_is_right(item):
    assert list(registry.wrong_with(suite(item).expectations[0])) == []


def total(**kwargs) -> dict:
    return expect("total_matches_source", **{"column": "c", "source": "a.b", "source_column": "x", **kwargs})


WRONG = [
    (expect("row_count_near_history", runs=0), "runs", "runs must be from 1 to 365, not 0. Write 14"),
    (expect("row_count_near_history", runs=2.5), "runs", "runs must be a whole number, not 2.5. Write 14"),
    (expect("row_count_near_history", runs=2), "runs", "min_runs 3 is above runs 2. Let min_runs be at most runs"),
    (expect("row_count_near_history", min_runs=15), "min_runs", "min_runs 15 is above runs 14. Let min_runs be at most runs"),
    (expect("row_count_near_history", min_share=1.1), "min_share", "min_share must be from 0 to 1, not 1.1. Write 0.5"),
    (expect("row_count_near_history", max_share=0.9), "max_share", "max_share must be at least 1, not 0.9. Write 2"),
    (expect("fresh", column="a", max_age="1 day"), "max_age", "max_age must be a duration, not '1 day'. Write 24h"),
    (expect("fresh", column="a", max_age="0h"), "max_age", "max_age must be more than nothing. Write 24h"),
    (expect("no_missing_days", column="d", last="36h"), "last", "last must be a whole number of days, not '36h'. Write 30d"),
    (expect("no_missing_days", column="d", max_missing=-1), "max_missing", "max_missing must be at least 0, not -1. Write 1"),
    (expect("no_missing_days", column="d", max_missing=30), "max_missing",
     "max_missing 30 is no less than the 30 days looked at, so nothing ever fails. Write 1"),
    (expect("no_missing_days", column="d", last="1d"), "last",
     "max_missing 1 is no less than the 1 days looked at, so nothing ever fails. Write 1"),
    (expect("no_missing_days", column="d", ended_after="7d"), "ended_after",
     "ended_after is about groups, and there is no by. Add `by: [column]`"),
    (expect("no_missing_days", column="d", by=["a", "A"]), ("by", 1), "by names A twice. Leave one out"),
    (expect("no_missing_days", column="d", by=["a", 3]), ("by", 1), "by takes texts only. Write [one, two]"),
    (total(source="a b"), "source", "source 'a b' names no table. Write a model's name, or dataset.table"),
    (total(source="a.b.c"), "source", "source 'a.b.c' names no table. Write a model's name, or dataset.table"),
    (total(source_column="x; DROP TABLE y"), "source_column", "source_column must be one SQL expression. Leave out comments and semicolons"),
    (total(source_column="x) FROM y --"), "source_column", "source_column must be one SQL expression. Leave out comments and semicolons"),
    (total(source_column="x) FROM (y"), "source_column", "source_column: a parenthesis or a quote has no partner. Close it"),
    (total(source_where="a = 'b"), "source_where", "source_where: a parenthesis or a quote has no partner. Close it"),
    (total(source_column=" "), "source_column", "source_column is empty. Write an SQL expression over the source's columns"),
    (total(by=["a"], source_by=["a", "b"]), "source_by",
     "source_by has 2 of by's 1 parts. Write one SQL expression per column of by, in its order"),
    (total(by=["a"], source_by=["a("]), ("source_by", 0), "source_by: a parenthesis or a quote has no partner. Close it"),
    (total(tolerance=2), "tolerance", "tolerance must be from 0 to 1, not 2. Write 0.001"),
    (total(source_where="k IN (SELECT k FROM b)"), "source_where",
     "source_where is about one row: no subquery. Compute it in a model, and name that as the source"),
    (total(source_column="(FROM b)"), "source_column",
     "source_column is about one row: no subquery. Compute it in a model, and name that as the source"),
    (total(source_where="at < Now()"), "source_where",
     "source_where reads now, which differs from call to call. Compute it in a model, which has one clock for the whole run"),
    (total(source_where="day < current_date"), "source_where",
     "source_where reads current_date, which differs from call to call. Compute it in a model, which has one clock for the whole run"),
    (total(by=["a"], source_by=["age(day)"]), ("source_by", 0),
     "source_by reads age, which differs from call to call. Compute it in a model, which has one clock for the whole run"),
    (total(by=["a", "Source_Total"]), ("by", 1), "by cannot be Source_Total: the totals are called so. Rename it in the model"),
    (expect("fresh", column="a", max_age="4000000d"), "max_age", "max_age must be at most 36500d, not 4000000d. Write 24h"),
    (expect("no_missing_days", column="d", last="1000000d"), "last", "last must be at most 36500d, not 1000000d. Write 30d"),
    (total(absolute=-1), "absolute", "absolute must be at least 0, not -1. Write 0.01"),
    (expect("no_drift", column="v", max_psi=0), "max_psi", "max_psi must be from 0.01 to 10, not 0. Write 0.2"),
    (expect("no_drift", column="v", bins=1), "bins", "bins must be from 2 to 50, not 1. Write 10"),
    (expect("exists_in", column="v", table="a;b"), "table", "table 'a;b' names no table. Write a model's name, or dataset.table"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "path", "text"), WRONG)
def test_what_is_wrong(item, path, text):
    found = list(registry.wrong_with(suite(item).expectations[0]))
    assert [(place, f"{message}. {fix}") for place, message, fix in found] == [
        (("kwargs", *(path if isinstance(path, tuple) else (path,))), text)
    ]


def test_the_tables_that_are_read():
    items = suite(
        total(), expect("exists_in", column="v", table="m"), expect("exists_in", column="v", table=LATER)
    ).expectations
    assert [registry.tables_of(item) for item in items] == [
        ((("kwargs", "source"), "a.b"),), ((("kwargs", "table"), "m"),), (),
    ]  # fmt: skip


def test_columns_whose_values_are_kept():
    items = suite(expect("no_drift", column="v"), expect("fresh", column="v")).expectations
    assert [registry.stores(item) for item in items] == ["v", None]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (59, "59 seconds"),
        (60, "1 minute"),
        (3600, "1 hour"),
        (7200, "2 hours"),
        (86400, "24 hours"),
        (172800, "2 days"),
        (90000, "25 hours"),
    ],
)
def test_ages_in_words(seconds, text):
    assert age(seconds) == text


_VALUES = {
    "column": "c", "column_A": "a", "column_B": "b", "column_list": ["a", "b"], "column_set": ["a"], "min_value": 1, "max_value": 2,
    "value_set": ["x", "y"], "value_pairs_set": [["x", "y"]], "value": 3, "sum_total": 9, "regex": "^x", "regex_list": ["^x", "y$"],
    "like_pattern": "x%", "like_pattern_list": ["x%"], "type_": "BIGINT", "type_list": ["BIGINT"], "threshold": 2, "double_sided": True,
    "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1, 2]]}, "other_table_name": "t", "unexpected_rows_query": "q",
    "strftime_format": "%Y", "json_schema": {}, "table": "t", "source": "t", "source_column": "x",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(entries()))
def test_every_type_has_words_of_its_own(name):
    takes = entries()[name].kwargs
    item = suite(
        expect(name, **{kwarg: value for kwarg, value in _VALUES.items() if kwarg in takes})
    ).expectations[0]
    should, wrong = expected(item), failure(item)
    assert "expect_" not in should + wrong
    assert "None" not in should + wrong
    assert "{" not in should + wrong
    assert should != wrong
    mentioned = [
        str(value)
        for kwarg, value in _VALUES.items()
        if kwarg in takes and kwarg in ("column", "column_A", "regex", "value_set")
    ]
    assert all(text in should for text in mentioned if not text.startswith("["))


WORDS = [
    (expect("expect_column_values_to_be_between", column="score", min_value=0, max_value=100),
     "every score is between 0 and 100", "score is not between 0 and 100"),
    (expect("expect_column_values_to_be_between", column="score", min_value=0, mostly=0.95),
     "in at least 95% of rows, score is at least 0", "score is below 0"),
    (expect("expect_column_values_to_be_between", column="score", min_value=0, max_value=9, strict_min=True),
     "every score is above 0 and at most 9", "score is not above 0 and at most 9"),
    (expect("expect_column_values_to_be_between", column="score", max_value=9, strict_max=True),
     "every score is below 9", "score is not below 9"),
    (expect("expect_table_row_count_to_be_between", min_value=1), "the number of rows is at least 1", "the number of rows is below 1"),
    (expect("expect_column_value_lengths_to_equal", column="code", value=1), "every code is 1 character long", "code is not 1 character long"),
    (expect("expect_column_values_to_be_in_set", column="g", value_set=list(range(20))),
     "every g is one of 0, 1, 2, 3, 4, 5, 6, 7, ...", "g is none of 0, 1, 2, 3, 4, 5, 6, 7, ..."),
    (expect("expect_column_values_to_be_in_set", column="missing", value_set=[False]), "every missing is false", "missing is not false"),
    (expect("expect_column_values_to_not_be_in_set", column="g", value_set=["Z"]), "every g is not Z", "g is Z"),
    (expect("expect_column_values_to_not_be_null", column="c", mostly=0.9), "in at least 90% of rows, c is filled in", "c is missing"),
    (expect("expect_column_values_to_match_regex", column="g", regex="x" * 200), f"every g matches {'x' * 80}...", f"g does not match {'x' * 80}..."),
    (expect("expect_compound_columns_to_be_unique", column_list=["a", "b"], where="a > 1"),
     "a, b together occur once in every row (where a > 1)", "a, b together repeat (where a > 1)"),
    (expect("unexpected_rows_expectation", unexpected_rows_query="q", description="a score without reasons."),
     "no row is found of this kind: a score without reasons", "a score without reasons"),
    (expect("expect_column_values_to_not_be_null", column="c", description="who is it?"), "every c is filled in", "who is it?"),
    (expect("no_missing_days", column="day", by=["account", "currency"]),
     "day has every one of the last 30 days for every account and currency, but for 1 day in a row", "day has gaps"),
    (total(tolerance=0), "c adds up to what a.b has, exactly", "c does not add up to what a.b has"),
    (expect("exists_in", column="c", table="t", mostly=0.9), "every c exists in t (c) in at least 90% of rows", "c does not exist in t (c)"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "should", "wrong"), WORDS)
def test_words(item, should, wrong):
    expectation = suite(item).expectations[0]
    assert (expected(expectation), failure(expectation)) == (should, wrong)


def test_what_cannot_be_had_is_not_ours():
    assert not set(UNAVAILABLE) & set(registry.CHECKS)
    assert {name for name, entry in entries().items() if entry.own} == set(registry.CHECKS)
