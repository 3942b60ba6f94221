"""Marks in a microbatch model's SQL for the batch that it is run for, and the filter that stands around its inputs."""

from __future__ import annotations

from datetime import UTC, datetime

START, END = "@tailrace:batch:start@", "@tailrace:batch:end@"


def filtered(relation: str, event_time: str) -> str:
    """A table, of which a batch sees its own rows only; `event_time` is quoted, or an expression, already."""
    start, end = (f"CAST('{mark}' AS TIMESTAMP)" for mark in (START, END))
    return f"(SELECT * FROM {relation} WHERE {event_time} >= {start} AND {event_time} < {end})"


def set_batch(sql: str, start: datetime, end: datetime) -> str:
    """The SQL for one batch: `start` inclusive, `end` exclusive."""
    return sql.replace(START, _text(start)).replace(END, _text(end))


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
