"""Batches of time: which there are, what each was built from (tailrace_meta.intervals), and which have to be built again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tailrace.build.settings.incremental import BatchSize
from tailrace.warehouse.base import META, TableRef, Warehouse

INTERVALS = TableRef(META, "intervals")
_COLUMNS = "model, batch_start, batch_end, fingerprint, inputs, rows, built_at, run_id, complete"


@dataclass(frozen=True, order=True)
class Batch:
    """`start` inclusive, `end` exclusive; UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Interval:
    """What a batch was built from: the SQL's fingerprint, and a digest of each input's rows in it."""

    batch: Batch
    fingerprint: str
    inputs: Mapping[str, str]
    rows: int = 0
    seen: frozenset[str] = field(default=frozenset(), compare=False)


def truncated(at: datetime, size: BatchSize) -> datetime:
    """The start of the batch that holds an instant."""
    at = at.astimezone(UTC)
    if size == "hour":
        return at.replace(minute=0, second=0, microsecond=0)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if size == "day":
        return day
    return day.replace(day=1) if size == "month" else day.replace(month=1, day=1)


def after(start: datetime, size: BatchSize) -> datetime:
    """The start of the next batch."""
    if size in ("hour", "day"):
        return start + (timedelta(hours=1) if size == "hour" else timedelta(days=1))
    if size == "year" or start.month == 12:
        return start.replace(year=start.year + 1, month=1)
    return start.replace(month=start.month + 1)


def batches(begin: datetime, now: datetime, size: BatchSize) -> list[Batch]:
    """From the batch that holds `begin` to the one that the clock is in."""
    found = []
    start = truncated(begin, size)
    while start <= now:
        end = after(start, size)
        found.append(Batch(start, end))
        start = end
    return found


def ensure_intervals(warehouse: Warehouse) -> None:
    """Make tailrace_meta.intervals if it is not there."""
    if not warehouse.columns(INTERVALS):
        warehouse.ensure_schema(META)
        text, number, stamp, flag = (
            warehouse.dialect.type(kind) for kind in ("text", "bigint", "timestamp", "bool")
        )
        warehouse.execute(
            f"CREATE TABLE IF NOT EXISTS {warehouse.dialect.table(INTERVALS)} (model {text}, batch_start {stamp},"
            f" batch_end {stamp}, fingerprint {text}, inputs {text}, rows {number}, built_at {stamp}, run_id {text},"
            f" complete {flag})"
        )


def read_intervals(warehouse: Warehouse, model: str, *, complete: bool) -> dict[Batch, Interval]:
    """Of the table as it stands, or of the one that is being built beside it."""
    if not warehouse.columns(INTERVALS):
        return {}
    rows = warehouse.query(
        f"SELECT batch_start, batch_end, fingerprint, inputs, rows FROM {warehouse.dialect.table(INTERVALS)}"
        " WHERE model = ? AND complete = ?",
        [model, complete],
    )
    found: dict[Batch, Interval] = {}
    for start, end, fingerprint, inputs, count in rows:
        batch = Batch(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))
        found[batch] = Interval(batch, fingerprint, json.loads(inputs), count)
    return found


def write_intervals(
    warehouse: Warehouse, model: str, done: Sequence[Interval], *, complete: bool, run_id: str, now: datetime
) -> None:
    """In the transaction that built these batches."""
    table = warehouse.dialect.table(INTERVALS)
    starts = [plain(one.batch.start) for one in done]
    marks = ", ".join("?" * len(starts))
    warehouse.execute(
        f"DELETE FROM {table} WHERE model = ? AND complete = ? AND batch_start IN ({marks})",
        [model, complete, *starts],
    )
    values = [
        value
        for one in done
        for value in (model, plain(one.batch.start), plain(one.batch.end), one.fingerprint,
                      json.dumps(one.inputs, sort_keys=True), one.rows, plain(now), run_id, complete)
    ]  # fmt: skip
    rows = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(done))
    warehouse.execute(f"INSERT INTO {table} ({_COLUMNS}) VALUES {rows}", values)


def forget_intervals(warehouse: Warehouse, model: str, *, complete: bool) -> None:
    """The batches of a table that is no more, or of one that is not finished."""
    table = warehouse.dialect.table(INTERVALS)
    warehouse.execute(f"DELETE FROM {table} WHERE model = ? AND complete = ?", [model, complete])


def forget_outside(warehouse: Warehouse, model: str, every: Sequence[Batch]) -> None:
    """Batches that are watched no more: nobody tells what happens to their input until they come back."""
    table = warehouse.dialect.table(INTERVALS)
    warehouse.execute(
        f"DELETE FROM {table} WHERE model = ? AND complete AND (batch_start < ? OR batch_start > ?)",
        [model, plain(every[0].start), plain(every[-1].start)],
    )


def complete_intervals(warehouse: Warehouse, model: str, fingerprint: str) -> None:
    """What was built beside the table has taken its place; `fingerprint` is the table's own, not the rebuild's."""
    forget_intervals(warehouse, model, complete=True)
    table = warehouse.dialect.table(INTERVALS)
    warehouse.execute(
        f"UPDATE {table} SET complete = true, fingerprint = ? WHERE model = ?", [fingerprint, model]
    )


def plain(at: datetime) -> datetime:
    """UTC without a zone, as the warehouse keeps instants."""
    return at.astimezone(UTC).replace(tzinfo=None)


def overlapping(found: Sequence[Batch], span: tuple[datetime, datetime] | None) -> Iterator[Batch]:
    """The batches that share an instant with a range."""
    for batch in found:
        if span is not None and batch.start < span[1] and batch.end > span[0]:
            yield batch
