"""An insights request: what may be asked, and its rows out of the records of one level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tailrace.sandbox.meta_ads.call import Call, Record
from tailrace.sandbox.meta_ads.days import days_asked, period_of
from tailrace.sandbox.meta_ads.errors import invalid, too_much
from tailrace.sandbox.meta_ads.fields import (
    BREAKDOWNS,
    COUNTRIES,
    ID_OF,
    INSIGHT_FIELDS,
    KNOWN_BREAKDOWNS,
    LEVELS,
    LISTS,
    RATIOS,
    WINDOWS,
)
from tailrace.sandbox.meta_ads.filters import Condition, conditions, passes
from tailrace.sandbox.meta_ads.records import Records
from tailrace.sandbox.meta_ads.split import split
from tailrace.sandbox.meta_ads.sums import grouped, plain

DEFAULT_FIELDS = ("account_id", "impressions", "spend")
MOST_ROWS_AT_ONCE = 50_000
UNANSWERED = ("sort", "time_ranges", "summary_action_breakdowns", "action_breakdowns", "default_summary")


@dataclass(frozen=True)
class Asked:
    """A checked request on one node."""

    node: str
    node_level: str
    level: str
    fields: tuple[str, ...]
    breakdowns: tuple[str, ...]
    windows: tuple[str, ...]
    since: date
    until: date
    increment: str
    filtering: tuple[Condition, ...]


def ask(call: Call, records: Records, node: str, node_level: str, today: date) -> Asked:
    """The request in `call` on a node; GraphError for what Meta refuses."""
    for name in UNANSWERED:
        if call.text(name):
            raise invalid(f"the sandbox does not answer param {name}")
    level = call.text("level") or node_level
    if level not in LEVELS or LEVELS.index(level) < LEVELS.index(node_level):
        choices = ", ".join(LEVELS[LEVELS.index(node_level) :])
        raise invalid(f"level must be one of the following values: {choices}")
    since, until = days_asked(call, today)
    return Asked(
        node,
        node_level,
        level,
        _fields(call, records, level),
        _breakdowns(call),
        _windows(call),
        since,
        until,
        _increment(call),
        conditions(call.document("filtering")),
    )


def _fields(call: Call, records: Records, level: str) -> tuple[str, ...]:
    seen = {name for row in records.all(f"{level}_insights")[:50] for name in row}
    names = call.fields() or list(DEFAULT_FIELDS)
    for name in names:
        if name not in INSIGHT_FIELDS and name not in seen:
            raise invalid(
                f"{name} is not valid for fields param. please check "
                "https://developers.facebook.com/docs/marketing-api/reference/ads-insights/ for all valid values"
            )
    return tuple(names)


def _breakdowns(call: Call) -> tuple[str, ...]:
    found = call.texts("breakdowns")
    for number, name in enumerate(found):
        if name not in KNOWN_BREAKDOWNS:
            choices = ", ".join(sorted(KNOWN_BREAKDOWNS))
            raise invalid(f"breakdowns[{number}] must be one of the following values: {choices}")
    return tuple(found)


def _windows(call: Call) -> tuple[str, ...]:
    found = call.texts("action_attribution_windows")
    for number, name in enumerate(found):
        if name not in WINDOWS:
            choices = ", ".join(WINDOWS)
            raise invalid(
                f"action_attribution_windows[{number}] must be one of the following values: {choices}"
            )
    return tuple(found)


def _increment(call: Call) -> str:
    given = call.text("time_increment") or "all_days"
    if given in ("all_days", "monthly") or (given.isdecimal() and 1 <= int(given) <= 90):
        return given
    raise invalid("time_increment must be an integer between 1 and 90, monthly or all_days")


def answer(records: Records, asked: Asked, *, whole: bool) -> list[Record]:
    """The rows, by id and day; without `whole` too many of them are refused as an answer that is due at once."""
    rows = list(_rows(records, asked))
    if not whole and len(rows) > MOST_ROWS_AT_ONCE:
        raise too_much()
    own = ID_OF[asked.level]
    rows.sort(key=lambda row: (str(row.get(own)), row["date_start"]))
    return [_project(asked, row) for row in rows]


def _rows(records: Records, asked: Asked) -> Iterator[Record]:
    own, column = ID_OF[asked.level], ID_OF[asked.node_level]
    first, last = asked.since.isoformat(), asked.until.isoformat()
    chosen = [
        row
        for row in records.all(f"{asked.level}_insights")
        if str(row.get(column)) == asked.node
        and first <= row["date_start"] <= last
        and passes(row, asked.filtering, records)
    ]
    for name in asked.breakdowns:
        chosen = [part for row in chosen for part in _split(row, name)]

    def key(row: Record) -> tuple[Any, ...]:
        period = period_of(row["date_start"], asked.since, asked.until, asked.increment)
        return (row[own], period, *(row.get(name) for name in asked.breakdowns))

    for row in grouped(chosen, key):
        since, until = period_of(row["date_start"], asked.since, asked.until, asked.increment)
        yield {**row, "date_start": since, "date_stop": until}


def _split(row: Record, breakdown: str) -> list[Record]:
    if breakdown in row:
        return [row]
    buckets = BREAKDOWNS.get(breakdown) or COUNTRIES.get(row.get("account_currency", ""), {"US": 1})
    return split(row, breakdown, buckets)


def _project(asked: Asked, row: Record) -> Record:
    shown: Record = {}
    for name in asked.fields:
        value: Any = _ratio(name, row) if name in RATIOS else row.get(name)
        if name == "cost_per_action_type":
            value = _costs(row)
        if name in LISTS and value:
            value = [_windowed(entry, asked.windows) for entry in value]
        if value is not None:
            shown[name] = value
    ends = {"date_start": row["date_start"], "date_stop": row["date_stop"]}
    return {**shown, **ends, **{name: row.get(name, "unknown") for name in asked.breakdowns}}


def _ratio(name: str, row: Record) -> str | None:
    upper, lower, scale = RATIOS[name]
    divisor = Decimal(row.get(lower) or 0)
    return plain(round(Decimal(row.get(upper) or 0) / divisor * Decimal(scale), 6)) if divisor else None


def _costs(row: Record) -> list[Record] | None:
    spend = Decimal(row.get("spend") or 0)
    costs = [
        {"action_type": entry["action_type"], "value": plain(round(spend / Decimal(entry["value"]), 6))}
        for entry in row.get("actions") or []
        if Decimal(entry["value"])
    ]
    return costs or None


def _windowed(entry: Record, windows: tuple[str, ...]) -> Record:
    """The entry's value, and the count of each window that was asked for, where there is any."""
    kept = {name: value for name, value in entry.items() if name.startswith("action_") or name == "value"}
    return {**kept, **{name: entry[name] for name in windows if entry.get(name, "0") != "0"}}
