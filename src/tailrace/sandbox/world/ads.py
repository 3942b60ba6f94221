"""The ad accounts' structure and 120 days of spend, in the shape that the Google Ads REST API returns (vendor-apis 7.1)."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta
from typing import Any

from tailrace.sandbox.world.catalogue import (
    ACCOUNTS,
    MANAGER_ID,
    PAUSED_AFTER_DAYS,
    STATS_DAYS,
    Account,
    Campaign,
)
from tailrace.sandbox.world.draw import stream

Record = dict[str, Any]
WEEKEND = 0.35
CONVERSION_VALUE = 180.0
VARIANTS = ("A", "B")
SPLIT = (0.6, 0.4)
CREDITS = (1.0, 1.0, 1.0, 0.5, 0.25)


def make_ads(seed: int, contacts: int, today: date) -> dict[str, list[Record]]:
    """customers, campaigns, ad_groups, ads and ad_stats with its two sums; the last day is yesterday's."""
    rng = stream(seed, "ads")
    world: dict[str, list[Record]] = {
        "customers": [{"customer": _customer(account)} for account in ACCOUNTS],
        "campaigns": [],
        "ad_groups": [],
        "ads": [],
        "ad_stats": [],
    }
    volume = click_volume(contacts)
    for account in ACCOUNTS:
        for campaign in account.campaigns:
            _add_campaign(world, rng, account, campaign, today=today, volume=volume)
    world["ad_group_stats"] = sum_stats(world["ad_stats"], "adGroup")
    world["campaign_stats"] = sum_stats(world["ad_stats"], "campaign")
    return world


def click_volume(contacts: int) -> float:
    """How much busier the ads of a larger company are: more contacts come from more clicks, but not in proportion."""
    return math.pow(min(max(contacts / 500, 0.25), 100), 0.4)


def _customer(account: Account) -> Record:
    return {
        "resourceName": f"customers/{account.id}",
        "id": account.id,
        "descriptiveName": account.name,
        "currencyCode": account.currency,
        "timeZone": account.time_zone,
        "manager": False,
        "status": "ENABLED",
    }


def manager() -> Record:
    """The manager account over the three; it holds no campaigns of its own."""
    return {
        "resourceName": f"customers/{MANAGER_ID}",
        "id": MANAGER_ID,
        "descriptiveName": "Millbrook Stock (manager)",
        "currencyCode": "USD",
        "timeZone": "America/New_York",
        "manager": True,
        "status": "ENABLED",
    }


def _add_campaign(
    world: dict[str, list[Record]],
    rng: random.Random,
    account: Account,
    campaign: Campaign,
    *,
    today: date,
    volume: float,
) -> None:
    customer = _customer(account)
    root = customer["resourceName"]
    shared = {
        "customer": {key: value for key, value in customer.items() if key not in ("manager", "status")},
        "campaign": {
            "resourceName": f"{root}/campaigns/{campaign.id}",
            "id": campaign.id,
            "name": campaign.name,
            "status": "PAUSED" if campaign.paused else "ENABLED",
            "advertisingChannelType": campaign.channel,
        },
    }
    world["campaigns"].append(shared)
    for group_number, group_share in enumerate(SPLIT, 1):
        group_id = f"{campaign.id}{group_number}"
        group = {
            "resourceName": f"{root}/adGroups/{group_id}",
            "id": group_id,
            "name": f"{campaign.name} | {'Exact' if group_number == 1 else 'Broad'}",
            "status": "ENABLED",
            "type": "SEARCH_STANDARD" if campaign.channel == "SEARCH" else "DISPLAY_STANDARD",
        }
        world["ad_groups"].append({**shared, "adGroup": group})
        for ad_number, ad_share in enumerate(SPLIT, 1):
            row = {**shared, "adGroup": group, "adGroupAd": _ad(root, group_id, ad_number)}
            world["ads"].append(row)
            mean = campaign.clicks * volume * group_share * ad_share
            world["ad_stats"].extend(_days(rng, row, campaign, mean, today))


def _ad(root: str, group_id: str, number: int) -> Record:
    ad_id = f"7{group_id[2:]}{number}"
    return {
        "resourceName": f"{root}/adGroupAds/{group_id}~{ad_id}",
        "status": "ENABLED",
        "ad": {
            "resourceName": f"{root}/ads/{ad_id}",
            "id": ad_id,
            "name": f"Variant {VARIANTS[number - 1]}",
            "type": "RESPONSIVE_SEARCH_AD",
            "finalUrls": [f"https://millbrook.example/{'demo' if number == 1 else 'pricing'}"],
        },
    }


def _days(rng: random.Random, row: Record, campaign: Campaign, mean: float, today: date) -> list[Record]:
    """One row a day, but none for a day without impressions, as the API leaves them out."""
    rows = []
    for ago in range(STATS_DAYS, 0, -1):
        day = today - timedelta(days=ago)
        if campaign.paused and ago <= PAUSED_AFTER_DAYS:
            break
        season = WEEKEND if day.weekday() >= 5 else 1.0
        impressions = poisson(rng, mean * season * 18)
        if not impressions:
            continue
        clicks = min(poisson(rng, mean * season), impressions)
        cost = sum(int(campaign.cpc * (0.5 + rng.random()) * 100) * 10_000 for _ in range(clicks))
        conversions = sum(credit(rng) for _ in range(clicks) if rng.random() < campaign.conversion_rate)
        metrics = _metrics(impressions, clicks, cost, conversions)
        rows.append({**row, "segments": {"date": day.isoformat()}, "metrics": metrics})
    return rows


def credit(rng: random.Random) -> float:
    """One conversion's share that falls on a click; attribution splits some between clicks."""
    return CREDITS[int(rng.random() * len(CREDITS))]


def _metrics(impressions: int, clicks: int, cost: int, conversions: float) -> Record:
    """int64 as strings, doubles as numbers, as protobuf's JSON has them."""
    return {
        "impressions": str(impressions),
        "clicks": str(clicks),
        "costMicros": str(cost),
        "conversions": round(float(conversions), 6),
        "conversionsValue": round(conversions * CONVERSION_VALUE, 2),
    }


def poisson(rng: random.Random, mean: float) -> int:
    """A count with this mean; the normal approximation from 30 on."""
    if mean > 30:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def sum_stats(rows: list[Record], level: str) -> list[Record]:
    """Ad rows summed per day and campaign (`level` "campaign") or ad group ("adGroup")."""
    levels = ("customer", "campaign", "adGroup") if level == "adGroup" else ("customer", "campaign")
    sums: dict[tuple[str, str], Record] = {}
    for row in rows:
        key = (row[level]["id"], row["segments"]["date"])
        known = sums.get(key)
        if known is None:
            sums[key] = {name: row[name] for name in (*levels, "segments", "metrics")}
        else:
            known["metrics"] = add_metrics(known["metrics"], row["metrics"])
    return sorted(
        sums.values(), key=lambda row: (row["customer"]["id"], row[level]["id"], row["segments"]["date"])
    )


def add_metrics(left: Record, right: Record) -> Record:
    """Two sets of metrics added, each number in its own spelling."""
    total = dict(left)
    for name, value in right.items():
        if isinstance(value, str):
            total[name] = str(int(total.get(name, 0)) + int(value))
        else:
            total[name] = round(total.get(name, 0.0) + value, 6)
    return total
