"""What may be shown of a judged table: no value of a personal column, and everything else."""

from __future__ import annotations

import json

import pytest
from tests.unit.validate.made import suite

from tailrace.validate.masking import (
    hides,
    masked_row_sql,
    reading_error,
    shown_error,
    shown_result,
    subject_digest,
    subject_sql,
)
from tailrace.validate.unjudged import NOT_SHOWN
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse


@pytest.fixture
def warehouse():
    opened = DuckDBWarehouse(None)
    yield opened
    opened.close()


def test_a_row_is_shown_without_its_personal_values(warehouse):
    warehouse.execute(
        """CREATE TABLE t AS SELECT 7 AS "the ""key"" x", 'ann@x.io' AS "E-Mail", CAST(NULL AS VARCHAR) AS phone,
        'nan'::DOUBLE AS score, 1.5::DECIMAL(9, 3) AS spend, DATE '2026-01-02' AS day, [1, 2] AS list, true AS "it's" """
    )
    columns = warehouse.columns(TableRef("main", "t"))
    masked = masked_row_sql(warehouse.dialect, columns, {"e-mail", "phone", "spend"}, "q")
    assert json.loads(warehouse.query(f"SELECT {masked} FROM t AS q")[0][0]) == {
        'the "key" x': 7, "E-Mail": "***", "phone": None, "score": "nan", "spend": "***", "day": "2026-01-02",
        "list": [1, 2], "it's": True,
    }  # fmt: skip


@pytest.mark.parametrize("value", ["Ann@X.io", " ann@x.io  ", "ann@x.io"])
def test_a_subject_is_found_by_its_digest_whatever_its_case(warehouse, value):
    warehouse.execute("CREATE TABLE t AS SELECT CAST(? AS VARCHAR) AS who", [value])
    assert warehouse.query(f"SELECT {subject_sql('who', personal=True)} FROM t") == [
        (subject_digest("ann@x.io"),)
    ]
    assert warehouse.query(f"SELECT {subject_sql('who', personal=False)} FROM t") == [(value,)]


def test_a_person_who_is_not_known_has_no_digest(warehouse):
    assert warehouse.query(f"SELECT {subject_sql('CAST(NULL AS VARCHAR)', personal=True)}") == [(None,)]


@pytest.mark.parametrize(
    ("kind", "kwargs", "hidden"),
    [
        ("expect_column_max_to_be_between", {"column": "AGE"}, True),
        ("expect_column_mean_to_be_between", {"column": "age"}, True),
        ("expect_column_quantile_values_to_be_between", {"column": "age"}, True),
        ("expect_column_distinct_values_to_be_in_set", {"column": "age"}, True),
        ("expect_column_most_common_value_to_be_in_set", {"column": "age"}, True),
        ("expect_column_kl_divergence_to_be_less_than", {"column": "age"}, True),
        ("no_missing_days", {"column": "day", "by": ["Age"]}, True),
        ("total_matches_source", {"column": "spend * age"}, True),
        ("expect_column_max_to_be_between", {"column": "score"}, False),
        ("expect_column_values_to_be_between", {"column": "age"}, False),
        ("expect_column_pair_values_to_be_equal", {"column_A": "age", "column_B": "score"}, False),
        ("expect_column_unique_value_count_to_be_between", {"column": "age"}, False),
        ("expect_column_proportion_of_unique_values_to_be_between", {"column": "age"}, False),
        ("expect_table_row_count_to_be_between", {"min_value": 1}, False),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT age FROM {batch}"}, False),
    ],
)
def test_what_would_show_a_value_is_hidden(kind, kwargs, hidden):
    item = {"type": kind, "on_fail": "warn", "where": None, "kwargs": kwargs}
    assert hides(suite(item).expectations[0], {"age"}) is hidden


def test_of_a_personal_column_only_counts_are_kept():
    found = {"unexpected_count": 2, "partial_unexpected_list": ["ann@x.io"], "observed_value": "ann@x.io"}
    for kind, kwargs in (
        ("expect_column_values_to_match_regex", {"column": "email"}),
        ("expect_column_min_to_be_between", {"column": "email"}),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch}"}),
    ):
        item = suite({"type": kind, "on_fail": "warn", "where": None, "kwargs": kwargs}).expectations[0]
        assert shown_result(item, found, {"email"}) == {"unexpected_count": 2}
        assert shown_result(item, found, set()) == found


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Conversion Error: Could not convert string 'it''s ann' to INT32", "Conversion Error: Could not convert string '***' to INT32"),
        ('Invalid Input Error: Malformed JSON at "ann@x.io"', "Invalid Input Error: Malformed JSON at '***'"),
        ("Out of Range Error: Type INT32 with value 31415 is too large", "Out of Range Error: Type INT32 with value *** is too large"),
        ("Conversion Error: it can't read 'ann'", "Conversion Error: it can't read '***'"),
        ('Binder Error: Referenced column "scor" not found', 'Binder Error: Referenced column "scor" not found'),
        ("Invalid Input Error: missing ): (", "Invalid Input Error: missing ): ("),
        ("Out of Range Error: Overflow in multiplication of INT32 (94123 * 1000000)!", "Out of Range Error: Overflow in multiplication of INT32 (*** * ***)!"),
        ("Invalid Input Error: ann@x.io is odd", "Invalid Input Error: its text may hold values of rows and is not shown"),
        ("Conversion Error: it fails\nLINE 1: SELECT 94123", "Conversion Error: it fails"),
        ("Out of Memory Error: could not allocate 262144 bytes (16.0 MiB/16.0 MiB used)",
         "Out of Memory Error: could not allocate 262144 bytes (16.0 MiB/16.0 MiB used)"),
    ],
)  # fmt: skip
def test_an_error_quotes_no_value(message, shown):
    assert shown_error(message) == shown


def test_an_error_of_personal_rows_tells_its_kind_and_what_is_not_of_rows():
    for told, shown in (
        ("Conversion Error: Could not convert string 'ann' to INT32", "a value cannot be read as INT32"),
        ("Invalid Input Error: ann", NOT_SHOWN),
        ("Out of Memory Error: 16.0 MiB used", "Out of Memory Error: 16.0 MiB used"),
    ):
        assert reading_error(told, personal=True) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("['nan'::DOUBLE, 1.5]", "[nan, 1.5]"),
        ("{'a': '-inf'::FLOAT, 'b': 'x'}", "{'a': -inf, 'b': x}"),
        ("MAP {'k': 'inf'::DOUBLE}", "{k=inf}"),
        ("""'{"a": NaN}'::JSON""", '{"a": NaN}'),
        ("[1.5::DOUBLE, NULL]", [1.5, None]),
        ("NULL::DOUBLE[]", None),
        ("""'{"a": "NaN"}'::JSON""", {"a": "NaN"}),
        ("{'a': [1.5::DOUBLE], 'b': 'say, NaNa'}", {"a": [1.5], "b": "say, NaNa"}),
    ],
)
def test_a_row_is_json_also_where_nested_numbers_are_not_finite(value, shown):
    warehouse = DuckDBWarehouse(None)
    warehouse.execute(f"CREATE TABLE t AS SELECT {value} AS v")
    row = masked_row_sql(warehouse.dialect, warehouse.columns(TableRef("main", "t")), set())
    [(text,)] = warehouse.query(f"SELECT {row} FROM t")
    warehouse.close()

    def refused(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    assert json.loads(text, parse_constant=refused) == {"v": shown}
