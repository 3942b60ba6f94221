"""Our own checks, and our own SQL about keys, through BigQuery: what they say on DuckDB of the same rows."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.unit.validate.made import expect, suite
from tests.unit.validate.shop import Shop, load

from tailrace.validate.assess import great_expectations
from tailrace.validate.catalogue import entries
from tailrace.validate.own import spread, sql
from tailrace.validate.own.asking import prepared, told
from tailrace.validate.own.declaration import Context
from tailrace.validate.own.parameters import Values
from tailrace.validate.quarantine import key_problem
from tailrace.validate.relations import relations
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import Staged

ORDERS, PEOPLE = TableRef("shop", "orders"), TableRef("shop", "people")
NOW = datetime(2026, 2, 1, 9)
TABLES = {
    "orders": """SELECT range AS id, range % 50 AS person, DATE '2026-01-02' + CAST(range % 30 AS INTEGER) AS day,
        TIMESTAMP '2026-01-31 08:00:00' - INTERVAL (range) MINUTE AS at, range % 7 + 0.25 AS amount,
        ['web', 'shop'' 9', 'C:\\', 'Zürich'][1 + range % 4] AS "from"
      FROM range(600) WHERE NOT (range % 30 BETWEEN 10 AND 12 AND range % 4 = 1)""",
    "people": "SELECT range AS id, range AS amount FROM range(48)",
}
TYPES = {
    "orders": {"id": "INT64", "person": "INT64", "day": "DATE", "at": "TIMESTAMP", "amount": "FLOAT64", "from": "STRING"},
    "people": {"id": "INT64", "amount": "INT64"},
}  # fmt: skip
CHECKS = [
    expect("fresh", column="at", max_age="24h"),
    expect("fresh", column="at", max_age="26h"),
    expect("fresh", column="day", max_age="24h"),
    expect("no_missing_days", column="day", last="31d"),
    expect("no_missing_days", column="day", last="31d", by=["from"], max_missing=2),
    expect("no_missing_days", column="day", last="20d", by=["from"], until="2d"),
    expect("no_missing_days", column="at", last="3d", until="0d"),
    expect("total_matches_source", column="amount", source="shop.people", source_column="amount"),
    expect("total_matches_source", column="id", source="shop.orders", source_column="id"),
    expect("total_matches_source", column="amount", source="shop.orders", source_column="amount + 1", by=["from"],
           source_where="day < DATE '2026-01-20'"),
    expect("exists_in", column="person", table="shop.people", to_column="id"),
    expect("exists_in", column="person", table="shop.people", to_column="id", where="id < 40"),
    expect("exists_in", column="person", table="shop.people", to_column="id", mostly=0.9),
]  # fmt: skip


@pytest.fixture(scope="module")
def duckdb():
    opened = DuckDBWarehouse(None)
    opened.ensure_schema("shop")
    for name, select in TABLES.items():
        opened.execute(f"CREATE TABLE shop.{name} AS {select}")
        opened.execute(f"CREATE VIEW {name} AS SELECT * FROM shop.{name}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shop(bigquery, duckdb):
    for name, types in TYPES.items():
        load(bigquery, duckdb, name, types)
    yield Shop(bigquery)
    for name in TYPES:
        bigquery.delete_table(f"shop.{name}")


def judged(warehouse, native, item):
    """What the check found, and the keys of its failing rows where it names rows."""
    checked = suite(item)
    staged = Staged(
        ORDERS, warehouse.query(f"SELECT count(*) FROM {warehouse.dialect.table(ORDERS)}")[0][0], "content"
    )
    with relations(warehouse, staged) as views:
        context = Context(warehouse, checked, staged, views, NOW)
        asking = prepared(context, checked.expectations[0], Values(context))
        assert asking.question is not None, asking.answer
        examiner = great_expectations(native)
        answer = told(context, asking, examiner.answers([asking.question])[0]).answer
        keys = None
        if entries()[asking.question.type].by_row and answer.unexpected is not None:
            rows = examiner.failing_rows(asking.question, ["id"])
            keys = sorted(key for (key,) in warehouse.query(f"SELECT id FROM ({rows}) AS failing"))
            assert len(keys) == answer.unexpected
    return (answer.success, answer.raised, answer.observed, answer.unexpected, keys)


@pytest.mark.parametrize(
    "item", CHECKS, ids=[f"{number}-{item['type']}" for number, item in enumerate(CHECKS)]
)
def test_says_what_it_says_on_duckdb(duckdb, shop, item):
    there = judged(duckdb, duckdb.native(), item)
    assert there[1] is None
    assert judged(shop, shop.client, item) == there


def test_the_planted_faults_are_found(duckdb):
    """The list above holds both verdicts of every type: equal answers alone would prove little."""
    found = {(item["type"], judged(duckdb, duckdb.native(), item)[0]) for item in CHECKS}
    assert found == {
        (kind, success) for kind in {item["type"] for item in CHECKS} for success in (True, False)
    }


@pytest.mark.parametrize(
    ("column", "kind"), [("amount", "FLOAT64"), ("id", "INT64"), ("day", "DATE"), ("from", "STRING")]
)
def test_a_spread_is_the_same(duckdb, shop, column, kind):
    """BigQuery's points are approximate; counts, ends and texts are exact."""
    here = spread.seen(shop, shop.dialect.table(ORDERS), spread.values_of(column, kind, NOW.date()))
    there = spread.seen(duckdb, duckdb.dialect.table(ORDERS), spread.values_of(column, kind, NOW.date()))
    assert here | {"points": []} == there | {"points": []}
    if "points" in there:
        width = there["high"] - there["low"]
        assert all(abs(a - b) <= width / 50 for a, b in zip(here["points"], there["points"], strict=True))


