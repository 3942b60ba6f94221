"""BigQuery's packages are loaded for BigQuery alone, asked for by name where they are missing, and its errors show no values."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tailrace.errors import WarehouseError
from tailrace.validate.assess import great_expectations

ON_DUCKDB = """
import sys
from tailrace.validate.assess import great_expectations
from tailrace.validate.question import Question
from tailrace.warehouse.duckdb import DuckDBWarehouse

opened = DuckDBWarehouse(None)
opened.execute("CREATE TABLE t AS SELECT 1 AS a")
asked = Question(0, "t", "expect_column_values_to_be_between", {"column": "a", "max_value": 1})
assert great_expectations(opened.native()).answers([asked])[0].success
print(sorted(name for name in sys.modules if name.startswith(("google.cloud", "google.auth", "sqlalchemy_bigquery"))))
"""


def test_a_check_on_duckdb_imports_nothing_of_google():
    done = subprocess.run([sys.executable, "-c", ON_DUCKDB], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_extra_is_named_with_its_fix(bigquery, monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlalchemy_bigquery", None)
    with pytest.raises(WarehouseError) as stopped:
        great_expectations(bigquery)
    assert str(stopped.value) == (
        "checks on BigQuery need the package sqlalchemy-bigquery. Install it: pip install 'tailrace[bigquery]'"
    )


def test_a_client_is_judged_through_bigquery(bigquery):
    assert type(great_expectations(bigquery)).__name__ == "BigQueryExaminer"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("400 POST https://bigquery.googleapis.com/bigquery/v2/projects/p/queries?x=y: Bad int64 value: ann@example.com\n\nLocation: EU\nJob ID: 1",
         "Bad int64 value: ***"),
        ("BadRequest: 400 GET https://bigquery.googleapis.com/q?location=EU: Invalid date: 'Ann 1980'; error in CAST", "Invalid date: ***"),
        ('400 POST https://x/y: Could not cast literal "Ann" to type DATE at [1:2]', "Could not cast literal *** to type DATE at [1:2]"),
        ('400 Invalid timestamp string "Ann"', "Invalid timestamp string ***"),
        ("400 POST https://x/y: division by zero: 12 / 0", "division by zero: ***"),
        ("404 POST https://x/y: Not found: Table p:d.t was not found in location EU", "Not found: Table p:d.t was not found in location EU"),
        ("(google.cloud.bigquery.dbapi.exceptions.DatabaseError) 400 No matching signature for operator > for argument types: TIMESTAMP, DATE",
         "No matching signature for operator > for argument types: TIMESTAMP, DATE"),
        ('The column "nowhere" in BatchData does not exist', 'The column "nowhere" in BatchData does not exist'),
    ],
)  # fmt: skip
def test_an_error_is_one_line_without_values(message, said):
    from tailrace.validate.gx import lean

    lean.load()
    from tailrace.validate.gx.bigquery import OpenBigQueryDatasource

    assert OpenBigQueryDatasource(name="warehouse").said(message) == said
