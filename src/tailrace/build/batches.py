"""Marks in a microbatch model's SQL for the batch that it is run for, and the filter that stands around its inputs.

A mark may name another instant than the batch's edge, and a form: `@tailrace:batch:start:-86400000000:2559@` is the year of the
day before the start (microseconds; strftime's format in hexadecimal).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

START, END = "@tailrace:batch:start@", "@tailrace:batch:end@"
EVER = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""A batch that holds all there is, but for dates that stand for none."""
_MARK = re.compile(r"@tailrace:batch:(start|end)(?::(-?\d+):([0-9a-f]*))?@")
_NAME = r'(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`)'
_FILTERED = re.compile(
    rf"\(SELECT \* FROM ({_NAME}(?:\.{_NAME})*) WHERE ({_NAME}) >= CAST\('{START}' AS TIMESTAMP\)"
    rf" AND \2 < CAST\('{END}' AS TIMESTAMP\)\)"
)
_FRAGMENT = re.compile("@tailrace:", re.IGNORECASE)


def filtered(relation: str, event_time: str) -> str:
    """A table, of which a batch sees its own rows only; `event_time` is quoted, or an expression, already."""
    start, end = (f"CAST('{mark}' AS TIMESTAMP)" for mark in (START, END))
    return f"(SELECT * FROM {relation} WHERE {event_time} >= {start} AND {event_time} < {end})"


def reads_whole(sql: str, relation: str) -> bool:
    """Whether the SQL names the table anywhere outside of a batch's filter."""
    return relation in sql.replace(f"(SELECT * FROM {relation} WHERE ", "")


def unfiltered(sql: str) -> str:
    """The SQL in which the filtered tables are whole again; other marks stay."""
    return _FILTERED.sub(r"(SELECT * FROM \1)", sql)


def has_marks(sql: str) -> bool:
    """Whether the SQL is another one for each batch."""
    return _MARK.search(sql) is not None


def mark_of(edge: str, shift: timedelta, form: str) -> str:
    """The mark for an instant `shift` from the edge (`start` or `end`) in strftime's form."""
    return f"@tailrace:batch:{edge}:{shift // timedelta(microseconds=1)}:{form.encode().hex()}@"


def is_broken(sql: str) -> bool:
    """Whether a part of a mark is left, as where a template cut it."""
    return _FRAGMENT.search(_MARK.sub("", sql)) is not None


def set_batch(sql: str, start: datetime, end: datetime) -> str:
    """The SQL for one batch: `start` inclusive, `end` exclusive."""

    def text(found: re.Match[str]) -> str:
        edge, shift, form = found.groups()
        instant = (start if edge == "start" else end).astimezone(UTC)
        if shift is None:
            return instant.replace(tzinfo=None).isoformat(" ")
        return (instant + timedelta(microseconds=int(shift))).strftime(bytes.fromhex(form).decode())

    return _MARK.sub(text, sql)
