"""`no_missing_days`: every day has rows, for the whole table or for each group of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tailrace.project.reader import parse_duration
from tailrace.project.spec import Expectation
from tailrace.validate.entry import Entry, Problem
from tailrace.validate.own import kwargs as values
from tailrace.validate.own import sql
from tailrace.validate.own.columns import kind_of, shown_group
from tailrace.validate.own.declaration import Asked, CannotTell, Context, Found, OwnCheck
from tailrace.validate.question import Answer

LAST, UNTIL, MAX_MISSING = "30d", "1d", 1
_SHOWN = 3


def _wrong_with(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    yield from values.texts(kwargs, "by")
    yield from values.duration(kwargs, "last", LAST, days=True)
    yield from values.duration(kwargs, "until", UNTIL, days=True, zero=True)
    yield from values.duration(kwargs, "ended_after", "7d", days=True)
    yield from values.number(kwargs, "max_missing", MAX_MISSING, whole=True)
    if kwargs.get("ended_after") is not None and not kwargs.get("by"):
        path = ("kwargs", "ended_after")
        yield path, "ended_after is about groups, and there is no by", "Add `by: [column]`"
    yield from _never_fails(kwargs)


def _never_fails(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    most, last = kwargs.get("max_missing", MAX_MISSING), parse_duration(str(kwargs.get("last", LAST)))
    if isinstance(most, int | float) and last and most >= last / values.DAY:
        why = f"max_missing {most:g} is no less than the {last / values.DAY:g} days looked at, so nothing ever fails"
        yield ("kwargs", "max_missing" if "max_missing" in kwargs else "last"), why, "Write 1"


@dataclass(frozen=True)
class Window:
    """The days looked at, both included; a group without rows since `ended_before` counts to its own last day only."""

    first: date
    last: date
    ended_before: date


def window(kwargs: Mapping[str, Any], today: date) -> Window:
    """`until: 1d` ends it yesterday."""
    last_days = int(values.seconds(kwargs, "last", LAST) // values.DAY)
    last = today - timedelta(days=int(values.seconds(kwargs, "until", UNTIL) // values.DAY))
    first = last - timedelta(days=last_days - 1)
    ended = (
        int(values.seconds(kwargs, "ended_after", LAST) // values.DAY)
        if kwargs.get("ended_after")
        else last_days
    )
    return Window(first, last, max(first, last - timedelta(days=ended - 1)))


def query(kwargs: Mapping[str, Any], days: Window) -> str:
    """One row per stretch of missing days that is too long: the group's columns, missing_from, missing_to, missing_days.

    Each group's days inside the window stand between two marks, the day before it is expected and the day after; what lies between two
    neighbours is missing. No row in the whole window is a stretch of its own, without a group.
    """
    by = [sql.name(str(name)) for name in kwargs.get("by") or ()]
    groups, column = "".join(f"{name}, " for name in by), sql.name(str(kwargs["column"]))
    grouped = f" GROUP BY {', '.join(by)}" if by else ""
    partition = f"PARTITION BY {', '.join(by)} " if by else ""
    first, last = sql.day(days.first), sql.day(days.last)
    before, after = sql.day(days.first - timedelta(days=1)), sql.day(days.last + timedelta(days=1))
    length = (days.last - days.first).days + 1
    return f"""WITH present AS (
  SELECT DISTINCT {groups}CAST({column} AS DATE) AS present_day FROM {sql.BATCH}
  WHERE {column} IS NOT NULL AND CAST({column} AS DATE) <= {last}
), spans AS (
  SELECT {groups}min(present_day) AS first_day, max(present_day) AS last_day FROM present{grouped}
), marks AS (
  SELECT {groups}present_day FROM present WHERE present_day >= {first}
  UNION ALL SELECT {groups}{before} AS present_day FROM spans WHERE first_day < {first} AND last_day >= {first}
  UNION ALL SELECT {groups}{after} AS present_day FROM spans WHERE last_day >= {sql.day(days.ended_before)}
), neighbours AS (
  SELECT {groups}lag(present_day) OVER ({partition}ORDER BY present_day) AS day_before, present_day FROM marks
), stretches AS (
  SELECT {groups}CAST(day_before + INTERVAL 1 DAY AS DATE) AS missing_from,
    CAST(present_day - INTERVAL 1 DAY AS DATE) AS missing_to,
    date_diff('day', day_before, present_day) - 1 AS missing_days
  FROM neighbours WHERE day_before IS NOT NULL
  UNION ALL SELECT {"NULL, " * len(by)}{first}, {last}, {length}
  FROM (SELECT count(*) AS days_there FROM present WHERE present_day >= {first}) AS seen WHERE days_there = 0
)
SELECT {groups}missing_from, missing_to, missing_days FROM stretches
WHERE missing_days > {int(kwargs.get("max_missing", MAX_MISSING))}"""


def _ask(context: Context, item: Expectation) -> Asked | Found:
    kind = kind_of(context, item)
    if not (sql.is_date(kind) or sql.is_instant(kind)):
        raise CannotTell(f"no_missing_days needs a DATE or a TIMESTAMP, {item.kwargs['column']} is {kind}")
    told = sql.spelled(context.warehouse.dialect, query(item.kwargs, window(item.kwargs, context.now.date())))
    relation = context.relations.named(item.where)
    return Asked(relation, "unexpected_rows_expectation", {"unexpected_rows_query": told}, told)


def _tell(context: Context, item: Expectation, asked: Asked, answer: Answer) -> Found:
    """The longest stretches in words; the number is the days missing in all that are too long."""
    midnight = datetime.combine(context.now.date() + timedelta(days=1), datetime.min.time())
    if answer.success:
        return Found("no days missing", 0.0, midnight)
    rows = f"({asked.note.replace(sql.BATCH, asked.relation)}\n) AS found"
    by = [str(name) for name in item.kwargs.get("by") or ()]
    stretches, total = context.warehouse.query(f"SELECT count(*), sum(missing_days) FROM {rows}")[0]
    order = ", ".join(
        ["missing_days DESC", "missing_from", *(context.warehouse.dialect.quote(name) for name in by)]
    )
    longest = context.warehouse.query(f"SELECT * FROM {rows} ORDER BY {order} LIMIT {_SHOWN}")
    days = window(item.kwargs, context.now.date())
    told = ", ".join(_stretch(context, by, row, days) for row in longest)
    more = f", and {stretches - _SHOWN:,} more" if stretches > _SHOWN else ""
    return Found(f"{values.counted(int(total), 'day')} missing: {told}{more}", float(total), midnight)


def _stretch(context: Context, by: list[str], row: tuple[Any, ...], days: Window) -> str:
    """Of no group in particular where the whole window is empty: a group without any row in it has ended."""
    first, last = row[-3], row[-2]
    group = "" if (first, last) == (days.first, days.last) else shown_group(context, by, row[: len(by)])
    return f"{first if first == last else f'{first} to {last}'}{group}"


def _expected(kwargs: Mapping[str, Any]) -> str:
    of = f" for every {values.listed(kwargs['by'])}" if kwargs.get("by") else ""
    most = int(kwargs.get("max_missing", MAX_MISSING))
    allowed = f", but for {values.counted(most, 'day')} in a row" if most else ""
    last = values.counted(int(values.seconds(kwargs, "last", LAST) // values.DAY), "day")
    return f"{kwargs['column']} has every one of the last {last}{of}{allowed}"


def _failure(kwargs: Mapping[str, Any]) -> str:
    return f"{kwargs['column']} has gaps"


CHECK = OwnCheck(
    "no_missing_days",
    Entry(
        "column",
        by_row=False,
        kwargs={
            "column": ("text",), "by": ("list",), "last": ("text",), "max_missing": ("number",), "until": ("text",),
            "ended_after": ("text",),
        },
        required=("column",),
        own=True,
    ),
    _wrong_with,
    _ask,
    _tell,
    _expected,
    _failure,
)  # fmt: skip
