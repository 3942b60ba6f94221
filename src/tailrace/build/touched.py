"""One scan of an input tells which of its batches hold other rows than before: late, repeated, changed or deleted ones."""

from __future__ import annotations

from datetime import UTC, datetime

from tailrace.build.graph import BatchInput
from tailrace.build.settings.incremental import BatchSize
from tailrace.build.settings.refused import SettingRefused
from tailrace.errors import near_miss
from tailrace.warehouse.base import Warehouse

EMPTY = "0"
"""The digest of a batch without rows."""


def batch_digests(
    warehouse: Warehouse, read: BatchInput, size: BatchSize, first: datetime, end: datetime
) -> dict[datetime, str]:
    """By the start of each batch in [first, end): rows, and the sum of their hashes, which no order can change.

    A batch without rows is left out; rows whose event time is NULL are in none.
    """
    columns = warehouse.columns(read.table)
    time = f"CAST({event_column(warehouse, read, list(columns))} AS TIMESTAMP)"
    names = ", ".join(warehouse.dialect.quote(name) for name in columns)
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


def event_column(warehouse: Warehouse, read: BatchInput, columns: list[str]) -> str:
    """The input's event time, quoted."""
    name = next((name for name in columns if name.casefold() == read.event_time.casefold()), None)
    if name is None:
        said = f"event_time {read.event_time} is no column of {read.table}"
        raise SettingRefused(said, near_miss(read.event_time, columns), read.place)
    return warehouse.dialect.quote(name)
