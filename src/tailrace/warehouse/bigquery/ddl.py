"""A new table through the catalogue, which costs nothing, with what keeps a query from reading all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery.asking import told
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.types import field_of, to_bigquery

MOST_CLUSTERED = 4
CLUSTERED = ("STRING", "INT64", "NUMERIC", "BIGNUMERIC", "BOOL", "DATE", "TIMESTAMP")
"""What rows may be sorted by, and how many columns (Google: "Creating and using clustered tables")."""


def create_table(
    jobs: Jobs, ref: TableRef, columns: Mapping[str, str], *, partition: str = "", cluster: Sequence[str] = ()
) -> None:
    """If it is not there yet. `columns` in DuckDB's types; `partition`: a TIMESTAMP column, whose UTC days are kept apart."""
    jobs.check()
    with told(f"make {ref}", jobs.project, jobs.location):
        jobs.client.create_table(described(jobs.name(ref), columns, partition, cluster), exists_ok=True)


def described(name: str, columns: Mapping[str, str], partition: str, cluster: Sequence[str]) -> Any:
    """A `bigquery.Table`; columns that cannot sort rows are passed over."""
    from google.cloud import bigquery

    table = bigquery.Table(name, [field_of(column, kind) for column, kind in columns.items()])
    if partition:
        table.time_partitioning = bigquery.TimePartitioning(field=partition)
    keys = [column for column in cluster if to_bigquery(columns[column]) in CLUSTERED]
    table.clustering_fields = keys[:MOST_CLUSTERED] or None
    return table
