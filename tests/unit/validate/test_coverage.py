"""Every expectation that works over SQL, on DuckDB, against what plain SQL says: all through one context."""

from __future__ import annotations

import pytest

from tailrace.validate.catalogue import UNAVAILABLE, entries
from tailrace.validate.question import Answer, Question
from tailrace.warehouse.duckdb import DuckDBWarehouse

TABLE = """
CREATE TABLE t AS SELECT
  range AS id,
  CASE WHEN range % 100 = 7 THEN NULL WHEN range % 50 = 3 THEN 'no at sign' ELSE 'user' || range || '@example.com' END AS email,
  CASE WHEN range < 5 THEN 101 + range WHEN range = 9 THEN NULL ELSE range % 100 END AS score,
  CAST(range % 100 AS DECIMAL(9, 2)) / 4 AS price,
  ['A', 'B', 'C', 'D'][1 + range % 4] AS grade,
  DATE '2026-01-01' + CAST(range % 31 AS INTEGER) AS day,
  TIMESTAMP '2026-01-01' + INTERVAL (range) MINUTE AS seen_at,
  range % 3 AS a, range % 5 AS b, (range % 3) + (range % 5) AS c,
  range = 0 AS flag, 'C:\\d' AS "select"
FROM range(1000)
"""

PASS = "pass"
# type, kwargs, what SQL counts as failing (a condition on rows), or PASS / False for expectations that count no rows
CASES = [
    ("expect_column_values_to_be_between", {"column": "score", "min_value": 0, "max_value": 100}, "score > 100"),
    ("expect_column_values_to_be_between", {"column": "score", "min_value": 0, "max_value": 99, "strict_max": True}, "score >= 99"),
    ("expect_column_values_to_be_between", {"column": "day", "max_value": "2026-01-20"}, "day > DATE '2026-01-20'"),
    ("expect_column_values_to_be_between", {"column": "seen_at", "min_value": "2026-01-01T01:00:00"}, "seen_at < TIMESTAMP '2026-01-01 01:00'"),
    ("expect_column_values_to_be_between", {"column": "price", "min_value": 0, "max_value": 24.75}, "false"),
    ("expect_column_values_to_be_between", {"column": "score", "min_value": 0, "max_value": 100, "mostly": 0.9}, ("score > 100", True)),
    ("expect_column_values_to_be_in_set", {"column": "grade", "value_set": ["A", "B"]}, "grade IN ('C', 'D')"),
    ("expect_column_values_to_be_in_set", {"column": "a", "value_set": [0, 1]}, "a = 2"),
    ("expect_column_values_to_be_in_set", {"column": "day", "value_set": ["2026-01-05"]}, "day <> DATE '2026-01-05'"),
    ("expect_column_values_to_be_in_set", {"column": "flag", "value_set": [False]}, "flag"),
    ("expect_column_values_to_not_be_in_set", {"column": "grade", "value_set": ["D"]}, "grade = 'D'"),
    ("expect_column_values_to_be_null", {"column": "email"}, "email IS NOT NULL"),
    ("expect_column_values_to_not_be_null", {"column": "email"}, "email IS NULL"),
    ("expect_column_values_to_be_unique", {"column": "id"}, "false"),
    ("expect_column_values_to_be_unique", {"column": "email"}, "email IN (SELECT email FROM t GROUP BY email HAVING count(*) > 1)"),
    ("expect_column_values_to_be_unique", {"column": "day", "mostly": 0.5}, "true"),
    ("expect_column_value_lengths_to_be_between", {"column": "email", "max_value": 18}, "length(email) > 18"),
    ("expect_column_value_lengths_to_equal", {"column": "email", "value": 18}, "length(email) <> 18"),
    ("expect_column_value_z_scores_to_be_less_than", {"column": "score", "threshold": 1.7, "double_sided": True},
     "abs((score - (SELECT avg(score) FROM t)) / (SELECT stddev_samp(score) FROM t)) >= 1.7"),
    # DuckDB's own ~ would match the whole text only
    ("expect_column_values_to_match_regex", {"column": "email", "regex": "@"}, "email NOT LIKE '%@%'"),
    ("expect_column_values_to_match_regex", {"column": "email", "regex": r"^[^@\s]+@[^@\s]+\.[a-z]+$"}, "email NOT LIKE '%@%'"),
    ("expect_column_values_to_match_regex", {"column": "select", "regex": r"^C:\\d$"}, "false"),
    ("expect_column_values_to_not_match_regex", {"column": "email", "regex": " "}, "email LIKE '% %'"),
    ("expect_column_values_to_match_regex_list", {"column": "grade", "regex_list": ["^A", "^B"]}, "grade IN ('C', 'D')"),
    ("expect_column_values_to_not_match_regex_list", {"column": "grade", "regex_list": ["A", "B"]}, "grade IN ('A', 'B')"),
    ("expect_column_values_to_match_like_pattern", {"column": "email", "like_pattern": "%@%"}, "email NOT LIKE '%@%'"),
    ("expect_column_values_to_not_match_like_pattern", {"column": "email", "like_pattern": "no%"}, "email LIKE 'no%'"),
    ("expect_column_values_to_match_like_pattern_list", {"column": "grade", "like_pattern_list": ["A%", "B%"]}, "grade IN ('C', 'D')"),
    ("expect_column_values_to_not_match_like_pattern_list", {"column": "grade", "like_pattern_list": ["A%"]}, "grade = 'A'"),
    ("expect_column_pair_values_to_be_equal", {"column_A": "a", "column_B": "b"}, "a <> b"),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "a", "column_B": "b"}, "a <= b"),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "a", "column_B": "b", "or_equal": True}, "a < b"),
    ("expect_column_pair_values_to_be_in_set", {"column_A": "a", "column_B": "b", "value_pairs_set": [[0, 0], [1, 1]]},
     "NOT ((a = 0 AND b = 0) OR (a = 1 AND b = 1))"),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["a", "b"], "sum_total": 4}, "a + b <> 4"),
    ("expect_multicolumn_values_to_be_equal", {"column_list": ["a", "b", "c"]}, "NOT (a = b AND b = c)"),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["a", "b", "c"]}, "a = b OR a = c OR b = c"),
    ("expect_compound_columns_to_be_unique", {"column_list": ["id", "grade"]}, "false"),
    ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"]}, "true"),
    ("expect_column_values_to_be_of_type", {"column": "id", "type_": "BIGINT"}, PASS),
    ("expect_column_values_to_be_of_type", {"column": "price", "type_": "VARCHAR"}, False),
    ("expect_column_values_to_be_in_type_list", {"column": "day", "type_list": ["DATE", "TIMESTAMP"]}, PASS),
    ("expect_column_values_to_be_in_type_list", {"column": "email", "type_list": ["DATE", "TIMESTAMP"]}, False),
    ("expect_column_type_to_be", {"column": "price", "type_": "DOUBLE"}, PASS),
    ("expect_column_type_to_be", {"column": "price", "type_": "VARCHAR"}, False),
    ("expect_column_distinct_values_to_be_in_set", {"column": "grade", "value_set": ["A", "B", "C", "D", "E"]}, PASS),
    ("expect_column_distinct_values_to_be_in_set", {"column": "grade", "value_set": ["A", "B", "C"]}, False),
    ("expect_column_distinct_values_to_contain_set", {"column": "grade", "value_set": ["A", "E"]}, False),
    ("expect_column_distinct_values_to_equal_set", {"column": "grade", "value_set": ["A", "B", "C", "D"]}, PASS),
    ("expect_column_distinct_values_to_equal_set", {"column": "grade", "value_set": ["A"]}, False),
    ("expect_column_most_common_value_to_be_in_set", {"column": "flag", "value_set": [False]}, PASS),
    ("expect_column_most_common_value_to_be_in_set", {"column": "flag", "value_set": [True]}, False),
    ("expect_column_max_to_be_between", {"column": "day", "min_value": "2026-01-31", "max_value": "2026-01-31"}, PASS),
    ("expect_column_max_to_be_between", {"column": "day", "min_value": "2026-02-01"}, False),
    ("expect_column_max_to_be_between", {"column": "score", "max_value": 105}, PASS),
    ("expect_column_max_to_be_between", {"column": "score", "max_value": 104}, False),
    ("expect_column_min_to_be_between", {"column": "score", "min_value": 0}, PASS),
    ("expect_column_min_to_be_between", {"column": "score", "min_value": 1}, False),
    ("expect_column_mean_to_be_between", {"column": "a", "min_value": 0.998, "max_value": 1.0}, PASS),
    ("expect_column_mean_to_be_between", {"column": "a", "min_value": 1.0}, False),
    ("expect_column_median_to_be_between", {"column": "b", "min_value": 2, "max_value": 2}, PASS),
    ("expect_column_median_to_be_between", {"column": "b", "min_value": 3}, False),
    ("expect_column_sum_to_be_between", {"column": "b", "min_value": 2000, "max_value": 2000}, PASS),
    ("expect_column_sum_to_be_between", {"column": "b", "min_value": 2001}, False),
    ("expect_column_stdev_to_be_between", {"column": "b", "min_value": 1.41, "max_value": 1.42}, PASS),
    ("expect_column_stdev_to_be_between", {"column": "b", "min_value": 1.42}, False),
    ("expect_column_quantile_values_to_be_between", {"column": "b", "quantile_ranges": {"quantiles": [0.1, 0.9], "value_ranges": [[0, 0], [4, 4]]}}, PASS),
    ("expect_column_quantile_values_to_be_between", {"column": "b", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[3, 4]]}}, False),
    ("expect_column_unique_value_count_to_be_between", {"column": "grade", "min_value": 4, "max_value": 4}, PASS),
    ("expect_column_unique_value_count_to_be_between", {"column": "grade", "min_value": 5}, False),
    ("expect_column_proportion_of_unique_values_to_be_between", {"column": "grade", "max_value": 0.0041}, PASS),
    ("expect_column_proportion_of_unique_values_to_be_between", {"column": "grade", "min_value": 0.0041}, False),
    ("expect_column_proportion_of_non_null_values_to_be_between", {"column": "email", "min_value": 0.99}, PASS),
    ("expect_column_proportion_of_non_null_values_to_be_between", {"column": "email", "min_value": 0.991}, False),
    ("expect_column_kl_divergence_to_be_less_than", {"column": "grade", "threshold": 0.01,
     "partition_object": {"values": ["A", "B", "C", "D"], "weights": [0.25, 0.25, 0.25, 0.25]}}, PASS),
    ("expect_column_kl_divergence_to_be_less_than", {"column": "grade", "threshold": 0.01,
     "partition_object": {"values": ["A", "B", "C", "D"], "weights": [0.7, 0.1, 0.1, 0.1]}}, False),
    ("expect_column_to_exist", {"column": "email"}, PASS),
    ("expect_column_to_exist", {"column": "e_mail"}, False),
    ("expect_table_row_count_to_be_between", {"min_value": 1000, "max_value": 1000}, PASS),
    ("expect_table_row_count_to_be_between", {"min_value": 1001}, False),
    ("expect_table_row_count_to_equal", {"value": 1000}, PASS),
    ("expect_table_row_count_to_equal", {"value": 999}, False),
    ("expect_table_row_count_to_equal_other_table", {"other_table_name": "u"}, PASS),
    ("expect_table_column_count_to_equal", {"value": 12}, PASS),
    ("expect_table_column_count_to_equal", {"value": 13}, False),
    ("expect_table_column_count_to_be_between", {"min_value": 13}, False),
    ("expect_table_columns_to_match_set", {"column_set": ["id", "email"], "exact_match": False}, PASS),
    ("expect_table_columns_to_match_set", {"column_set": ["id", "nope"], "exact_match": False}, False),
    ("expect_table_columns_to_match_ordered_list", {"column_list": ["id", "email"]}, False),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE score > 105"}, PASS),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE score > 104"}, False),
]  # fmt: skip
NUMBERED = [pytest.param(number, id=f"{number}-{case[0]}") for number, case in enumerate(CASES)]


