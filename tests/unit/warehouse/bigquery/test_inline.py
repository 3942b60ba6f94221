"""Rows written into a statement come back as they were, however many there are."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from tailrace.warehouse.bigquery.inline import inline
from tailrace.warehouse.bigquery.jobs import Jobs

TEXTS = [
    "it's",
    "a\nb\r\t\\n",
    '"; DROP',
    "",
    None,
    "[1]",
    '{"a": "b"}',
    "é😀\u2028",
    "null",
    "1e5",
    "\\u0041",
    "$[0]",
]
ODD = pa.table(
    {
        "name with space": pa.array(TEXTS),
        "n": pa.array([-(2**63), 2**63 - 1, 0, *[None] * 9], pa.int64()),
        "x": pa.array([0.1 + 0.2, 1e-300, -0.0, math.inf, 1.7976931348623157e308, *[None] * 7]),
        "d": pa.array([Decimal("12345678901234567890.123456789"), Decimal("-0.5"), *[None] * 10], pa.decimal128(38, 9)),
        "yes": pa.array([True, False, *[None] * 10]),
        "at": pa.array([datetime(1969, 12, 31, 23, 59, 59, 500000), datetime(1, 1, 1), *[None] * 10], pa.timestamp("us")),
        "day": pa.array([date(1, 1, 1), date(9999, 12, 31), *[None] * 10]),
    }
)  # fmt: skip


def told(value) -> str:
    """Equal where values are, zeros behind a decimal point apart."""
    return repr(value.normalize() if isinstance(value, Decimal) else value)


@pytest.fixture
def jobs(bigquery):
    return Jobs(bigquery, {"project": bigquery.project, "location": "US"})


def test_values_come_back_as_they_were(jobs):
    found = jobs.arrow(f"SELECT * FROM {inline(ODD)}")
    assert found.column_names == ODD.column_names
    for name in ODD.column_names:
        assert sorted(map(told, found[name].to_pylist())) == sorted(map(told, ODD[name].to_pylist())), name


def test_no_row_keeps_the_columns(jobs):
    found = jobs.arrow(f"SELECT * FROM {inline(ODD.slice(0, 0))}")
    assert (found.num_rows, found.column_names) == (0, ODD.column_names)


def test_rows_that_no_text_carries_are_not_written_out():
    assert inline(pa.table({"a": [[1]]})) is None
    assert inline(pa.table({"a": [b"x"]})) is None


def test_many_rows_are_one_token():
    written = [inline(pa.table({"a": list(range(rows)), "b": ["x"] * rows})) for rows in (1, 200)]
    assert {one.count("CAST(") for one in written} == {1}
