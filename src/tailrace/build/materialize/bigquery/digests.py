"""Which batches of an input hold other rows than before, where the input lies in BigQuery: one scan of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, cast

from tailrace.build.materialize.bigquery import catalogue
from tailrace.build.materialize.bigquery.writer import instant_literal
from tailrace.build.settings.incremental import BatchSize
from tailrace.warehouse.base import TableRef, Warehouse
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse, Native

if TYPE_CHECKING:
    from typing import Any

PRIME = 1_000_000_007
"""Fingerprints are summed by what they leave of it: a sum of whole ones would leave INT64 behind."""


def is_far(warehouse: Warehouse, table: TableRef) -> bool:
    """Whether the table is in BigQuery alone; what has a copy here is asked here, for nothing."""
    return warehouse.engine == "bigquery" and not cast("BigQueryWarehouse", warehouse).near.is_here(table)


def far_columns(warehouse: Warehouse, table: TableRef) -> dict[str, str]:
    """Names and BigQuery's types."""
    found = catalogue.standing(cast("BigQueryWarehouse", warehouse).jobs, table)
    return dict(found.columns) if found else {}


def far_digests(
    warehouse: Warehouse,
    table: TableRef,
    columns: Mapping[str, str],
    time: str,
    size: BatchSize,
    span: tuple[datetime, datetime],
) -> list[tuple[Any, ...]]:
    """(start, digest) of each batch that has rows in a span; `time` is the event time's column."""
    return [
        (row[0], "-".join(map(str, row[1:])))
        for row in warehouse.query(Native(_sql(table, columns, time, size, span)))
    ]


def _sql(
    table: TableRef,
    columns: Mapping[str, str],
    time: str,
    size: BatchSize,
    span: tuple[datetime, datetime],
) -> str:
    """The column is compared as it lies, so that partitions are pruned."""
    kind = columns[time]
    start = f"CAST(`{time}` AS TIMESTAMP)" if kind != "TIMESTAMP" else f"`{time}`"
    first, end = (instant_literal(at, kind) for at in span)
    named = ", ".join(f"`{name}`" for name in columns)
    return (
        f"SELECT TIMESTAMP_TRUNC({start}, {size.upper()}) AS batch, COUNT(*) AS n, BIT_XOR(f) AS x, SUM(MOD(f, {PRIME})) AS s\n"
        f"FROM (SELECT `{time}`, FARM_FINGERPRINT(TO_JSON_STRING(STRUCT({named}))) AS f"
        f" FROM `{table.schema}`.`{table.name}` WHERE `{time}` >= {first} AND `{time}` < {end})\nGROUP BY batch"
    )
