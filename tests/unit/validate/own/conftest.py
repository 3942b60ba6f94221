from __future__ import annotations

import pytest

from tailrace.warehouse.duckdb import DuckDBWarehouse


@pytest.fixture
def warehouse():
    opened = DuckDBWarehouse(None)
    yield opened
    opened.close()
