"""Partitions in which rows lie, as ranges of the column that decides it: a range is what an engine can prune by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tailrace.build.intervals import after
from tailrace.build.materialize.job import Job
from tailrace.build.settings.storage import Partition


@dataclass(frozen=True)
class Span:
    """From `first` inclusive to `end` exclusive, as literals of ours; "" where the range is open. `null`: the rows without a value."""

    first: str = ""
    end: str = ""
    null: bool = False


def spans_in(job: Job, table: str, field: str, kind: str, partition: Partition) -> list[Span]:
    """The partitions of a table's rows, in order, neighbours joined; `kind` is the engine's type of the field."""
    column = job.quoted(field)
    if partition.range is not None:
        return _of_numbers(job, table, column, partition.range)
    part = f"date_trunc('{partition.granularity}', {column})"
    found = [row[0] for row in job.writer.ask(f"SELECT DISTINCT {part} AS part FROM {table}")]
    starts = sorted(_instant(value) for value in found if value is not None)
    spans = [
        Span(instant(job, first, kind), instant(job, end, kind))
        for first, end in _joined([(start, after(start, partition.granularity)) for start in starts])
    ]
    return [*spans, Span(null=True)] if None in found else spans


def _instant(value: Any) -> datetime:
    """A partition's start, whichever type the engine gave it."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    assert isinstance(value, date)
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def _joined(ranges: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for first, end in ranges:
        if found and found[-1][1] == first:
            found[-1] = (found[-1][0], end)
        else:
            found.append((first, end))
    return found


def instant(job: Job, at: datetime, kind: str) -> str:
    """A literal of a column's own type, so that it is compared with the column as it lies; a day begins no earlier than `at`."""
    if kind == "DATE":
        day = at.date() if at.time() == time() else at.date() + timedelta(days=1)
        return job.writer.cast(f"'{day.isoformat()}'", kind)
    return job.writer.cast(f"'{at.replace(tzinfo=None).isoformat(' ')}'", kind)


def _of_numbers(job: Job, table: str, column: str, range_: tuple[int, int, int]) -> list[Span]:
    """What lies below the first or above the last interval shares one partition, as in BigQuery."""
    start, end, interval = range_
    part = (
        f"CASE WHEN {column} < {start} OR {column} >= {end} THEN -1"
        f" WHEN {column} IS NOT NULL THEN tailrace_above // {interval} END"
    )
    above = f"(SELECT {column}, {column} - {start} AS tailrace_above FROM {table})"
    found = [row[0] for row in job.writer.ask(f"SELECT DISTINCT {part} AS part FROM {above} AS rows_above")]
    firsts = [
        start + int(number) * interval for number in sorted(n for n in found if n is not None and n >= 0)
    ]
    spans = [
        Span(str(first), str(last))
        for first, last in _joined([(first, min(end, first + interval)) for first in firsts])
    ]
    if -1 in found:
        spans += [Span(end=str(start)), Span(first=str(end))]
    return [*spans, Span(null=True)] if None in found else spans


def within(column: str, spans: Sequence[Span]) -> str:
    """Whether a quoted column lies in one of them."""
    return "(" + " OR ".join(_inside(column, span) for span in spans) + ")"


def _inside(column: str, span: Span) -> str:
    if span.null:
        return f"{column} IS NULL"
    parts = [f"{column} >= {span.first}"] if span.first else []
    parts += [f"{column} < {span.end}"] if span.end else []
    return " AND ".join(parts)
