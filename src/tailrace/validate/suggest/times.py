"""What stands still: how old the newest value may be, and days that must not be missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tailrace.validate.suggest.profile import Column, Table
from tailrace.validate.suggest.subject import Found, Proposal, Remark
from tailrace.validate.suggest.words import LOADED, tokens

FRESH, DAYS = "fresh", "no_missing_days"
WINDOWS = (30, 14)
"""Days that completeness looks back over: the longest that the table has."""

MOST_GROUPS = 50
_DAY = timedelta(days=1)
_AGES = (("24h", 1), ("48h", 2), ("72h", 3), ("7d", 7), ("14d", 14), ("30d", 30))
_GROUPS = (
    ("platform",),
    ("account", "id"),
    ("property", "id"),
    ("source",),
    ("channel",),
    ("country",),
    ("currency",),
)
_DAYS = frozenset(("day", "date"))


def propose_times(table: Table) -> Iterator[Found]:
    dated = [column for column in table.columns if column.is_time and column.high and not column.personal and not column.odd]  # fmt: skip
    yield from _fresh(table, [column for column in dated if set(tokens(column.name)) & LOADED])
    daily = [column for column in dated if column.kind == "date" and set(tokens(column.name)) & _DAYS]
    for column in daily[:1]:
        yield from _complete(table, column)


def _fresh(table: Table, loaded: list[Column]) -> Iterator[Found]:
    """On the column that was written last, with twice its largest pause of late."""
    past = [column for column in loaded if column.high <= table.now + _DAY]
    if not past:
        return
    column = max(past, key=lambda one: one.high)
    name = table.quote(column.name)
    age = max(timedelta(0), table.now - column.high)
    since = table.literal(str(column.high - timedelta(days=30)))
    days = f"(SELECT DISTINCT CAST({name} AS DATE) AS day FROM {table.source} WHERE {name} >= CAST({since} AS TIMESTAMP)) AS days"
    spread = table.ask(days, ["count(*)", "date_diff('day', min(day), max(day))"])
    pause = spread[1] / (spread[0] - 1) if spread[0] > 1 else 1.0
    allowed = next((text for text, limit in _AGES if limit >= 2 * max(age / _DAY, pause)), None)
    told = f"newest: {column.high:%Y-%m-%d %H:%M}, {_age(age)} ago"
    if allowed is None:
        yield Remark(f"{column.name}: {told}: nothing is expected of how fresh it is")
        return
    yield Proposal(
        "statistics", FRESH, {"column": column.name, "max_age": allowed}, told, columns=(column.name,)
    )


def _age(age: timedelta) -> str:
    hours = int(age / timedelta(hours=1))
    return f"{hours} hours" if hours < 72 else f"{hours // 24:,} days"


def _complete(table: Table, column: Column) -> Iterator[Found]:
    """Only where no day of the window is missing now; by what each group of rows is of, where each group is complete."""
    today = table.now.replace(hour=0, minute=0, second=0, microsecond=0)
    if column.high < today - 2 * _DAY or column.high > today + _DAY:
        return
    for by in [*_groups(table), None]:
        for window in WINDOWS:
            if _whole(table, column, by, window):
                grouped = {"by": [by.name]} if by else {}
                kwargs = {"column": column.name, **grouped, "last": f"{window}d", "max_missing": 1}
                said = f" of each {by.name}" if by else ""
                reason = f"no day{said} is missing in the last {window} days; newest: {column.high:%Y-%m-%d}"
                columns = (column.name, *grouped.get("by", ()))
                yield Proposal("statistics", DAYS, kwargs, reason, columns=columns)
                return


def _groups(table: Table) -> list[Column]:
    named = {tokens(column.name): column for column in table.columns if not column.personal}
    found = [named[words] for words in _GROUPS if words in named]
    return [one for one in found if one.distinct <= 2 * MOST_GROUPS and one.present == table.rows]


def _whole(table: Table, column: Column, by: Column | None, window: int) -> bool:
    """Whether every group has a row on each day of the window, which ends the day before yesterday."""
    last = table.now.date() - 2 * _DAY
    first = last - timedelta(days=window)
    day = f"CAST({table.quote(column.name)} AS DATE)"
    group = table.quote(by.name) if by else "1"
    rows = f"(SELECT {group} AS part, count(DISTINCT {day}) FILTER (WHERE {day} BETWEEN DATE '{first}' AND DATE '{last}') AS days FROM {table.whole} GROUP BY 1) AS parts"
    groups, least = table.ask(rows, ["count(*)", "min(days)"])
    told = by is None or 1 < groups <= MOST_GROUPS
    return bool(told and least == (last - first).days + 1)