@pytest.fixture(scope="module")
def warehouse():
    opened = DuckDBWarehouse(None)
    opened.execute(TABLE)
    opened.execute("CREATE TABLE u AS SELECT * FROM t")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def examiner(warehouse):
    from tailrace.validate.gx.examiner import GreatExpectations

    return GreatExpectations(warehouse.native())


@pytest.fixture(scope="module")
def answers(examiner) -> list[Answer]:
    return examiner.answers([Question(n, "t", kind, kwargs) for n, (kind, kwargs, _) in enumerate(CASES)])


@pytest.mark.parametrize("number", NUMBERED)
def test_says_what_sql_says(warehouse, answers, number):
    kind, _, wanted = CASES[number]
    answer = answers[number]
    assert answer.raised is None
    assert answer.index == number
    if wanted in (PASS, False):
        assert answer.success is (wanted == PASS)
        return
    condition, passes = wanted if isinstance(wanted, tuple) else (wanted, None)
    expected = warehouse.query(f"SELECT count(*) FROM t WHERE {condition}")[0][0]
    assert answer.success is (expected == 0 if passes is None else passes)
    if answer.unexpected is not None:
        assert answer.unexpected == expected
    else:
        assert (kind, expected) == ("expect_column_values_to_be_unique", 0), (
            "only the cheap way counts no rows"
        )


