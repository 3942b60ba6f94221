"""BigQuery passes what every engine passes; Google's own client talks to the emulator."""

from __future__ import annotations

import secrets

import pytest

from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tests.conformance.warehouse_suite import WarehouseSuite


class TestBigQuery(WarehouseSuite):
    odd = "a b"

    @pytest.fixture
    def table_ref(self):
        return TableRef(f"space_{secrets.token_hex(3)}", "weird_name")  # the emulator takes no other letters

    @pytest.fixture
    def warehouse(self, tmp_path, bigquery):
        local = DuckDBWarehouse(tmp_path / "work.duckdb")
        opened = BigQueryWarehouse(local, Jobs(bigquery, {"project": bigquery.project, "location": "US"}))
        yield opened
        local.close()
