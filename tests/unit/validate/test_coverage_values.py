"""Values and columns that are hard to write down: quotes, backslashes, umlauts, huge and exact numbers, times, reserved words."""

from __future__ import annotations

import pytest

from tailrace.validate.catalogue import entries
from tailrace.validate.question import Answer, Question
from tailrace.warehouse.duckdb import DuckDBWarehouse

TABLE = r"""
CREATE TABLE hard AS SELECT range AS id,
  CASE range % 10 WHEN 3 THEN NULL WHEN 4 THEN 'O''Brien' WHEN 5 THEN 'a\b' WHEN 6 THEN '50% off_now' WHEN 7 THEN 'Grüße 🐟'
    WHEN 8 THEN E'two\nlines' WHEN 9 THEN '' ELSE '"quoted"' END AS "full name",
  CASE WHEN range % 7 = 0 THEN NULL ELSE CAST(range AS HUGEINT) * 100000000000000000000000000 END AS huge,
  9007199254740900 + range AS big,
  CASE WHEN range % 5 = 0 THEN NULL ELSE CAST(range AS DECIMAL(18, 4)) / 4 END AS "Group",
  CAST(CAST(range AS DECIMAL(18, 4)) / 1000 AS DECIMAL(18, 4)) AS money,
  CASE WHEN range % 4 = 0 THEN NULL ELSE range % 4 = 1 END AS "order",
  DATE '2026-01-01' + CAST(range % 31 AS INTEGER) AS "day of",
  TIMESTAMP '2026-01-01' + INTERVAL (range) HOUR AS ts,
  TIMESTAMPTZ '2026-01-01 00:00:00+00' + INTERVAL (range) HOUR AS tz,
  [range % 3, 1] AS li, CAST('00000000-0000-0000-0000-0000000000' || lpad(CAST(range AS VARCHAR), 2, '0') AS UUID) AS uu,
  CAST(['x', 'y'][1 + range % 2] AS ENUM('x', 'y')) AS en,
  CASE range % 4 WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN 'inf'::DOUBLE WHEN 2 THEN NULL ELSE range / 3 END AS dbl,
  CAST(range AS FLOAT) / 10 AS flt, CAST(range AS TINYINT) AS tiny,
  'größe' AS "größe", range AS "qu""ote", CASE WHEN range % 2 = 0 THEN 'Yes' ELSE 'yes' END AS "Select"
FROM range(100)
"""
_BETWEEN, _IN, _NOT_IN = (
    "expect_column_values_to_be_between", "expect_column_values_to_be_in_set", "expect_column_values_to_not_be_in_set",
)  # fmt: skip
_MATCH, _NOT_MATCH = "expect_column_values_to_match_regex", "expect_column_values_to_not_match_regex"
_LIKE, _NOT_LIKE = (
    "expect_column_values_to_match_like_pattern", "expect_column_values_to_not_match_like_pattern",
)  # fmt: skip
NAME = '"full name"'
# type, column, its other kwargs, and the rows that fail, in SQL written by hand
CASES = [
    (_IN, "full name", {"value_set": ["O'Brien", "a\\b", '"quoted"', "Grüße 🐟", "two\nlines", ""]}, f"{NAME} = '50% off_now'"),
    (_NOT_IN, "full name", {"value_set": ["O'Brien", "50% off_now"]}, f"{NAME} IN ('O''Brien', '50% off_now')"),
    (_IN, "full name", {"value_set": []}, f"{NAME} IS NOT NULL"),
    (_IN, "full name", {"value_set": ["x", None]}, f"{NAME} IS NOT NULL"),
    (_NOT_IN, "full name", {"value_set": ["O'Brien", None]}, f"{NAME} = 'O''Brien'"),
    (_MATCH, "full name", {"regex": r"^[^'\\]*$"}, f"{NAME} LIKE '%''%' OR contains({NAME}, '\\')"),
    (_MATCH, "full name", {"regex": r"\\"}, f"NOT contains({NAME}, '\\')"),
    (_MATCH, "full name", {"regex": "ü|🐟"}, f"NOT contains({NAME}, 'ü')"),
    (_MATCH, "full name", {"regex": r"^\w+.*$"}, rf"NOT regexp_matches({NAME}, '^\w+.*$')"),
    (_NOT_MATCH, "full name", {"regex": r"%|:x|\?"}, f"contains({NAME}, '%')"),
    (_NOT_MATCH, "full name", {"regex": ":name %(a)s {b} ?"}, "false"),
    (_MATCH, "full name", {"regex": '(?i)^"QUOTED"$'}, f"{NAME} <> '\"quoted\"'"),
    # as in the models' SQL, unlike Postgres: a backslash is a character like any other
    (_LIKE, "full name", {"like_pattern": r"%\%%"}, f"NOT contains({NAME}, '\\')"),
    (_LIKE, "full name", {"like_pattern": "50%_n%"}, f"{NAME} <> '50% off_now'"),
    (_NOT_LIKE, "full name", {"like_pattern": "O'B%"}, f"{NAME} = 'O''Brien'"),
    (_NOT_LIKE, "full name", {"like_pattern": r"a\b"}, f"contains({NAME}, '\\')"),
    ("expect_column_values_to_match_like_pattern_list", "full name", {"like_pattern_list": ["O'%", "%ü%"], "match_on": "any"},
     f"NOT ({NAME} = 'O''Brien' OR contains({NAME}, 'ü'))"),
    ("expect_column_values_to_match_like_pattern_list", "full name", {"like_pattern_list": ["O%", "%n"], "match_on": "all"}, f"{NAME} <> 'O''Brien'"),
    ("expect_column_values_to_match_regex_list", "full name", {"regex_list": ["O'", "ü"], "match_on": "all"}, f"{NAME} IS NOT NULL"),
    ("expect_column_value_lengths_to_equal", "full name", {"value": 7}, f"length({NAME}) <> 7"),
    ("expect_column_value_lengths_to_be_between", "full name", {"min_value": 1, "max_value": 8}, f"length({NAME}) NOT BETWEEN 1 AND 8"),
    (_IN, "huge", {"value_set": [10**26, 2 * 10**26]}, "huge NOT IN (100000000000000000000000000, 200000000000000000000000000)"),
    (_BETWEEN, "huge", {"max_value": 0}, "huge > 0"),
    # a float has 53 bits: 9007199254740993 is not one of them
    (_BETWEEN, "big", {"max_value": 9007199254740991}, "big > 9007199254740991"),
    (_BETWEEN, "big", {"min_value": 9007199254740992, "strict_min": True}, "big <= 9007199254740992"),
    (_IN, "big", {"value_set": [9007199254740993]}, "big <> 9007199254740993"),
    (_BETWEEN, "Group", {"min_value": 1.25, "max_value": 20}, '"Group" NOT BETWEEN 1.25 AND 20'),
    (_BETWEEN, "money", {"max_value": 0.05}, "money > 0.05"),
    (_BETWEEN, "money", {"max_value": 0.05, "strict_max": True}, "money >= 0.05"),
    (_IN, "money", {"value_set": [0.001, 0.002]}, "money NOT IN (0.001, 0.002)"),
    # 0.7 in a FLOAT column is what a person means by 0.7
    (_BETWEEN, "flt", {"min_value": 0.7}, "flt < 0.7"),
    (_IN, "flt", {"value_set": [0.1, 5]}, "flt NOT IN (0.1, 5)"),
    (_BETWEEN, "dbl", {"min_value": 0, "max_value": 10}, "dbl > 10"),
    (_BETWEEN, "tiny", {"min_value": -5, "max_value": 50.5}, "tiny > 50.5"),
    (_BETWEEN, "tiny", {"max_value": 300}, "false"),
    (_IN, "tiny", {"value_set": [1, 1000]}, "tiny <> 1"),
    (_IN, "order", {"value_set": [True]}, 'NOT "order"'),
    (_NOT_IN, "order", {"value_set": [True]}, '"order"'),
    (_BETWEEN, "day of", {"min_value": "2026-01-05"}, "\"day of\" < DATE '2026-01-05'"),
    (_BETWEEN, "ts", {"max_value": "2026-01-02"}, "ts > TIMESTAMP '2026-01-02'"),
    (_BETWEEN, "ts", {"max_value": "2026-01-02T03:00:00Z"}, "ts > TIMESTAMP '2026-01-02 03:00:00'"),
    (_BETWEEN, "ts", {"min_value": "2026-01-02 03:00:00", "strict_min": True}, "ts <= TIMESTAMP '2026-01-02 03:00:00'"),
    (_BETWEEN, "tz", {"max_value": "2026-01-02"}, "tz > TIMESTAMPTZ '2026-01-02 00:00:00+00'"),
    (_IN, "day of", {"value_set": ["2026-01-05", "2026-01-06"]}, "\"day of\" NOT IN (DATE '2026-01-05', DATE '2026-01-06')"),
    (_IN, "ts", {"value_set": ["2026-01-01T05:00:00"]}, "ts <> TIMESTAMP '2026-01-01 05:00:00'"),
    (_IN, "tz", {"value_set": ["2026-01-01T05:00:00"]}, "tz <> TIMESTAMPTZ '2026-01-01 05:00:00+00'"),
    (_IN, "uu", {"value_set": ["00000000-0000-0000-0000-000000000001"]}, "id <> 1"),
    (_IN, "en", {"value_set": ["x", "unheard of"]}, "en = 'y'"),
    (_IN, "größe", {"value_set": ["größe"]}, "false"),
    (_BETWEEN, 'qu"ote', {"max_value": 50}, "id > 50"),
    (_IN, "Select", {"value_set": ["Yes"]}, "\"Select\" <> 'Yes'"),
    ("expect_column_values_to_be_null", "li", {}, "li IS NOT NULL"),
    ("expect_column_values_to_be_unique", "li", {}, "true"),
    ("expect_column_values_to_be_unique", "uu", {}, "false"),
    ("expect_column_values_to_be_unique", "dbl", {}, "NOT isfinite(dbl)"),
    ("expect_column_value_z_scores_to_be_less_than", "Group", {"threshold": 1, "double_sided": False},
     '("Group" - (SELECT avg("Group") FROM hard)) / (SELECT stddev_samp("Group") FROM hard) >= 1'),
]  # fmt: skip
NUMBERED = [pytest.param(n, id=f"{n}-{kind}-{column}") for n, (kind, column, _, _) in enumerate(CASES)]


