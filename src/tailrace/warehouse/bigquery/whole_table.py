"""A whole table at once, from a Parquet file: one load job, which costs nothing and happens whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace.errors import FatalError
from tailrace.events import Notice, emit
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery import types
from tailrace.warehouse.bigquery.asking import retry, told
from tailrace.warehouse.bigquery.ddl import CLUSTERED, MOST_CLUSTERED

if TYPE_CHECKING:
    from tailrace.warehouse.bigquery.jobs import Jobs

PATIENCE = 600.0
"""Seconds for each part of an upload."""


def drop(jobs: Jobs, ref: TableRef) -> None:
    """Delete a table if it is there: a catalogue call."""
    with told(f"delete {ref}", jobs.project, jobs.location):
        jobs.client.delete_table(jobs.name(ref), not_found_ok=True, retry=retry())


def discard(jobs: Jobs, ref: TableRef) -> None:
    """Delete a staged table; where Google refuses, that is told and no more: the work is done, and the table expires."""
    try:
        drop(jobs, ref)
    except FatalError as error:
        emit(Notice("warning", f"{ref} stays until it expires: {error}"))


def load_file(
    jobs: Jobs, path: Path, ref: TableRef, columns: Mapping[str, str], *, partition: str = "", cluster: Sequence[str] = ()
) -> None:  # fmt: skip
    """Make a table of a file's rows. `columns` in DuckDB's types; `partition`, `cluster` as the warehouse's `create` has them."""
    from google.api_core.exceptions import Conflict
    from google.cloud import bigquery

    jobs.check()
    kinds = {name: types.to_bigquery(kind) for name, kind in columns.items()}
    config = bigquery.LoadJobConfig(
        source_format="PARQUET",
        parquet_options=types.parquet_options(),
        write_disposition="WRITE_EMPTY",
        schema=[types.field_of(name, kind) for name, kind in columns.items()],
        labels=jobs.badge.all_labels(),
    )
    if partition:
        config.time_partitioning = bigquery.TimePartitioning(field=partition)
    if keys := [name for name in cluster if kinds[name] in CLUSTERED][:MOST_CLUSTERED]:
        config.clustering_fields = keys
    name = jobs.badge.job_id(f"load {ref}")
    with told(f"load into {ref}", jobs.project, jobs.location), path.open("rb") as file:
        job: Any
        try:
            job = jobs.client.load_table_from_file(
                file, jobs.name(ref), job_id=name, job_config=config, location=jobs.location, timeout=PATIENCE
            )
        except Conflict:
            job = jobs.client.get_job(name, location=jobs.location, retry=retry())
        job.result(retry=retry())
    jobs.tally.loads += 1
