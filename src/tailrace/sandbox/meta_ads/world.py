"""Two ad accounts with their campaigns, ad sets, ads and 120 days of spend, as the Marketing API returns them.

The names go with those of the Google Ads accounts (world/catalogue.py): the same company, the same two markets.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tailrace.sandbox.meta_ads.sums import roll_up
from tailrace.sandbox.world import World
from tailrace.sandbox.world.ads import click_volume, poisson
from tailrace.sandbox.world.catalogue import PAUSED_AFTER_DAYS, STATS_DAYS
from tailrace.sandbox.world.draw import stream

Record = dict[str, Any]
WEEKEND = 0.7
LEAD_VALUE = 180.0
AUDIENCES, VARIANTS, SPLIT = ("Broad", "Lookalike 1%"), ("Video", "Carousel"), (0.6, 0.4)
BUSINESS = {"id": "220000000000001", "name": "Millbrook Stock"}


@dataclass(frozen=True)
class Campaign:
    """`clicks` is a day's mean at 500 contacts, `cpc` the mean price of one in the account's currency."""

    name: str
    objective: str
    clicks: float
    cpc: float
    lead_rate: float
    status: str = "ACTIVE"


@dataclass(frozen=True)
class Account:
    id: str
    name: str
    currency: str
    time_zone: str
    zone_id: int
    campaigns: tuple[Campaign, ...]


ACCOUNTS = (
    Account(
        "310000000000001",
        "Millbrook Stock North America",
        "USD",
        "America/New_York",
        7,
        (
            Campaign("US | Meta | Prospecting", "OUTCOME_LEADS", 9.0, 2.1, 0.05),
            Campaign("US | Meta | Retargeting", "OUTCOME_LEADS", 5.0, 1.4, 0.09),
            Campaign('US | Meta | "Warehouse, 3PL"', "OUTCOME_TRAFFIC", 6.0, 0.9, 0.02),
            Campaign("US | Meta | Spring launch", "OUTCOME_AWARENESS", 4.0, 0.7, 0.01, "ARCHIVED"),
        ),
    ),
    Account(
        "310000000000002",
        "Millbrook Stock DACH & Benelux",
        "EUR",
        "Europe/Berlin",
        47,
        (
            Campaign("DE | Meta | Prospecting", "OUTCOME_LEADS", 6.0, 1.6, 0.05),
            Campaign("DE | Meta | Lagerverwaltung für Großhandel", "OUTCOME_LEADS", 5.0, 1.9, 0.04),
            Campaign("DE | Meta | Retargeting", "OUTCOME_LEADS", 3.0, 1.1, 0.08, "PAUSED"),
        ),
    ),
)


def make_world(world: World) -> dict[str, list[Record]]:
    """accounts, campaigns, adsets, ads and the four `*_insights`; the last day is yesterday's."""
    made: dict[str, list[Record]] = {
        name: [] for name in ("accounts", "campaigns", "adsets", "ads", "ad_insights")
    }
    rng = stream(world.seed, "meta_ads")
    for account_number, account in enumerate(ACCOUNTS, 1):
        made["accounts"].append(_account(account, world))
        for number, campaign in enumerate(account.campaigns, 1):
            _add_campaign(made, rng, world, account, campaign, f"1202100000{account_number}{number:02d}")
    for level in ("adset", "campaign", "account"):
        made[f"{level}_insights"] = roll_up(made["ad_insights"], level)
    return made


def _account(account: Account, world: World) -> Record:
    opened = _moment(world, account, STATS_DAYS + 60)
    offset = _moment(world, account, 0).utcoffset() or timedelta()
    return {
        "id": f"act_{account.id}",
        "account_id": account.id,
        "name": account.name,
        "account_status": 1,
        "disable_reason": 0,
        "currency": account.currency,
        "timezone_id": account.zone_id,
        "timezone_name": account.time_zone,
        "timezone_offset_hours_utc": offset.total_seconds() / 3600,
        "business": BUSINESS,
        "created_time": spelled(opened),
    }


def _moment(world: World, account: Account, ago: int) -> datetime:
    """Half past nine in the morning of a day, in the account's own time."""
    day = world.today - timedelta(days=ago)
    return datetime(day.year, day.month, day.day, 9, 30, tzinfo=ZoneInfo(account.time_zone))


