"""The fields of the Google Ads API that the sandbox knows by heart; others are known once a record holds them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

Record = dict[str, Any]

# resource -> the objects of the admin API that hold its attributes and its metrics
ENTITIES = {"customer": "customers", "campaign": "campaigns", "ad_group": "ad_groups", "ad_group_ad": "ads"}
STATS = {
    "customer": "campaign_stats",
    "campaign": "campaign_stats",
    "ad_group": "ad_group_stats",
    "ad_group_ad": "ad_stats",
}
RESOURCES = (*ENTITIES, "customer_client")
# what one resource's query may select besides its own fields
PARENTS = {
    "customer": (),
    "customer_client": ("customer",),
    "campaign": ("customer",),
    "ad_group": ("customer", "campaign"),
    "ad_group_ad": ("customer", "campaign", "ad_group"),
}
CORE_DATE_SEGMENTS = ("segments.date", "segments.week", "segments.month", "segments.quarter", "segments.year")

_NAMED = {
    "customer": "id:int resource_name descriptive_name currency_code time_zone manager:bool status:enum",
    "customer_client": "id:int resource_name client_customer descriptive_name currency_code time_zone "
    "manager:bool level:int hidden:bool status:enum",
    "campaign": "id:int resource_name name status:enum advertising_channel_type:enum start_date end_date",
    "ad_group": "id:int resource_name name status:enum type:enum campaign",
    "ad_group_ad": "resource_name status:enum ad_group ad.id:int ad.resource_name ad.name ad.type:enum ad.final_urls",
    "segments": "date week month quarter year:number day_of_week:enum device:enum",
    "metrics": "impressions:int clicks:int cost_micros:int conversions:number conversions_value:number "
    "ctr:number average_cpc:number average_cpm:number cost_per_conversion:number",
}
KINDS: dict[str, str] = {}
for _space, _names in _NAMED.items():
    for _name in _names.split():
        _field, _, _kind = _name.partition(":")
        KINDS[f"{_space}.{_field}"] = _kind or "string"

STATUSES = ("ENABLED", "PAUSED", "REMOVED", "CANCELED", "SUSPENDED", "CLOSED", "UNKNOWN", "UNSPECIFIED")
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


@lru_cache(maxsize=4096)
def camel(name: str) -> tuple[str, ...]:
    """`ad_group.ad.final_urls` as the path ("adGroup", "ad", "finalUrls") of the JSON answer."""
    return tuple(re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), part) for part in name.split("."))


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    """`costMicros` as `cost_micros`."""
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), name)


def paths(record: Record, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a nested record by its GAQL field name."""
    for key, value in record.items():
        name = f"{prefix}{snake(key)}"
        if isinstance(value, dict):
            yield from paths(value, f"{name}.")
        else:
            yield name, value


def lookup(record: Record, path: tuple[str, ...]) -> Any:
    """The value at a path, None where there is none."""
    value: Any = record
    for part in path:
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def kind_of(field: str, value: Any) -> str:
    """int, number, bool, enum or string; of a field not in KINDS by its value: a metric that is a string is an int64."""
    known = KINDS.get(field)
    if known:
        return known
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "int" if field.startswith("metrics.") else "string"


def date_segment(name: str, day: str) -> Any:
    """A core date segment or the weekday of an ISO date, as the API spells it."""
    moment = date.fromisoformat(day)
    if name == "segments.week":
        return (moment - timedelta(days=moment.weekday())).isoformat()
    if name == "segments.month":
        return moment.replace(day=1).isoformat()
    if name == "segments.quarter":
        return moment.replace(month=(moment.month - 1) // 3 * 3 + 1, day=1).isoformat()
    if name == "segments.year":
        return moment.year
    return DAYS[moment.weekday()]


def date_range(word: str, today: date) -> tuple[str, str] | None:
    """First and last day of a DURING word; None where Google knows no such word."""
    monday = today - timedelta(days=today.weekday())
    sunday = today - timedelta(days=(today.weekday() + 1) % 7)
    month = today.replace(day=1)
    last_month = month - timedelta(days=1)
    ranges = {
        "TODAY": (today, today),
        "YESTERDAY": (today - timedelta(days=1), today - timedelta(days=1)),
        "LAST_7_DAYS": (today - timedelta(days=7), today - timedelta(days=1)),
        "LAST_14_DAYS": (today - timedelta(days=14), today - timedelta(days=1)),
        "LAST_30_DAYS": (today - timedelta(days=30), today - timedelta(days=1)),
        "THIS_MONTH": (month, today),
        "LAST_MONTH": (last_month.replace(day=1), last_month),
        "THIS_WEEK_MON_TODAY": (monday, today),
        "THIS_WEEK_SUN_TODAY": (sunday, today),
        "LAST_WEEK_MON_SUN": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "LAST_WEEK_SUN_SAT": (sunday - timedelta(days=7), sunday - timedelta(days=1)),
        "LAST_BUSINESS_WEEK": (monday - timedelta(days=7), monday - timedelta(days=3)),
    }
    found = ranges.get(word)
    return (found[0].isoformat(), found[1].isoformat()) if found else None
