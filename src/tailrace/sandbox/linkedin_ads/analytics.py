"""The finder `analytics` of adAnalytics: one pivot, days or the whole range, no pages, and a cut without a word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tailrace.sandbox.linkedin_ads.errors import Refused, bad_parameter
from tailrace.sandbox.linkedin_ads.records import Records
from tailrace.sandbox.linkedin_ads.world import METRICS, MONEY

Record = dict[str, Any]
PIVOTS = {
    "ACCOUNT": "account",
    "CAMPAIGN_GROUP": "campaignGroup",
    "CAMPAIGN": "campaign",
    "CREATIVE": "creative",
}
FACETS = {
    "accounts": "account",
    "campaignGroups": "campaignGroup",
    "campaigns": "campaign",
    "creatives": "creative",
}
KNOWN = {"q", "pivot", "timeGranularity", "dateRange", "fields", *FACETS}
GRANULARITIES = ("ALL", "DAILY")
SHAPE = ("dateRange", "pivotValues")
MOST_METRICS = 20


def report(records: Records, params: dict[str, Any], today: date, most_elements: int) -> Record:
    """The answer to a checked query; Refused in LinkedIn's manner for what it would not take."""
    _check(params)
    pivot, fields = PIVOTS[params["pivot"]], params.get("fields") or ["impressions", "clicks"]
    first, last = _range(params["dateRange"], today)
    facets = {FACETS[name]: set(params[name]) for name in FACETS if name in params}
    groups: dict[tuple[str, str], list[Record]] = {}
    for row in _rows(records, first, last, facets):
        day = row["date"] if params["timeGranularity"] == "DAILY" else ""
        groups.setdefault((row[pivot], day), []).append(row)
    elements = [_element(name, day, rows, fields, (first, last)) for (name, day), rows in groups.items()]
    return {"paging": {"start": 0, "count": 10, "links": []}, "elements": elements[:most_elements]}


def _check(params: dict[str, Any]) -> None:
    for name in params:
        if name not in KNOWN:
            raise bad_parameter(f"Invalid query parameters passed to request: {name}")
    if params.get("q") != "analytics":
        raise Refused(400, "ILLEGAL_ARGUMENT", f"No finder '{params.get('q')}' is answered by the sandbox")
    if params.get("pivot") not in PIVOTS:
        raise bad_parameter(f"Invalid value for pivot: {params.get('pivot')}")
    if params.get("timeGranularity") not in GRANULARITIES:
        raise bad_parameter(f"Invalid value for timeGranularity: {params.get('timeGranularity')}")
    if not any(name in params for name in FACETS):
        raise bad_parameter(f"At least one facet is required: {', '.join(FACETS)}")
    for name in FACETS:
        if name in params and not isinstance(params[name], list):
            raise bad_parameter(f"Array parameter '{name}' value '{params[name]}' is invalid")
    _check_fields(params.get("fields") or [])


def _check_fields(fields: list[str]) -> None:
    unknown = [name for name in fields if name not in (*METRICS, *SHAPE)]
    if unknown:
        raise bad_parameter(f"Projection names fields that adAnalytics has not: {', '.join(unknown)}")
    if len([name for name in fields if name not in SHAPE]) > MOST_METRICS:
        raise bad_parameter(f"No more than {MOST_METRICS} metrics can be requested in one call")


def _range(given: Any, today: date) -> tuple[date, date]:
    if not isinstance(given, dict) or "start" not in given:
        raise bad_parameter("dateRange.start is required")
    first, last = _day(given["start"]), _day(given["end"]) if "end" in given else today
    if last < first:
        raise bad_parameter("dateRange.end is before dateRange.start")
    return first, last


def _day(given: Any) -> date:
    try:
        return date(int(given["year"]), int(given["month"]), int(given["day"]))
    except (KeyError, TypeError, ValueError):
        raise bad_parameter(f"Invalid date: {given}") from None


def _rows(records: Records, first: date, last: date, facets: dict[str, set[str]]) -> Iterator[Record]:
    """Of accounts that the member cannot read there is nothing to show: LinkedIn answers with an empty list."""
    known = [f"urn:li:sponsoredAccount:{account['id']}" for account in records.all("accounts")]
    for account in known:
        if account not in facets.get("account", {account}):
            continue
        days = records.days(account)
        for number in range((last - first).days + 1) if days else ():
            for row in days.get((first + timedelta(days=number)).isoformat(), ()):
                if all(row.get(name) in wanted for name, wanted in facets.items()):
                    yield row


def _element(name: str, day: str, rows: list[Record], fields: list[str], asked: tuple[date, date]) -> Record:
    """Only the fields asked for; money is added exactly and stays a text."""
    first, last = (date.fromisoformat(day),) * 2 if day else asked
    element: Record = {}
    for field in fields:
        if field == "pivotValues":
            element[field] = [name]
        elif field == "dateRange":
            element[field] = {"start": _parts(first), "end": _parts(last)}
        elif field in MONEY:
            element[field] = str(sum(Decimal(str(row.get(field) or 0)) for row in rows))
        else:
            element[field] = sum(int(row.get(field) or 0) for row in rows)
    return element


def _parts(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}