@pytest.mark.parametrize("number", [case for case in NUMBERED if entries()[CASES[case.values[0]][0]].by_row])
def test_names_exactly_the_rows_that_it_counts(warehouse, examiner, number):
    kind, kwargs, wanted = CASES[number]
    condition = wanted[0] if isinstance(wanted, tuple) else wanted
    rows = examiner.failing_rows(Question(number, "t", kind, kwargs), ["id"])
    found = warehouse.query(f"SELECT id FROM ({rows}) ORDER BY id")
    assert found == warehouse.query(f"SELECT id FROM t WHERE {condition} ORDER BY id")


def test_every_expectation_is_tried_or_refused():
    tried = {kind for kind, _, _ in CASES}
    assert tried | set(UNAVAILABLE) == set(entries())
    assert not tried & set(UNAVAILABLE)


def test_what_is_refused_truly_has_no_sql(examiner):
    kwargs = {
        "expect_column_values_to_match_strftime_format": {"strftime_format": "%Y"},
        "expect_column_values_to_match_json_schema": {"json_schema": {"type": "object"}},
        "expect_column_values_to_not_be_outliers": {"method": "iqr", "multiplier": 1.5},
    }
    asked = [
        Question(number, "t", kind, {"column": "score", **kwargs.get(kind, {})})
        for number, kind in enumerate(sorted(UNAVAILABLE))
        if "column" in entries()[kind].required
    ]
    assert len(asked) == len(UNAVAILABLE) - 1
    assert all(answer.raised for answer in examiner.answers(asked))


