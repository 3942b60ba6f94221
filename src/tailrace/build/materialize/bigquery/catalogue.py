"""What BigQuery's catalogue tells of tables and queries, in its own types; none of it is billed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery.refusals import refused

if TYPE_CHECKING:
    from tailrace.warehouse.base import Warehouse
    from tailrace.warehouse.bigquery.jobs import Jobs
    from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse

_LEGACY = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}


@dataclass(frozen=True)
class Standing:
    """A table as the catalogue has it: names and types in order, `partition` as PARTITION BY would say it ("" where there is none).

    `partition` is None where the table has partitions that no `partition_by` can name, by the time of loading.
    """

    columns: Mapping[str, str]
    rows: int
    partition: tuple[str, str] | None
    cluster_by: tuple[str, ...]
    options: Mapping[str, Any]


def standing(jobs: Jobs, ref: TableRef) -> Standing | None:
    """A table or view; None where there is none."""
    from google.api_core.exceptions import NotFound

    with told(jobs, f"look at {ref}"):
        try:
            found = jobs.client.get_table(jobs.name(ref))
        except NotFound:
            return None
    options = {"labels": dict(found.labels or {}), "expires": found.expires, "kms_key_name": ""}
    if found.encryption_configuration is not None:
        options["kms_key_name"] = found.encryption_configuration.kms_key_name or ""
    time = found.time_partitioning
    options["partition_expiration_ms"] = time.expiration_ms if time is not None else None
    options["require_partition_filter"] = bool(found.require_partition_filter)
    return Standing(
        {one.name: spelled(one) for one in found.schema},
        int(found.num_rows or 0),
        _partition(found),
        tuple(found.clustering_fields or ()),
        options,
    )


def _partition(table: Any) -> tuple[str, str] | None:
    """(column, how): `DAY`, `MONTH` .. or `0 100 10`."""
    if table.range_partitioning is not None:
        found = table.range_partitioning
        return found.field, f"{found.range_.start} {found.range_.end} {found.range_.interval}"
    time = table.time_partitioning
    if time is None:
        return "", ""
    return (time.field, str(time.type_)) if time.field else None


def result_of(jobs: Jobs, sql: str) -> dict[str, str]:
    """Names and types of what a query gives, by a dry run."""
    from google.cloud import bigquery

    with told(jobs, sql):
        config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)
        job = jobs.client.query(sql, job_config=config, location=jobs.location)
        return {one.name: spelled(one) for one in job.schema or ()}


def described(warehouse: Warehouse, sql: str) -> dict[str, str]:
    """As result_of(), in DuckDB's types."""
    found: BigQueryWarehouse = cast("BigQueryWarehouse", warehouse)
    return found.jobs.dry_run(sql).columns


def spelled(field: Any) -> str:
    """A column's type as DDL writes it."""
    if field.field_type in ("RECORD", "STRUCT"):
        kind = "STRUCT<" + ", ".join(f"`{one.name}` {spelled(one)}" for one in field.fields) + ">"
    else:
        kind = _LEGACY.get(field.field_type, field.field_type)
    return f"ARRAY<{kind}>" if field.mode == "REPEATED" else kind


def set_options(jobs: Jobs, ref: TableRef, options: Mapping[str, Any]) -> None:
    """Labels, expiry and the like of a table that stands: `Standing.options`, of which those that are given."""
    with told(jobs, f"set the options of {ref}"):
        table = jobs.client.get_table(jobs.name(ref))
        fields = []
        if "labels" in options:
            # a label goes where its value is None
            table.labels = dict.fromkeys(table.labels or {}) | dict(options["labels"])
            fields.append("labels")
        if "expires" in options:
            table.expires = options["expires"]
            fields.append("expires")
        if "require_partition_filter" in options:
            table.require_partition_filter = options["require_partition_filter"]
            fields.append("require_partition_filter")
        if "partition_expiration_ms" in options and table.time_partitioning is not None:
            table.time_partitioning.expiration_ms = options["partition_expiration_ms"]
            fields.append("time_partitioning")
        if fields:
            jobs.client.update_table(table, fields)


def drop(jobs: Jobs, ref: TableRef) -> None:
    """A table goes, if it is there."""
    with told(jobs, f"drop {ref}"):
        jobs.client.delete_table(jobs.name(ref), not_found_ok=True)


@contextmanager
def told(jobs: Jobs, doing: str) -> Iterator[None]:
    """Google's errors as ours."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, OSError) as error:
        raise refused(error, doing, jobs.project, jobs.location) from error


def hours_from(now: datetime, hours: int | None) -> datetime | None:
    from datetime import timedelta

    return None if hours is None else now + timedelta(hours=hours)
