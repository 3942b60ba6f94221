"""Columns against each other: what begins before it ends, what is a part of it, what sums up to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from tailrace.validate.suggest.profile import Column, Table
from tailrace.validate.suggest.ranges import non_negative
from tailrace.validate.suggest.subject import Found, Proposal, Wish
from tailrace.validate.suggest.words import is_id, is_measure, tokens

PAIR = "expect_column_pair_values_a_to_be_greater_than_b"
QUERY = "unexpected_rows_expectation"
ENOUGH = 20
SUMMED, WIDEST_SUM, MOST_NUMBERS = 50, 4, 14

_BEFORE = (
    ("start", "end"), ("started", "ended"), ("begin", "end"), ("from", "to"), ("from", "until"), ("first", "last"), ("since", "until"),
    ("valid", "expires"), ("created", "updated"), ("created", "modified"), ("created", "closed"), ("create", "close"),
    ("create", "modified"), ("createdate", "lastmodifieddate"), ("createdate", "closedate"), ("created", "deleted"),
    ("opened", "closed"), ("open", "close"), ("sent", "opened"), ("sent", "clicked"), ("ordered", "shipped"), ("shipped", "delivered"),
    ("published", "updated"), ("min", "max"), ("created", "changed"), ("created", "seen"), ("birth", "created"),
)  # fmt: skip
"""(earlier, later), also of numbers: words in which two columns' names differ."""

_FUNNEL = (
    ("clicks", "impressions"), ("conversions", "clicks"), ("opens", "sent"), ("opened", "sent"), ("opened", "delivered"),
    ("clicked", "opened"), ("clicks", "opens"), ("delivered", "sent"), ("reach", "impressions"), ("won", "leads"),
    ("bounces", "sent"), ("unsubscribes", "sent"), ("orders", "sessions"),
)  # fmt: skip
"""(part, whole)"""


def wish_pairs(table: Table) -> Iterator[Wish]:
    """`low <= high` for columns whose names say so; proposed where it is true of every row."""
    named = {column.name: tokens(column.name) for column in table.columns if not column.personal and not is_id(column.name)}  # fmt: skip
    for low in table.columns:
        for high in table.columns:
            if low.name != high.name and low.name in named and high.name in named and _comparable(low, high):
                words = named[low.name], named[high.name]
                if why := _before(low, *words) or _part(low, high, *words):
                    yield _pair(table, low, high, why)


def _comparable(low: Column, high: Column) -> bool:
    """Of one kind: BigQuery compares no date with an instant."""
    same = low.kind == high.kind if low.is_time else low.is_number and high.is_number
    return same and not low.odd and not high.odd and min(low.filled, high.filled) >= ENOUGH


def _before(low: Column, first: tuple[str, ...], last: tuple[str, ...]) -> str:
    """Names that differ in one word only, or that are instants under the two words."""
    for earlier, later in _BEFORE:
        if earlier in first and later in last and later not in first and earlier not in last:
            rest = [word for word in first if word != earlier], [word for word in last if word != later]
            if rest[0] == rest[1] or (low.is_time and not set(rest[0]) ^ set(rest[1]) - _FILLERS):
                return "comes first"
    return ""


_FILLERS = frozenset(("at", "on", "date", "time", "ts", "day", "last", "timestamp"))


def _part(low: Column, high: Column, part: tuple[str, ...], whole: tuple[str, ...]) -> str:
    """`engaged_sessions` of `sessions`, `clicks` of `impressions`."""
    if not (non_negative(low) and non_negative(high)):
        return ""
    if len(part) == len(whole) + 1 and part[1:] == whole and part[0] not in ("total", "all", "cost", "avg"):
        return "is a part"
    for one, other in _FUNNEL:
        if [word if word != one else other for word in part] == list(whole) and one in part:
            return "is a part"
    return ""


def _pair(table: Table, low: Column, high: Column, why: str) -> Wish:
    a, b = table.quote(high.name), table.quote(low.name)

    def judged(values: tuple[Any, ...]) -> Iterator[Found]:
        both, wrong, apart = map(int, values)
        if both < ENOUGH or wrong or not apart:
            return
        kwargs = {"column_A": high.name, "column_B": low.name, "or_equal": True}
        if both < table.looked_at:
            kwargs["ignore_row_if"] = "either_value_is_missing"
        reason = f"true of all {both:,} rows that have both; {low.name} {why}"
        said = f"{low.name} is above {high.name}" if low.is_number else f"{low.name} is after {high.name}"
        yield Proposal("statistics", PAIR, kwargs, reason, description=said, columns=(high.name, low.name))

    both = f"{a} IS NOT NULL AND {b} IS NOT NULL"
    return Wish((f"count_if({both})", f"count_if({a} < {b})", f"count_if({a} > {b})"), judged)


def wish_sums(table: Table) -> Iterator[Wish]:
    """Totals that equal the sum of other columns in a few rows; counted in all before they are proposed."""
    numbers = [column for column in table.columns if _summable(table, column)][:MOST_NUMBERS]
    if table.looked < SUMMED or len(numbers) < 3:
        return
    names = ", ".join(f"CAST({table.quote(column.name)} AS DOUBLE)" for column in numbers)
    full = " AND ".join(f"{table.quote(column.name)} IS NOT NULL" for column in numbers)
    rows = table.warehouse.query(f"SELECT {names} FROM {table.look} WHERE {full} LIMIT 200")
    if len(rows) < SUMMED:
        return
    used: set[int] = set()
    for size in range(2, WIDEST_SUM + 1):
        for total in range(len(numbers)):
            if total not in used and (parts := _adds_up(rows, total, len(numbers), size)):
                used.add(total)
                yield _sum(table, numbers[total], [numbers[part] for part in parts])


def _summable(table: Table, column: Column) -> bool:
    braces = "{" in column.name or "}" in column.name  # they mean something else in the query's text
    filled = column.filled >= 0.5 * table.looked_at and column.low != column.high and not column.odd
    return column.is_number and is_measure(column.name) and filled and not column.personal and not braces


def _adds_up(rows: Sequence[tuple[float, ...]], total: int, width: int, size: int) -> tuple[int, ...] | None:
    """Columns whose sum is the total in every row, each of them more than zero in some."""
    others = [place for place in range(width) if place != total and sum(1 for row in rows if row[place]) >= len(rows) / 20]  # fmt: skip
    for parts in combinations(others, size):
        if all(abs(sum(row[part] for part in parts) - row[total]) <= 1e-6 * (1 + abs(row[total])) for row in rows):  # fmt: skip
            return parts
    return None


def _sum(table: Table, total: Column, parts: Sequence[Column]) -> Wish:
    exact = all(column.kind == "int" for column in (total, *parts))
    summed = " + ".join(table.quote(part.name) for part in parts)
    whole = table.quote(total.name)
    wrong = f"{whole} <> {summed}" if exact else f"abs({whole} - ({summed})) > 0.01"
    words = " + ".join(part.name for part in parts)

    def judged(values: tuple[Any, ...]) -> Iterator[Found]:
        known, lost = map(int, values)
        if lost or known < SUMMED:
            return
        query = f"SELECT * FROM {{batch}} WHERE {wrong}"
        reason = f"true of all {known:,} rows that have them"
        yield Proposal("statistics", QUERY, {"unexpected_rows_query": query}, reason, description=f"{total.name} is not {words}", columns=(total.name, *(part.name for part in parts)))  # fmt: skip

    return Wish((f"count({whole} - ({summed}))", f"count_if({wrong})"), judged)
