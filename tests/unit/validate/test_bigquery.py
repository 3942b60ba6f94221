"""The same checks through BigQuery's dialect: verdicts, counts and keys as on DuckDB, for every expectation that works over SQL."""

from __future__ import annotations

import re

import pytest
from tests.unit.validate.cases import CASES, PASS, TABLE
from tests.unit.validate.shop import ROWS, TYPES, Recorded, load

from tailrace.validate.assess import great_expectations
from tailrace.validate.catalogue import entries
from tailrace.validate.question import Question
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

NUMBERED = [pytest.param(number, id=f"{number}-{case[0]}") for number, case in enumerate(CASES)]
BY_ROW = [case for case in NUMBERED if entries()[CASES[case.values[0]][0]].by_row]
NAMES = {"BIGINT": "INT64", "DOUBLE": "FLOAT64", "VARCHAR": "STRING", "u": "shop.u"}
"""What is called otherwise on BigQuery: its types, and a table outside of any default dataset."""


def asked(number: int, relation: str = ROWS) -> Question:
    kind, kwargs, _ = CASES[number]
    spelled = {
        name: NAMES.get(value, value) if name in ("type_", "other_table_name") else value
        for name, value in kwargs.items()
    }
    return Question(number, relation, kind, spelled)


@pytest.fixture(scope="module")
def warehouse():
    opened = DuckDBWarehouse(None)
    opened.execute(TABLE)
    opened.execute("CREATE TABLE u AS SELECT * FROM t")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def on_duckdb(warehouse):
    questions = [Question(number, "t", kind, kwargs) for number, (kind, kwargs, _) in enumerate(CASES)]
    return great_expectations(warehouse.native()).answers(questions)


@pytest.fixture(scope="module")
def client(bigquery, warehouse):
    for table in ("t", "u"):
        load(bigquery, warehouse, table, TYPES["t"])
    return Recorded(bigquery)


@pytest.fixture(scope="module")
def examiner(client, on_duckdb):
    """Opened after DuckDB's, in one process: the package was loaded without looking for Google's clients."""
    assert on_duckdb
    from tailrace.validate.gx.bigquery import BigQueryExaminer

    return BigQueryExaminer(client)


@pytest.fixture(scope="module")
def answers(examiner):
    return examiner.answers([asked(number) for number in range(len(CASES))])


@pytest.mark.parametrize("number", NUMBERED)
def test_says_what_it_says_on_duckdb(warehouse, on_duckdb, answers, number):
    answer, other, wanted = answers[number], on_duckdb[number], CASES[number][2]
    assert answer.raised is None
    assert (answer.success, answer.unexpected) == (other.success, other.unexpected)
    if wanted in (PASS, False):
        assert answer.success is (wanted == PASS)


@pytest.mark.parametrize("number", BY_ROW)
def test_names_exactly_the_rows_that_it_counts(bigquery, warehouse, examiner, number):
    wanted = CASES[number][2]
    condition = wanted[0] if isinstance(wanted, tuple) else wanted
    rows = examiner.failing_rows(asked(number), ["id"])
    found = [row[0] for row in bigquery.query_and_wait(f"SELECT id FROM ({rows}) ORDER BY id")]
    assert found == [key for (key,) in warehouse.query(f"SELECT id FROM t WHERE {condition} ORDER BY id")]


def test_bigquery_has_an_operator_for_every_comparison(client, answers):
    assert answers
    assert client.refused() == []


def test_no_answer_is_as_long_as_the_table(client, answers):
    """The package asks for quantiles by window functions, which answer once per row."""
    assert answers
    quantiles = [sql for sql, _ in client.sent if "percentile_disc" in sql]
    assert quantiles
    assert all(len(list(client._client.query_and_wait(_with_values(sql)))) == 1 for sql in quantiles)


def _with_values(sql: str) -> str:
    return re.sub(r"@\w+", "0.5", sql)


def test_it_reads_and_never_writes(bigquery, client, answers):
    assert answers
    assert {sql.split()[0] for sql, _ in client.sent} == {"SELECT"}
    assert {table.table_id for table in bigquery.list_tables("shop")} == {"t", "u"}


def test_rows_of_a_condition_are_judged_alone(bigquery, warehouse, examiner):
    """Percent signs, colons and line comments in a `where:` arrive as they were written."""
    where = "email LIKE 'user%' AND grade <> '%s :x' AND a = 1 -- 100%"
    relation = f"(SELECT * FROM {ROWS} WHERE ({where}\n)\n)"
    questions = [
        Question(0, relation, "expect_column_values_to_be_between", {"column": "score", "max_value": 50}),
        Question(1, relation, "unexpected_rows_expectation", {"unexpected_rows_query": "SELECT id FROM {batch} WHERE email LIKE '%1%' AND grade <> ':y'"}),
        Question(2, relation, "expect_table_row_count_to_equal", {"value": 323}),
    ]  # fmt: skip
    total, above, ones = warehouse.query(
        "SELECT count(*), count(*) FILTER (score > 50), count(*) FILTER (email LIKE '%1%')"
        " FROM t WHERE email LIKE 'user%' AND a = 1"
    )[0]
    found = examiner.answers(questions)
    assert [answer.raised for answer in found] == [None, None, None]
    assert (found[0].unexpected, found[1].observed, found[2].observed) == (above, f"{ones} rows", str(total))
    keys = bigquery.query_and_wait(examiner.failing_rows(questions[0], ["id"]))
    assert sorted(row[0] for row in keys) == [
        key for (key,) in warehouse.query("SELECT id FROM t WHERE email LIKE 'user%' AND a = 1 AND score > 50 ORDER BY id")
    ]  # fmt: skip