@pytest.fixture(scope="module")
def warehouse():
    opened = DuckDBWarehouse(None)
    opened.execute(TABLE)
    opened.ensure_schema("the marts")
    opened.execute('CREATE TABLE "the marts"."Other" AS SELECT 1 FROM range(99)')
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def examiner(warehouse):
    from tailrace.validate.assess import great_expectations

    return great_expectations(warehouse.native())


def _question(number: int) -> Question:
    kind, column, kwargs, _ = CASES[number]
    return Question(number, "hard", kind, {"column": column, **kwargs})


@pytest.fixture(scope="module")
def answers(examiner) -> list[Answer]:
    return examiner.answers([_question(number) for number in range(len(CASES))])


@pytest.mark.parametrize("number", NUMBERED)
def test_counts_and_names_what_sql_does(warehouse, examiner, answers, number):
    kind, _, _, condition = CASES[number]
    failing = warehouse.query(f"SELECT id FROM hard WHERE {condition} ORDER BY id")
    answer = answers[number]
    assert (answer.raised, answer.success) == (None, not failing)
    assert (answer.unexpected or 0) == len(failing)
    if entries()[kind].by_row:
        rows = examiner.failing_rows(_question(number), ["id"])
        assert warehouse.query(f"SELECT id FROM ({rows}) ORDER BY id") == failing


