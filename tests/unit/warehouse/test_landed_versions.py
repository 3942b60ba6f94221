"""Which version of a landed table a query sees: a name in a comment reads nothing, one that may be read counts."""

from __future__ import annotations

import pytest

from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.landed import LandedVersion, landed_versions, may_read

VERSION = LandedVersion(5, 9, 12, "modified", 7, "lead_score,lead_grade")


@pytest.mark.parametrize(
    ("sql", "seen"),
    [
        ("SELECT id FROM hubspot.contacts", 5),
        ("SELECT id, lead_score FROM hubspot.contacts", 7),
        ('SELECT "Lead_Grade" FROM hubspot.contacts', 7),
        ("SELECT id, modified FROM hubspot.contacts", 9),
        ("SELECT lead_score, modified FROM hubspot.contacts", 9),
        ("SELECT * FROM hubspot.contacts", 9),
        ("SELECT count(*), COUNT( * ) FROM hubspot.contacts", 5),
        ("SELECT contacts FROM hubspot.contacts", 9),
        ("-- lead_score is not read\nSELECT id /* nor is modified */ FROM hubspot.contacts", 5),
        ("SELECT id, '-- ' || lead_score FROM hubspot.contacts", 7),
        ("SELECT id, '/*', lead_score, '*/' FROM hubspot.contacts", 9),
        ("SELECT id, $$it's$$, 'a -- b', lead_score FROM hubspot.contacts", 7),
        (r"SELECT id, E'it\'s -- ', lead_score FROM hubspot.contacts", 7),
        ("SELECT id, 'don''t -- ', lead_score FROM hubspot.contacts", 7),
    ],
)
def test_what_a_query_sees(sql, seen):
    assert VERSION.of("hubspot.contacts", sql) == seen


def test_a_file_of_an_earlier_release():
    warehouse = DuckDBWarehouse(None)
    assert landed_versions(warehouse) == {}
    warehouse.execute(
        "CREATE TABLE tailrace_meta.cursors AS SELECT 'Hubspot.Contacts' AS resource, 5 AS raw_done, 4 AS data_version"
    )
    assert landed_versions(warehouse) == {"hubspot.contacts": LandedVersion(4, 4, 5, "", 0, "")}
    warehouse.close()


def test_no_columns_are_read_by_nobody():
    assert not may_read("SELECT id FROM a.b", "", "a.b")
