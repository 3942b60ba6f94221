"""Values of kwargs that can only fail, only pass, or not even be compared."""

from __future__ import annotations

import pytest
from tests.unit.validate.made import between, expect, suite

from tailrace.project.spec import Parameter
from tailrace.validate.suite import check_suite

COLUMNS = {"id", "score", "email", "day", "grade", "active"}
TYPES = {
    "Score": "DECIMAL(18,3)",
    "email": "varchar",
    "day": "TIMESTAMP",
    "active": "BOOLEAN",
    "id": "BIGINT",
    "tags": "VARCHAR[]",
}
SET = "expect_column_values_to_be_in_set"
PAIRS = "expect_column_pair_values_to_be_in_set"
QUANTILES = "expect_column_quantile_values_to_be_between"


def problems(*items: dict, **more) -> list[tuple]:
    return check_suite(suite(*items, **more), COLUMNS, types=TYPES)


def quantiles(**value) -> dict:
    return expect(QUANTILES, column="score", quantile_ranges=value)


WRONG = [
    (between(min_value=5, max_value=1), "min_value", "nothing lies between 5 and 1"),
    (between(min_value=5, max_value=5, strict_min=True), "min_value", "nothing lies strictly between 5 and 5"),
    (between(column="day", min_value="2026-02-01", max_value="2026-01-01T10:00"), "min_value",
     "nothing lies between 2026-02-01 and 2026-01-01T10:00"),
    (between(column="day", min_value="2026-01-01T00:00:00+02:00", max_value="2025-12-31T21:00Z"), "min_value",
     "nothing lies between 2026-01-01T00:00:00+02:00 and 2025-12-31T21:00Z"),
    (between(column="day", min_value="2026-13-01"), "min_value", "min_value must be a date or a number, not the text '2026-13-01'"),
    (between(min_value=float("nan")), "min_value", "min_value must be a date or a number, not the number nan"),
    (between(min_value=float("inf")), "min_value", "min_value must be a date or a number, not the number inf"),
    (between(min_value=1, mostly=0), "mostly", "mostly: 0 lets every row fail"),
    (between(min_value=1, mostly=1.5), "mostly", "mostly must be a share from 0 to 1, not the number 1.5"),
    (expect(SET, column="grade", value_set=[]), "value_set", "value_set is empty"),
    (expect(SET, column="grade", value_set=["a", None]), ("value_set", 1), "value_set holds a NULL, which is equal to nothing"),
    (expect(SET, column="grade", value_set=["a", 5]), ("value_set", 1), "value_set mixes numbers and texts"),
    (expect(SET, column="grade", value_set=[1, True]), ("value_set", 1), "value_set mixes numbers and true and false"),
    (expect(PAIRS, column_A="grade", column_B="email", value_pairs_set=[["a", "b"], ["a"]]), ("value_pairs_set", 1),
     "a pair must be a list of two, not a list"),
    (quantiles(quantiles=[0.5]), "quantile_ranges", "quantile_ranges must hold quantiles and value_ranges, each a list"),
    (quantiles(quantiles=[0.5, 0.9], value_ranges=[[1, 2]]), "quantile_ranges", "2 quantiles and 1 value_ranges"),
    (quantiles(quantiles=[50], value_ranges=[[1, 2]]), ("quantile_ranges", "quantiles"), "quantiles must be shares from 0 to 1"),
    (quantiles(quantiles=[0.5], value_ranges=[[2, 1]]), ("quantile_ranges", "value_ranges", 0),
     "a range must be its lowest and highest number"),
    (expect("expect_compound_columns_to_be_unique", column_list="id"), "column_list", "column_list must be a list of columns, not the text 'id'"),
    (expect("expect_compound_columns_to_be_unique", column_list=["id"]), "column_list", "column_list must name 2 columns or more"),
    (expect("expect_column_values_to_match_regex_list", column="email", regex_list=["a"], match_on="some"), "match_on", "match_on cannot be some"),
    (expect("expect_column_pair_values_to_be_equal", column_A="id", column_B="score", ignore_row_if="never"), "ignore_row_if",
     "ignore_row_if cannot be never"),
    (expect("expect_column_values_to_match_like_pattern", column="email", like_pattern=r"a\%"), "like_pattern",
     "like_pattern: a backslash escapes in some warehouses' LIKE and not in others"),
    (expect("expect_column_values_to_match_like_pattern", column="email", like_pattern="a%", escape="ab"), "escape",
     "escape must be one character, not the text 'ab'"),
    (expect("expect_column_values_to_match_regex_list", column="email", regex_list=["a", "(?=b)"]), ("regex_list", 1),
     "regex_list: (?= (look-ahead) is not known to the warehouse's regular expressions (RE2)"),
    (between(min_value=1, windows=[{}]), "windows", "windows reads earlier runs"),
    (between(min_value=1, result_format="COMPLETE"), "result_format", "result_format is not set in a suite"),
    (between(min_value=1, severity="info"), "severity", "severity is no argument of an expectation"),
    (between(min_value={"$PARAMETER": "lov"}), "min_value", "suite scores has no parameter lov"),
    (between(min_value={"$PARAMETER": "low", "$PARAMETER.low": 5}), "min_value", "min_value: a parameter is its name alone"),
    (expect(SET, column="grade", value_set=["a", {"$PARAMETER": "low"}]), "value_set",
     "value_set: a parameter stands for a whole argument, not for a part of one"),
    (between(column={"$PARAMETER": "low"}, min_value=1), "column", "column of expect_column_values_to_be_between cannot be a parameter"),
    (expect("expect_column_values_to_match_regex", column="email", regex={"$PARAMETER": "low"}), "regex",
     "regex of expect_column_values_to_match_regex cannot be a parameter"),
    (between(column="Score", min_value="2026-01-01"), "min_value", "Score is declared as DECIMAL(18,3), and '2026-01-01' is text"),
    (between(column="day", min_value=20260101), "min_value", "day is declared as TIMESTAMP, and 20260101 is a number"),
    (between(column="email", max_value=5), "max_value", "email is declared as varchar, and 5 is a number"),
    (expect(SET, column="id", value_set=["1", "2"]), ("value_set", 0), "id is declared as BIGINT, and '1' is text"),
    (expect(SET, column="active", value_set=[1, 0]), ("value_set", 0), "active is declared as BOOLEAN, and 1 is a number"),
    (expect("expect_column_values_to_match_regex", column="id", regex="^1"), "column",
     "id is declared as BIGINT, and expect_column_values_to_match_regex is about text"),
    (expect("expect_column_mean_to_be_between", column="email", min_value=1), "column",
     "email is declared as varchar, and expect_column_mean_to_be_between is about numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "kwarg", "message"), WRONG, ids=range(len(WRONG)))
def test_says_what_makes_no_sense(item, kwarg, message):
    path = ("expectations", 0, "kwargs", *((kwarg,) if isinstance(kwarg, str) else kwarg))
    found = problems(item, parameters={"low": Parameter("low", sql="SELECT 1")})
    assert (path, message) in [(place, said) for place, said, _ in found]
    assert all(fix for _, _, fix in found)
    assert {place for place, _, _ in found} <= {path, (*path[:4], 1)}  # a set of wrong values names each


def test_leaves_sense_alone():
    assert problems(
        between(min_value=5, max_value=5),
        between(column="day", min_value="2026-01-01", max_value="2026-01-01T00:00:01"),
        between(min_value={"$PARAMETER": "low"}, max_value=3),
        expect(SET, column="grade", value_set=[1, 2.5]),
        expect(SET, column="day", value_set=["2026-01-01"]),
        expect(SET, column="active", value_set=[True]),
        expect(SET, column="email", value_set={"$PARAMETER": "low"}),
        quantiles(quantiles=[0, 0.5], value_ranges=[[None, 5], [1, 1]]),
        expect("expect_column_values_to_match_like_pattern", column="email", like_pattern=r"a\%", escape="\\"),
        expect("expect_multicolumn_sum_to_equal", column_list=["id", "score"], sum_total=5, ignore_row_if="never"),
        parameters={"low": Parameter("low", sql="SELECT 1")},
    ) == []  # fmt: skip


def test_the_same_expectation_twice_is_told_at_the_second():
    twice = (between(min_value=1, max_value=2), between("warn", max_value=2, min_value=1))
    found = problems(*twice, between(min_value=1, max_value=2, where="grade = 'A'"))
    assert [(path, message) for path, message, _ in found] == [
        (("expectations", 1), "the same expectation stands at expectations/scores.yml:1:1")
    ]


def test_the_hash_changes_with_a_parameter_and_with_whose_job_it_is():
    from tailrace.validate.suite import suite_hash

    item = between(min_value={"$PARAMETER": "low"})
    variants = [
        suite(item, parameters={"low": Parameter("low", sql="SELECT 1")}),
        suite(item, parameters={"low": Parameter("low", sql="SELECT 2")}),
        suite(item, parameters={"low": Parameter("low", history="rows", times=0.5)}),
        suite(item, owner="sales"),
        suite({**item, "owner": "sales"}),
    ]
    assert len({suite_hash(one) for one in variants}) == len(variants)
