"""One scan of an input tells which of its batches hold other rows than before: late, repeated, changed or deleted ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tailrace.build.graph import BatchInput
from tailrace.build.settings.incremental import BatchSize
from tailrace.build.settings.refused import SettingRefused
from tailrace.errors import Location, near_miss
from tailrace.warehouse.base import TableRef, Warehouse

EMPTY = "0"
"""The digest of a batch without rows."""


def batch_digests(
    warehouse: Warehouse, read: BatchInput, size: BatchSize, first: datetime, end: datetime
) -> dict[datetime, str]:
    """By the start of each batch in [first, end): rows, and the sum of their hashes, which no order can change.

    A batch without rows is left out; rows whose event time is NULL are in none.
    """
    columns = input_columns(warehouse, read.table)
    name = event_column(read, columns)
    if is_far(warehouse, read.table):
        return _far(warehouse, read.table, columns, name, size, (first, end))
    time = f"CAST({warehouse.dialect.quote(name)} AS TIMESTAMP)"
    names = ", ".join(
        part for name, kind in columns.items() for part in _told_apart(warehouse.dialect.quote(name), kind)
    )
    rows = warehouse.query(
        f"SELECT date_trunc('{size}', {time}), count(*), sum(CAST(hash({names}) AS HUGEINT))"
        f" FROM {warehouse.dialect.table(read.table)} WHERE {time} >= ? AND {time} < ? GROUP BY ALL",
        [first.astimezone(UTC).replace(tzinfo=None), end.astimezone(UTC).replace(tzinfo=None)],
    )
    return {_start(start): f"{count}-{total}" for start, count, total in rows}


def _start(found: Any) -> datetime:
    return datetime(found.year, found.month, found.day, getattr(found, "hour", 0), tzinfo=UTC)


def _far(
    warehouse: Warehouse,
    table: TableRef,
    columns: Mapping[str, str],
    time: str,
    size: BatchSize,
    span: tuple[datetime, datetime],
) -> dict[datetime, str]:
    from tailrace.build.materialize.bigquery.digests import far_digests

    return {_start(at): text for at, text in far_digests(warehouse, table, columns, time, size, span)}


def is_far(warehouse: Warehouse, table: TableRef) -> bool:
    """Whether the table's rows are not on this machine."""
    if warehouse.engine == "duckdb":
        return False
    from tailrace.build.materialize.bigquery.digests import is_far as is_there

    return is_there(warehouse, table)


def input_columns(warehouse: Warehouse, table: TableRef) -> dict[str, str]:
    """Names and whole types, those inside of structs too, as a query sees them."""
    if is_far(warehouse, table):
        from tailrace.build.materialize.bigquery.digests import far_columns

        return far_columns(warehouse, table)
    quoted = warehouse.dialect.table(table)
    rows = warehouse.query(f"SELECT column_name, column_type FROM (DESCRIBE {quoted})")
    return {str(name): str(kind) for name, kind in rows}


def event_column(read: BatchInput, columns: Mapping[str, str]) -> str:
    """The input's event time, as the table writes it."""
    name = next((name for name in columns if name.casefold() == read.event_time.casefold()), None)
    if name is None:
        said = f"event_time {read.event_time} is no column of {read.table}"
        raise SettingRefused(said, near_miss(read.event_time, list(columns)), read.place)
    refuse_no_time(read.event_time, columns[name], read.table, read.place)
    return name


def refuse_no_time(event_time: str, kind: str, table: TableRef, place: Location | None) -> None:
    """A text sorts and compares otherwise than the time that it spells."""
    if not kind.startswith(("DATE", "TIMESTAMP")):
        said = f"event_time {event_time} of {table} is {kind}; it must be a date or a timestamp"
        raise SettingRefused(said, "cast it where the column is made", place)


def _told_apart(column: str, kind: str) -> tuple[str, ...]:
    """What is hashed of a column: values that are equal and not the same, as 30 days and a month, hash alike by themselves."""
    if kind in ("DOUBLE", "FLOAT"):
        return column, f"signbit({column})"
    if any(word in kind for word in ("INTERVAL", "DOUBLE", "FLOAT")):
        return column, f"CAST({column} AS VARCHAR)"
    return (column,)