@pytest.mark.parametrize("rows", ["WHERE false", "all NULL"])
def test_nothing_and_nulls_are_judged_as_on_duckdb(warehouse, client, examiner, rows):
    nulls = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in _types(warehouse).items())
    select = "SELECT * FROM t WHERE false" if rows == "WHERE false" else f"SELECT {nulls} FROM range(7)"
    name = "none" if rows == "WHERE false" else "nulls"
    warehouse.execute(f"CREATE OR REPLACE TABLE {name} AS {select}")
    load(client._client, warehouse, name, TYPES["t"])
    relation = ROWS.replace(".t`", f".{name}`")
    there = [Question(number, name, kind, kwargs) for number, (kind, kwargs, _) in enumerate(CASES)]
    expected = great_expectations(warehouse.native()).answers(there)
    found = examiner.answers([asked(number, relation) for number in range(len(CASES))])
    client._client.delete_table(f"shop.{name}")
    said = [(answer.success, answer.unexpected, answer.raised is None) for answer in found]
    wanted = [(answer.success, answer.unexpected, answer.raised is None) for answer in expected]
    differing = [(CASES[n], found[n], expected[n]) for n in range(len(CASES)) if said[n] != wanted[n]]
    assert differing == []


def _types(warehouse) -> dict[str, str]:
    return warehouse.columns(TableRef("main", "t"))


def test_what_raises_says_so_in_a_line_and_alone(examiner):
    questions = [
        Question(0, ROWS, "expect_column_values_to_be_between", {"column": "score", "max_value": 200}),
        Question(1, ROWS, "expect_column_values_to_match_regex", {"column": "email", "regex": "("}),
        Question(2, ROWS, "expect_column_values_to_be_between", {"column": "nowhere", "max_value": 1}),
        Question(
            3,
            f"(SELECT * FROM {ROWS} WHERE (nowhere = 1\n))",
            "expect_table_row_count_to_equal",
            {"value": 1},
        ),
        Question(4, ROWS.replace(".t", ".gone"), "expect_table_row_count_to_equal", {"value": 1}),
    ]
    found = examiner.answers(questions)
    assert [answer.success for answer in found] == [True, False, False, False, False]
    assert [answer.unexpected for answer in found] == [0, None, None, None, None]
    assert all(answer.raised and "\n" not in answer.raised for answer in found[1:])
    assert all("POST" not in answer.raised for answer in found[1:])
    assert "gone" in found[4].raised


def test_a_suite_of_21_checks_takes_few_queries(bigquery, client):
    """Each is billed for ten megabytes at least. Passing checks are counted together; a failing one costs no query of its own."""
    from tailrace.validate.gx.bigquery import BigQueryExaminer

    recorded = Recorded(bigquery)
    found = BigQueryExaminer(recorded).answers(suite_of_21())
    assert [answer.index for answer in found if not answer.success] == [2, 3]
    assert all(answer.raised is None for answer in found)
    # rows; counts and shares; conditions; one more for each of lengths, and two for a pair, which the package asks apart
    assert len(recorded.sent) == 6
    assert not [sql for sql, _ in recorded.sent if "unexpected_values" in sql], "samples are not asked for"
    assert len(recorded.dry) == 1, "columns are read once, and for nothing"


def suite_of_21() -> list[Question]:
    checks = [
        ("expect_column_values_to_be_unique", {"column": "id"}),
        ("expect_column_values_to_not_be_null", {"column": "id"}),
        ("expect_column_values_to_be_between", {"column": "score", "min_value": 0, "max_value": 100}),
        ("expect_column_values_to_match_regex", {"column": "email", "regex": "@"}),
        ("expect_column_values_to_be_in_set", {"column": "grade", "value_set": ["A", "B", "C", "D"]}),
        *[("expect_column_values_to_not_be_null", {"column": name}) for name in ("grade", "day", "a")],
        *[("expect_column_values_to_be_between", {"column": name, "max_value": 9}) for name in ("a", "b", "c")],
        ("expect_column_values_to_be_between", {"column": "day", "max_value": "2026-01-31"}),
        ("expect_column_value_lengths_to_be_between", {"column": "email", "max_value": 60}),
        ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "c", "column_B": "a", "or_equal": True}),
        ("expect_column_values_to_be_between", {"column": "price", "min_value": 0}),
        ("expect_table_row_count_to_be_between", {"min_value": 1}),
        ("expect_column_mean_to_be_between", {"column": "a", "min_value": 0.9, "max_value": 1.1}),
        ("expect_column_max_to_be_between", {"column": "seen_at", "min_value": "2026-01-01"}),
        ("expect_column_sum_to_be_between", {"column": "price", "min_value": 1}),
        ("expect_column_proportion_of_non_null_values_to_be_between", {"column": "email", "min_value": 0.9}),
        ("expect_column_values_to_not_match_regex", {"column": "select", "regex": "[{}]"}),
    ]  # fmt: skip
    assert len(checks) == 21
    return [Question(number, ROWS, kind, kwargs) for number, (kind, kwargs) in enumerate(checks)]
