"""One scan of an input tells which of its batches hold other rows than before: late, repeated, changed or deleted ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

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
    time = f"CAST({event_column(warehouse, read, columns)} AS TIMESTAMP)"
    names = ", ".join(
        part for name, kind in columns.items() for part in _told_apart(warehouse.dialect.quote(name), kind)
    )
    rows = warehouse.query(
        f"SELECT date_trunc('{size}', {time}), count(*), sum(CAST(hash({names}) AS HUGEINT))"
        f" FROM {warehouse.dialect.table(read.table)} WHERE {time} >= ? AND {time} < ? GROUP BY ALL",
        [first.astimezone(UTC).replace(tzinfo=None), end.astimezone(UTC).replace(tzinfo=None)],
    )
    found = {}
    for start, count, total in rows:
        day = datetime(start.year, start.month, start.day, getattr(start, "hour", 0), tzinfo=UTC)
        found[day] = f"{count}-{total}"
    return found


def input_columns(warehouse: Warehouse, table: TableRef) -> dict[str, str]:
    """Names and whole types, those inside of structs too, as a query sees them."""
    quoted = warehouse.dialect.table(table)
    rows = warehouse.query(f"SELECT column_name, column_type FROM (DESCRIBE {quoted})")
    return {str(name): str(kind) for name, kind in rows}


def event_column(warehouse: Warehouse, read: BatchInput, columns: Mapping[str, str]) -> str:
    """The input's event time, quoted."""
    name = next((name for name in columns if name.casefold() == read.event_time.casefold()), None)
    if name is None:
        said = f"event_time {read.event_time} is no column of {read.table}"
        raise SettingRefused(said, near_miss(read.event_time, list(columns)), read.place)
    refuse_no_time(read.event_time, columns[name], read.table, read.place)
    return warehouse.dialect.quote(name)


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
