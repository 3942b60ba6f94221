"""Insights rows added up: ads to ad sets, campaigns and accounts, days to longer periods."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from tailrace.sandbox.meta_ads.fields import COUNTS, ID_OF, LEVELS, LISTS

Record = dict[str, Any]


def roll_up(rows: Iterable[Record], level: str) -> list[Record]:
    """The rows of the levels below summed per entity of `level` and day, by account, id and day."""
    names = [name for known in LEVELS[: LEVELS.index(level) + 1] for name in (f"{known}_id", f"{known}_name")]
    kept = (*names, "account_currency", "date_start", "date_stop")
    own = ID_OF[level]
    summed = grouped(rows, lambda row: (row["account_id"], row[own], row["date_start"]))
    return [_only(row, kept) for row in sorted(summed, key=lambda row: _order(row, own))]


def _order(row: Record, own: str) -> tuple[str, str, str]:
    return str(row["account_id"]), str(row[own]), row["date_start"]


def _only(row: Record, attributes: tuple[str, ...]) -> Record:
    """Without the names of the levels below."""
    foreign = {f"{level}_{what}" for level in LEVELS for what in ("id", "name")} - set(attributes)
    return {name: value for name, value in row.items() if name not in foreign}


def grouped(rows: Iterable[Record], key: Callable[[Record], tuple[Any, ...]]) -> list[Record]:
    """One row for each key: the first one's attributes, metrics added, the days from the first to the last."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return [members[0] if len(members) == 1 else _sum(members) for members in groups.values()]


def _sum(rows: list[Record]) -> Record:
    total = dict(rows[0])
    for name in (*COUNTS, "spend"):
        known = [Decimal(row[name]) for row in rows if row.get(name) is not None]
        if known:
            total[name] = f"{sum(known):f}"
    reached = [int(row["reach"]) for row in rows if row.get("reach") is not None]
    if reached:
        # people who saw one ad saw others too: four fifths of the rest are new
        total["reach"] = str(max(reached) + (sum(reached) - max(reached)) * 4 // 5)
    for name in LISTS:
        total.pop(name, None)
        added = _sum_lists(row[name] for row in rows if row.get(name))
        if added:
            total[name] = added
    total["date_start"] = min(row["date_start"] for row in rows)
    total["date_stop"] = max(row["date_stop"] for row in rows)
    return total


def _sum_lists(lists: Iterable[list[Record]]) -> list[Record]:
    """Lists of actions added entry by entry; an entry is named by what is no number in it."""
    sums: dict[tuple[Any, ...], dict[str, Decimal]] = {}
    for entry in (entry for entries in lists for entry in entries):
        name = tuple((key, value) for key, value in entry.items() if key.startswith("action_"))
        numbers = sums.setdefault(name, {})
        for key, value in entry.items():
            if not key.startswith("action_"):
                numbers[key] = numbers.get(key, Decimal(0)) + Decimal(value)
    return [
        {**dict(name), **{key: plain(value) for key, value in numbers.items()}}
        for name, numbers in sums.items()
    ]


def plain(number: Decimal) -> str:
    """A number without an exponent and without zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
