"""Which engine a target opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.marks import Run


def open_warehouse(
    engine: str,
    work: Path,
    *,
    settings: Mapping[str, Any],
    attach: Sequence[Mapping[str, str]] = (),
    run: Run | None = None,
) -> Warehouse:
    """`work` is the file that runs write: all there is with DuckDB, what is kept near with BigQuery.

    BigQuery's jobs bear the `run`'s name, and at its first opening what an earlier run left on its way is ended.
    """
    if engine == "duckdb":
        return DuckDBWarehouse(work, settings=settings, attach=attach)
    from tailrace.warehouse.bigquery.connection import connect
    from tailrace.warehouse.bigquery.earlier import settle_earlier
    from tailrace.warehouse.bigquery.jobs import Jobs
    from tailrace.warehouse.bigquery.near import FEW
    from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse

    named = {"owner": run.owner, "run": run.run_id} if run else {}
    jobs = Jobs(connect(settings), {**settings, **named})
    try:
        if run and run.is_first:
            settle_earlier(jobs)
        return BigQueryWarehouse(DuckDBWarehouse(work), jobs, near_rows=int(settings.get("near_rows", FEW)))
    except BaseException:
        jobs.close()
        raise