def spelled(moment: datetime) -> str:
    """Meta's spelling: 2026-08-01T09:30:00-0400."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S%z")


def _add_campaign(
    made: dict[str, list[Record]],
    rng: random.Random,
    world: World,
    account: Account,
    campaign: Campaign,
    key: str,
) -> None:
    born = spelled(_moment(world, account, STATS_DAYS + 1))
    edited = spelled(_moment(world, account, 1 + PAUSED_AFTER_DAYS * (campaign.status != "ACTIVE")))
    shared = {"account_id": account.id, "created_time": born, "updated_time": edited}
    campaign_id = f"{key}0001"
    made["campaigns"].append(
        {
            "id": campaign_id,
            **shared,
            "name": campaign.name,
            "objective": campaign.objective,
            "buying_type": "AUCTION",
            "daily_budget": str(int(campaign.clicks * campaign.cpc * 200)),
            "start_time": born,
            "special_ad_categories": [],
            **statuses(campaign.status, campaign.status),
        }
    )
    for group, (audience, group_share) in enumerate(zip(AUDIENCES, SPLIT, strict=True), 1):
        adset = {"id": f"{key}1{group:03d}", "name": f"{campaign.name} | {audience}"}
        below = "CAMPAIGN_PAUSED" if campaign.status == "PAUSED" else campaign.status
        made["adsets"].append(
            {
                **adset,
                **shared,
                "campaign_id": campaign_id,
                "optimization_goal": "OFFSITE_CONVERSIONS",
                "billing_event": "IMPRESSIONS",
                "start_time": born,
                "targeting": {
                    "geo_locations": {"countries": ["US"] if account.currency == "USD" else ["DE"]}
                },
                **statuses("ACTIVE", below),
            }
        )
        for number, (variant, ad_share) in enumerate(zip(VARIANTS, SPLIT, strict=True), 1):
            ad = {"id": f"{key}2{group}{number:02d}", "name": f"{variant} {group}{number}"}
            parents = {"campaign_id": campaign_id, "adset_id": adset["id"]}
            creative = {"creative": {"id": f"{key}3{group}{number:02d}"}}
            made["ads"].append({**ad, **shared, **parents, **creative, **statuses("ACTIVE", below)})
            row = {
                "account_id": account.id,
                "account_name": account.name,
                "account_currency": account.currency,
                "campaign_id": campaign_id,
                "campaign_name": campaign.name,
                "adset_id": adset["id"],
                "adset_name": adset["name"],
                "ad_id": ad["id"],
                "ad_name": ad["name"],
            }
            made["ad_insights"].extend(_days(rng, world, row, campaign, group_share * ad_share))


def statuses(own: str, effective: str) -> Record:
    """What was set, and what comes of it under its parents."""
    return {"status": own, "configured_status": own, "effective_status": effective}


def _days(rng: random.Random, world: World, row: Record, campaign: Campaign, part: float) -> list[Record]:
    """One row a day, but none for a day without impressions."""
    mean, rows = campaign.clicks * click_volume(world.contacts) * part, []
    last = PAUSED_AFTER_DAYS if campaign.status != "ACTIVE" else 0
    for ago in range(STATS_DAYS, last, -1):
        day = world.today - timedelta(days=ago)
        season = WEEKEND if day.weekday() >= 5 else 1.0
        impressions = poisson(rng, mean * season * 45)
        if not impressions:
            continue
        clicks = min(poisson(rng, mean * season), impressions)
        cents = sum(int(campaign.cpc * (0.5 + rng.random()) * 100) for _ in range(clicks))
        leads = sum(rng.random() < campaign.lead_rate for _ in range(clicks))
        stop = {"date_start": day.isoformat(), "date_stop": day.isoformat()}
        rows.append({**row, **stop, **metrics(rng, impressions, clicks, cents, leads)})
    return rows


def metrics(rng: random.Random, impressions: int, clicks: int, cents: int, leads: int) -> Record:
    """Numbers as strings, as insights have them; of the leads some are counted by a view within a day."""
    links = clicks - clicks // 5
    viewed = sum(rng.random() < 0.2 for _ in range(leads))
    found: Record = {
        "impressions": str(impressions),
        "reach": str(max(1, impressions - impressions // 6)),
        "clicks": str(clicks),
        "unique_clicks": str(clicks - clicks // 12),
        "inline_link_clicks": str(links),
        "spend": f"{cents / 100:.2f}",
    }
    actions = [action("link_click", links, 0)] if links else []
    if leads:
        actions.append(action("lead", leads - viewed, viewed))
        value = action("lead", LEAD_VALUE * (leads - viewed), LEAD_VALUE * viewed)
        found["action_values"] = [value]
    return {**found, **({"actions": actions} if actions else {})}


def action(kind: str, clicked: float, viewed: float) -> dict[str, str]:
    """One entry of `actions` with the count of every window; `value` is that of 7d_click and 1d_view."""
    windows = {"1d_click": clicked, "7d_click": clicked, "28d_click": clicked, "1d_view": viewed}
    counts = {name: f"{count:g}" for name, count in windows.items()}
    return {"action_type": kind, "value": f"{clicked + viewed:g}", **counts}


def utc_spelled(moment: datetime) -> str:
    """A stamp of the sandbox's clock."""
    return spelled(moment.astimezone(UTC))
