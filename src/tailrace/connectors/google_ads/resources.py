"""The resources that Google Ads offers: the GAQL fields of each, what its rows are named by, and what it is read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ACCOUNT = ("customer.id", "customer.currency_code", "customer.time_zone")
CAMPAIGN, GROUP, AD = "campaign.id", "ad_group.id", "ad_group_ad.ad.id"
DAY = "segments.date"


@dataclass(frozen=True)
class Entity:
    """Read whole: `FROM origin`; the last of `key` is what the query sorts by."""

    origin: str
    key: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Stats:
    """Metrics per day of `origin`. `days`: how many a first query asks for; few where rows are many."""

    origin: str
    ids: tuple[str, ...]
    days: int


ACCOUNTS = (
    "customer.id",
    "customer.descriptive_name",
    "customer.currency_code",
    "customer.time_zone",
    "customer.manager",
)
ENTITIES: Mapping[str, Entity] = {
    "campaigns": Entity(
        "campaign",
        ("customer.id", CAMPAIGN),
        (CAMPAIGN, "campaign.name", "campaign.status", "campaign.advertising_channel_type"),
    ),
    "ad_groups": Entity(
        "ad_group",
        ("customer.id", GROUP),
        (CAMPAIGN, GROUP, "ad_group.name", "ad_group.status", "ad_group.type"),
    ),
    "ads": Entity(
        "ad_group_ad",
        ("customer.id", GROUP, AD),
        (CAMPAIGN, GROUP, AD, "ad_group_ad.ad.name", "ad_group_ad.ad.type", "ad_group_ad.status"),
    ),
}
STATS: Mapping[str, Stats] = {
    "account_stats": Stats("customer", (), 92),
    "campaign_stats": Stats("campaign", (CAMPAIGN,), 92),
    "ad_group_stats": Stats("ad_group", (CAMPAIGN, GROUP), 31),
    "ad_stats": Stats("ad_group_ad", (CAMPAIGN, GROUP, AD), 7),
}


def column_name(field: str) -> str:
    """`metrics.cost_micros` is the column `metrics_cost_micros`: BigQuery forbids dots."""
    return field.replace(".", "_")


def fields_of(name: str, options: Mapping[str, Any], metrics: Sequence[str]) -> tuple[str, ...]:
    """The GAQL fields of a resource, key first; `metrics` where the resource names none."""
    if name == "accounts":
        return ACCOUNTS
    if name in ENTITIES:
        return (*ACCOUNT, *ENTITIES[name].fields)
    asked = options.get("metrics") or metrics
    chosen = [f"metrics.{metric.removeprefix('metrics.')}" for metric in asked]
    return (*ACCOUNT, *STATS[name].ids, DAY, *segments_of(options), *chosen)


def key_of(name: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that name a row; each further segment splits rows, so it is part of the key."""
    if name == "accounts":
        key: tuple[str, ...] = ("customer.id",)
    elif name in ENTITIES:
        key = ENTITIES[name].key
    else:
        key = ("customer.id", *STATS[name].ids, DAY, *segments_of(options))
    return tuple(column_name(field) for field in key)


def segments_of(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The further segments that a resource asks for, by GAQL name."""
    return tuple(f"segments.{name.removeprefix('segments.')}" for name in options.get("segments") or ())