@pytest.mark.parametrize(
    ("kind", "kwargs", "reason"),
    [
        (_BETWEEN, {"column": "big", "max_value": 9007199254740993}, "max_value 9007199254740993 cannot be compared exactly: compare it in a query"),
        ("expect_multicolumn_sum_to_equal", {"column_list": ["id", "big"], "sum_total": -(2**53) - 1},
         "sum_total -9007199254740993 cannot be compared exactly: compare it in a query"),
        *((f"expect_column_{name}_to_be_between", {"column": "big", limit: 2**53 + 1}, f"{limit} 9007199254740993 cannot be compared exactly")
          for name in ("max", "min", "sum", "mean", "median") for limit in ("min_value", "max_value")),
        ("expect_column_max_to_be_between", {"column": "big", "max_value": 10**400}, "max_value 1000000"),
        (_BETWEEN, {"column": "full name", "max_value": "M"}, "max_value is text, not a date or a number"),
        (_IN, {"column": "li", "value_set": [[0, 1]]}, "Conversion Error: "),
    ],
)  # fmt: skip
def test_what_would_be_compared_wrongly_is_not_compared(examiner, kind, kwargs, reason):
    (answer,) = examiner.answers([Question(0, "hard", kind, kwargs)])
    assert not answer.success
    assert answer.raised.startswith(reason)


@pytest.mark.parametrize(("limit", "success"), [(2**53 - 1, True), (2**53, True), (10**18, False)])
def test_a_large_limit_that_a_float_holds_is_asked_about(warehouse, examiner, limit, success):
    big = warehouse.query("SELECT max(big) FROM hard")[0][0]
    assert (big >= limit) is success
    question = Question(0, "hard", "expect_column_max_to_be_between", {"column": "big", "min_value": limit})
    (answer,) = examiner.answers([question])
    assert (answer.raised, answer.success) == (None, success)


@pytest.mark.parametrize(("name", "rows"), [("the marts.Other", 99), ("hard", 100)])
def test_rows_of_another_table_are_counted_by_its_full_name(examiner, name, rows):
    kind = "expect_table_row_count_to_equal_other_table"
    (answer,) = examiner.answers([Question(0, "hard", kind, {"other_table_name": name})])
    assert (answer.raised, answer.success) == (None, rows == 100)
    assert answer.result["observed_value"] == {"self": 100, "other": rows}