def test_one_that_raises_does_not_take_its_neighbours_along(examiner):
    asked = [
        Question(0, "t", "expect_column_values_to_be_between", {"column": "score", "max_value": 200}),
        Question(1, "t", "expect_column_values_to_match_regex", {"column": "score", "regex": "x"}),
        Question(2, "t", "expect_column_values_to_be_between", {"column": "a", "max_value": 1}),
        Question(3, "t", "expect_column_values_to_be_between", {"column": "nowhere", "max_value": 1}),
        Question(4, "t", "expect_column_values_to_match_regex", {"column": "email", "regex": "("}),
        Question(5, "t", "expect_column_values_to_be_between", {"column": "a", "max_value": "much"}),
    ]
    found = examiner.answers(asked)
    assert [answer.success for answer in found] == [True, False, False, False, False, False]
    assert [answer.unexpected for answer in found[:3]] == [0, None, 333]
    assert found[1].raised.startswith("Binder Error")
    assert found[3].raised == 'The column "nowhere" in BatchData does not exist'
    assert all("\n" not in answer.raised for answer in (found[1], found[3], found[4], found[5]))


def test_the_catalogue_is_that_of_the_installed_release(examiner):
    import json

    from tailrace.validate.catalogue import PATH
    from tailrace.validate.gx.describe import catalogue

    assert json.loads(PATH.read_text()) == json.loads(json.dumps(catalogue()))


def test_rows_stay_where_they_are(warehouse, answers):
    """The package's default copies every batch into a temporary table."""
    assert answers
    assert warehouse.query("SELECT table_name FROM duckdb_tables() WHERE temporary") == []


def test_numbers_are_compared_with_all_their_digits():
    """DuckDB's FLOAT has 24 bits and its NUMERIC three decimals, unlike those of the dialect that is compiled from."""
    import sqlalchemy as sa

    from tailrace.validate.gx.dialect import DuckDBDialect

    kinds = (sa.Float(), sa.Numeric(), sa.REAL(), sa.Numeric(12, 2))
    found = [str(sa.cast(sa.column("select"), kind).compile(dialect=DuckDBDialect())) for kind in kinds]
    assert found == [
        *['CAST("select" AS DOUBLE)'] * 3,
        'CAST("select" AS DECIMAL(12, 2))',
    ]


def test_the_stand_ins_give_way_to_the_real_modules(answers):
    """The divergence case above needed scipy, which the lean import had left out."""
    import sys

    assert answers
    assert type(sys.modules["scipy"]).__name__ == "module"
    assert "altair" not in sys.modules