def test_the_drift_between_two_spreads_is_the_same(duckdb, shop):
    values = spread.values_of("from", "STRING", NOW.date())
    bins = [
        spread.Bin(f"v = {sql.text(value)}", value, share)
        for value, share in (("web", 0.5), ("shop' 9", 0.2), ("C:\\", 0.2), ("Zürich", 0.1))
    ]
    told = spread.parts_sql(values, bins, 540, sql.BATCH)
    here = shop.query(sql.spelled(shop.dialect, told).replace(sql.BATCH, shop.dialect.table(ORDERS)))
    there = duckdb.query(told.replace(sql.BATCH, duckdb.dialect.table(ORDERS)))
    assert sorted(here) == [pytest.approx(row) for row in sorted(there)]
    assert there[0][-1] > 0.2


WRITTEN = [
    expect("expect_table_row_count_to_equal", where='"from" = \'web\' AND id // 2 > 3 -- 5%', value=123),
    expect("expect_column_values_to_be_between", where="regexp_matches(\"from\", '^[sC]') AND \"at\"::DATE = DATE '2026-01-31'", column="id", max_value=9),
    expect("unexpected_rows_expectation", unexpected_rows_query='SELECT "from", count(*) AS n FROM {batch} WHERE "at" < TIMESTAMP \'2026-01-31 00:00:00\' GROUP BY ALL HAVING n > 5;'),
    expect("unexpected_rows_expectation", where="id < 40", unexpected_rows_query="SELECT * FROM {batch} AS rows_there WHERE rows_there.id % 7 = 3"),
]  # fmt: skip


@pytest.mark.parametrize("item", WRITTEN)
def test_sql_of_a_suite_is_written_once(duckdb, shop, item):
    """In DuckDB's words: double quotes name a column there, on BigQuery they would quote a text, which no row equals."""
    there = judged(duckdb, duckdb.native(), item)
    assert there[1] is None
    assert there[0] is False
    assert judged(shop, shop.client, item) == there


@pytest.mark.parametrize("key", ["id", "person", "nothing"])
def test_a_key_that_names_no_row_is_found(duckdb, shop, key):
    staged = Staged(ORDERS, duckdb.query("SELECT count(*) FROM shop.orders")[0][0], "content")
    found = key_problem(shop, suite(key=key), staged)
    assert found == key_problem(duckdb, suite(key=key), staged)
    assert (found is None) is (key == "id")
