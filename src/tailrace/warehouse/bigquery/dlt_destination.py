"""How dlt loads into BigQuery: Parquet load jobs with the target's own client settings."""

from __future__ import annotations

from typing import Any

from tailrace.warehouse.bigquery.jobs import Jobs


def destination(jobs: Jobs) -> Any:
    """What `dlt.pipeline(destination=...)` takes; it asks with the credentials that the target names."""
    import dlt

    return dlt.destinations.bigquery(credentials=jobs.client._credentials, location=jobs.location)  # noqa: SLF001
