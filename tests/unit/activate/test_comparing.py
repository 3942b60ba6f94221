"""One value in two spellings is no edit."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tailrace.activate.conflicts import comparable
from tailrace.activate.mapping import sendable


@pytest.mark.parametrize(
    ("there", "ours"),
    [
        ("85.0", 85), ("0", 0), ("-0.50", Decimal("-0.5")), ("TRUE", True), ("false", False), ("", None), ("  ", None),
        ("2024-01-01T10:00:00Z", datetime(2024, 1, 1, 10, tzinfo=UTC)), ("2024-01-01T12:00:00+02:00", "2024-01-01 10:00:00"),
        ("2024-01-01", "2024-01-01"), (" text ", "text"), ("9007199254740993", 9007199254740993),
    ],
)  # fmt: skip
def test_equal(there, ours):
    assert comparable(there) == comparable(ours)


@pytest.mark.parametrize(
    ("there", "ours"), [("85", 86), ("", 0), ("a", "A"), ("nan", 1), ("2024-01-01", "2024-01-02")]
)
def test_different(there, ours):
    assert comparable(there) != comparable(ours)


def test_types_without_one_clear_value_cannot_be_sent():
    assert [
        kind for kind in ("VARCHAR[]", "STRUCT(a INTEGER)", "MAP(VARCHAR, INTEGER)", "BLOB") if sendable(kind)
    ] == []
    plain = ("VARCHAR", "BIGINT", "UINTEGER", "HUGEINT", "DECIMAL(38,9)", "DOUBLE", "FLOAT", "DATE", "TIMESTAMP", "TIMESTAMP_NS",
             "TIMESTAMP WITH TIME ZONE", "UUID", "ENUM('a', 'b')", "JSON", "TIME", "BOOLEAN")  # fmt: skip
    assert [kind for kind in plain if not sendable(kind)] == []
