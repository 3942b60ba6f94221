"""An echo of our own write moves a vendor's cursor and nothing else: only who reads the cursor is built again."""

from __future__ import annotations

import pytest

from tailrace.build.versions import Data
from tailrace.warehouse.duckdb import DuckDBWarehouse


@pytest.fixture
def warehouse():
    opened = DuckDBWarehouse(None)
    opened.execute("CREATE SCHEMA hubspot")
    opened.execute("CREATE TABLE hubspot.contacts (id VARCHAR, email VARCHAR, lastmodifieddate TIMESTAMP)")
    opened.execute(
        "CREATE TABLE tailrace_meta.cursors AS SELECT 'hubspot.contacts' AS resource, 5 AS raw_done, 5 AS data_version,"
        " 5 AS touch_version, 'lastmodifieddate' AS cursor_columns"
    )
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("sql", "moves"),
    [
        ("SELECT id, email FROM hubspot.contacts", False),
        ("SELECT id, LastModifiedDate FROM hubspot.contacts", True),
        ("SELECT * FROM hubspot.contacts", True),
    ],
)
def test_a_touch_counts_for_those_who_may_read_the_cursor(warehouse, sql, moves):
    before = Data(warehouse).version("hubspot.contacts", sql)
    warehouse.execute("UPDATE tailrace_meta.cursors SET raw_done = 9, touch_version = 9")
    assert (Data(warehouse).version("hubspot.contacts", sql) != before) is moves
    warehouse.execute("UPDATE tailrace_meta.cursors SET raw_done = 12, touch_version = 12, data_version = 12")
    assert Data(warehouse).version("hubspot.contacts", sql) != before
