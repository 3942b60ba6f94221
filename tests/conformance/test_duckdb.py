from __future__ import annotations

import pytest

from tailrace.warehouse.duckdb import DuckDBWarehouse
from tests.conformance.warehouse_suite import WarehouseSuite


class TestDuckDB(WarehouseSuite):
    @pytest.fixture
    def warehouse(self, tmp_path):
        opened = DuckDBWarehouse(tmp_path / "work.duckdb")
        yield opened
        opened.close()
