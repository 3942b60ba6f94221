"""Work on few rows gets less memory; what that is too little for is done again with all."""

from __future__ import annotations

import pytest

from tailrace.errors import WarehouseError
from tailrace.warehouse.duckdb import SPARE, DuckDBWarehouse

MUCH = "SELECT sum(len(l)) FROM (SELECT list(i) AS l FROM range(20000000) t(i))"


def limit(warehouse: DuckDBWarehouse) -> str:
    return str(warehouse.query("SELECT current_setting('memory_limit')")[0][0])


def test_few_rows_get_less_memory_and_it_is_given_back() -> None:
    warehouse = DuckDBWarehouse(None)
    before = limit(warehouse)
    with warehouse.sparing(0):
        assert limit(warehouse) == "95.3 MiB"
        assert SPARE == 100_000_000
    assert limit(warehouse) == before


def test_a_limit_that_is_lower_already_stays() -> None:
    warehouse = DuckDBWarehouse(None, settings={"memory_limit": "50MB"})
    before = limit(warehouse)
    with warehouse.sparing(1000):
        assert limit(warehouse) == before


def test_what_needs_more_is_done_again_with_all() -> None:
    warehouse = DuckDBWarehouse(None, settings={"memory_limit": "2GB"})
    before = limit(warehouse)
    with warehouse.sparing(1000):
        with pytest.raises(WarehouseError, match="Out of Memory"):
            warehouse.query(MUCH)
        assert warehouse.amply(lambda: warehouse.query(MUCH)) == [(20_000_000,)]
        assert limit(warehouse) == before


def test_a_transaction_is_undone_before_it_is_done_again() -> None:
    warehouse = DuckDBWarehouse(None, settings={"memory_limit": "2GB"})
    warehouse.execute("CREATE TABLE t (i INTEGER)")

    def work() -> None:
        with warehouse.transaction():
            warehouse.execute("INSERT INTO t VALUES (1)")
            warehouse.query(MUCH)

    with warehouse.sparing(1000):
        warehouse.amply(work)
    assert warehouse.query("SELECT count(*) FROM t") == [(1,)]


def test_other_errors_are_not_tried_again() -> None:
    warehouse, tries = DuckDBWarehouse(None), []

    def work() -> None:
        tries.append(1)
        warehouse.execute("SELECT nothing_like_it")

    with warehouse.sparing(1000), pytest.raises(WarehouseError, match="nothing_like_it"):
        warehouse.amply(work)
    assert len(tries) == 1
