"""`fresh`: the newest value of a column is no older than it may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tailrace.project.spec import Expectation
from tailrace.validate.entry import Entry, Problem
from tailrace.validate.own import kwargs as values
from tailrace.validate.own import sql
from tailrace.validate.own.columns import kind_of
from tailrace.validate.own.declaration import Asked, CannotTell, Context, Found, OwnCheck
from tailrace.validate.question import Answer

MAX_AGE = "24h"


def _wrong_with(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    yield from values.duration(kwargs, "max_age", MAX_AGE)


def _ask(context: Context, item: Expectation) -> Asked | Found:
    """Native: the column's maximum is not before now less max_age. A value as far in the future hides nothing, so it fails, too."""
    kind = kind_of(context, item)
    allowed = timedelta(seconds=values.seconds(item.kwargs, "max_age", MAX_AGE))
    low, high = context.now - allowed, context.now + allowed
    if sql.is_date(kind):
        bounds = [low.date().isoformat(), high.date().isoformat()]
    elif sql.is_instant(kind):
        zone = "+00:00" if _has_zone(kind) else ""
        bounds = [moment.isoformat() + zone for moment in (low, high)]
    else:
        column = item.kwargs["column"]
        raise CannotTell(f"fresh needs a DATE or a TIMESTAMP, {column} is {kind}")
    kwargs = {"column": item.kwargs["column"], "min_value": bounds[0], "max_value": bounds[1]}
    return Asked(context.relations.named(item.where), "expect_column_max_to_be_between", kwargs, allowed)


def _has_zone(kind: str) -> bool:
    """DuckDB says so; BigQuery's TIMESTAMP always is an instant, its DATETIME never."""
    return "WITH TIME ZONE" in kind.upper()


def _tell(context: Context, item: Expectation, asked: Asked, answer: Answer) -> Found:
    column = sql.name(str(item.kwargs["column"]))
    query = sql.spelled(context.warehouse.dialect, f"SELECT max({column}) FROM {sql.BATCH}")
    newest = context.warehouse.query(query.replace(sql.BATCH, asked.relation))[0][0]
    if newest is None:
        return Found("there is no value")
    first, last = _span(newest)
    shown = f"{first:%Y-%m-%d %H:%M} UTC" if first == last else f"{first:%Y-%m-%d}"
    old = max((context.now - last).total_seconds(), 0)
    until = (
        _later(last, asked.note) if answer.success else first - asked.note if first > context.now else None
    )
    age = ", in the future" if first > context.now else f", {values.age(old)} old" if old else ""
    return Found(f"the newest is {shown}{age}", old / 3600, until)


def _span(newest: date) -> tuple[datetime, datetime]:
    """The moments that a value speaks for (UTC without a zone): an instant for itself, a date for its whole day."""
    if isinstance(newest, datetime):
        moment = newest.astimezone(UTC).replace(tzinfo=None) if newest.tzinfo else newest
        return moment, moment
    start = datetime(newest.year, newest.month, newest.day)  # noqa: DTZ001  # UTC without a zone
    return start, _later(start, timedelta(days=1))


def _later(moment: datetime, span: timedelta) -> datetime:
    """As late as can be said, where the year 9999 ends before it."""
    end = datetime.max  # noqa: DTZ901  # UTC without a zone
    return moment + span if span <= end - moment else end


def _expected(kwargs: Mapping[str, Any]) -> str:
    allowed = values.age(values.seconds(kwargs, "max_age", MAX_AGE))
    return f"the newest {kwargs['column']} is at most {allowed} old"


def _failure(kwargs: Mapping[str, Any]) -> str:
    return f"{kwargs['column']} is not fresh"


CHECK = OwnCheck(
    "fresh",
    Entry(
        "column",
        by_row=False,
        kwargs={"column": ("text",), "max_age": ("text",)},
        required=("column",),
        own=True,
    ),
    _wrong_with,
    _ask,
    _tell,
    _expected,
    _failure,
)
