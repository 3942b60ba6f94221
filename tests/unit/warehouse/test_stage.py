"""A staged table's fingerprint: other content is another one, whatever the type of the column."""

from __future__ import annotations

import pytest

from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import fingerprint, stage

T = TableRef("main", "t")


@pytest.fixture
def warehouse():
    opened = DuckDBWarehouse(None)
    yield opened
    opened.close()


def content(warehouse, *rows: str) -> str:
    """The fingerprint of a table of these rows, each a list of SQL values."""
    warehouse.execute(
        f"CREATE OR REPLACE TABLE {T} AS " + " UNION ALL ".join(f"SELECT {row}" for row in rows)
    )
    return fingerprint(warehouse, T)[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[]::INT[]", "NULL::INT[]"),
        ("[NULL]::INT[]", "[]::INT[]"),
        ("[[]]::INT[][]", "[NULL]::INT[][]"),
        ("[[]]::INT[][]", "[]::INT[][]"),
        ("{'a': NULL::INT}", "NULL::STRUCT(a INT)"),
        ("{'a': []::INT[]}", "{'a': NULL::INT[]}"),
        ("[NULL, NULL]::INT[2]", "NULL::INT[2]"),
        ("MAP {}::MAP(INT, INT)", "NULL::MAP(INT, INT)"),
        ("[NULL]::VARCHAR[]", "['NULL']::VARCHAR[]"),
        ("['a, b']", "['a', 'b']"),
        ("INTERVAL 30 DAY", "INTERVAL 1 MONTH"),
        ("INTERVAL 24 HOUR", "INTERVAL 1 DAY"),
        ("''", "NULL::VARCHAR"),
        ("0", "NULL::INT"),
    ],
)
def test_other_values_are_other_content(warehouse, one, other):
    assert content(warehouse, f"7 AS id, {one} AS v") != content(warehouse, f"7 AS id, {other} AS v")


def test_cells_that_change_places_are_other_content(warehouse):
    there = content(warehouse, "1 AS id, []::INT[] AS a, NULL::INT[] AS b")
    assert there != content(warehouse, "1 AS id, NULL::INT[] AS a, []::INT[] AS b")
    assert content(warehouse, "1 AS a, 5 AS b", "2, 6") != content(warehouse, "1 AS a, 6 AS b", "2, 5")


def test_rows_in_another_order_are_the_same_content(warehouse):
    rows = ("1 AS id, [1]::INT[] AS a, INTERVAL 1 DAY AS b", "2, NULL, NULL")
    assert content(warehouse, *rows) == content(
        warehouse, "2 AS id, NULL::INT[] AS a, NULL::INTERVAL AS b", rows[0]
    )


def test_a_list_that_became_empty_is_staged_anew(warehouse):
    content(warehouse, "1 AS id, []::INT[] AS tags")
    stage(warehouse, T, "copy")
    content(warehouse, "1 AS id, NULL::INT[] AS tags")
    stage(warehouse, T, "copy")
    assert warehouse.query("SELECT tags FROM tailrace_stage.copy") == [(None,)]
