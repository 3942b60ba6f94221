"""Whatever a suite's own SQL reads under a name that is used twice, or with the clock, is seen when it changes."""

from __future__ import annotations

import json

import pytest
import sqlglot
from tests.unit.validate.made import expect, suite
from tests.unit.validate.own.gate import Gate

from tailrace.validate.own import inputs
from tailrace.validate.parameter_sql import facts_of
from tailrace.validate.where import outer_tables, volatile_in

ROWS = "SELECT range AS id, 1 AS score FROM range(10)"
SHADOWED = (
    "WITH allowed AS (SELECT * FROM allowed) SELECT * FROM {batch} WHERE id NOT IN (SELECT k FROM allowed)"
)
ELSEWHERE = """SELECT * FROM {batch} WHERE id NOT IN (SELECT k FROM allowed)
  AND id NOT IN (WITH allowed AS (SELECT 99 AS k) SELECT k FROM allowed)"""


@pytest.mark.parametrize("query", [SHADOWED, ELSEWHERE])
def test_a_table_beside_a_with_of_its_name_is_watched(warehouse, query):
    warehouse.execute("CREATE TABLE allowed AS SELECT range AS k FROM range(10)")
    gate = Gate(warehouse, expect("unexpected_rows_expectation", unexpected_rows_query=query))
    assert gate(ROWS).success
    gate(ROWS)
    assert gate.verdict.reused
    warehouse.execute("DELETE FROM allowed WHERE k = 3")
    assert not gate(ROWS).success


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b, (SELECT * FROM A) AS x", []),
        ("WITH b AS (SELECT * FROM a), a AS (SELECT 1) SELECT * FROM b", ["a"]),
        ("WITH a AS (WITH c AS (SELECT 1) SELECT * FROM c) SELECT * FROM c, a", ["c"]),
        ("WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n) SELECT * FROM n", []),
        ("WITH RECURSIVE n AS (SELECT * FROM n) SELECT * FROM n", ["n"]),
        ("WITH a AS (SELECT 1) SELECT * FROM a UNION SELECT * FROM a", []),
        ("WITH a AS (SELECT 1) SELECT * FROM s.a, a, tailrace_batch", ["s.a"]),
    ],
)
def test_a_with_gives_its_names_where_it_holds(query, tables):
    assert [table.sql() for table in outer_tables(sqlglot.parse_one(query, read="duckdb"))] == tables


def test_a_parameter_is_told_its_tables_the_same_way():
    assert facts_of("WITH a AS (SELECT max(x) AS x FROM a) SELECT x FROM a").tables == ("a",)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("age(day)", "age"),
        ("current_localtime()", "current_localtime"),
        ("uuidv7()", "uuidv7"),
        ("getvariable('x')", "getvariable"),
        ("current_setting('TimeZone')", "current_setting"),
        ("txid_current()", "txid_current"),
    ],
)
def test_what_differs_from_call_to_call(call, name):
    assert volatile_in(sqlglot.parse_one(f"SELECT {call}", read="duckdb")) == {name}


def test_an_age_between_two_days_is_always_the_same():
    assert not volatile_in(sqlglot.parse_one("SELECT age(a, b)", read="duckdb"))


@pytest.mark.parametrize(
    ("column", "seen_at_first", "later"),
    [
        ("updated_at", "landed 8", "landed 9"),
        ("score", "landed 7", "landed 10"),
        ("id", "landed 7", "landed 7"),
    ],
)
def test_what_only_moved_the_cursor_or_came_back_counts_for_who_reads_it(
    warehouse, column, seen_at_first, later
):
    warehouse.execute("CREATE SCHEMA ads; CREATE TABLE ads.spend AS SELECT 1 AS id")
    warehouse.execute(
        "CREATE TABLE tailrace_meta.cursors AS SELECT 'ads.spend' AS resource, 7 AS data_version, 8 AS touch_version,"
        " 'updated_at' AS cursor_columns, 0 AS own_version, 'score' AS own_columns"
    )
    wanted = suite(expect("exists_in", column="id", table="ads.spend", to_column=column))
    assert json.loads(inputs.state(warehouse, wanted)) == {"ads.spend": seen_at_first}
    warehouse.execute("UPDATE tailrace_meta.cursors SET touch_version = 9, own_version = 10")
    assert json.loads(inputs.state(warehouse, wanted)) == {"ads.spend": later}
