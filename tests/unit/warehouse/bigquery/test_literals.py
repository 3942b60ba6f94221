"""Values as literals: what is bound reads back as what it was, in DuckDB's words and in BigQuery's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import duckdb
import pytest

from tailrace.errors import WarehouseError
from tailrace.warehouse.bigquery.literals import bound, text

VALUES = [
    None, True, False, 0, -(2**63), 2**63 - 1, 1.5, -0.0, float("inf"), Decimal("1.50"), Decimal("-1E+2"), "", "it's", "a\nb\r\t\\n",
    "'; DROP TABLE x; --", "{{ x }}", "=HYPERLINK(1)", "é😀\x00\u2028", date(1, 1, 1), datetime(1969, 12, 31, 23, 59, 59, 500000),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_duckdb_reads_back_what_was_bound(value):
    assert duckdb.sql(bound("SELECT ?", [value])).fetchall() == [(value,)]


@pytest.mark.parametrize("value", [value for value in VALUES if isinstance(value, str)], ids=repr)
def test_bigquery_reads_back_a_text(value, bigquery):
    assert [tuple(row) for row in bigquery.query(f"SELECT {text(value)}").result()] == [(value,)]


def test_bytes_are_refused():
    with pytest.raises(WarehouseError, match="bytes are no value of a statement"):
        bound("SELECT ?", [b"x"])


def test_a_zone_is_turned_into_utc():
    at = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert duckdb.sql(bound("SELECT ?", [at])).fetchall() == [(at.astimezone(UTC).replace(tzinfo=None),)]


def test_a_question_mark_in_a_text_or_comment_is_no_place():
    sql = 'SELECT \'?\', "a?", ? /* ? */ -- ?\nFROM (SELECT 1 AS "a?")'
    assert duckdb.sql(bound(sql, [7])).fetchall() == [("?", 1, 7)]


def test_values_without_places_are_refused():
    with pytest.raises(WarehouseError, match="2 values were given for 1 places"):
        bound("SELECT ?", [1, 2])
