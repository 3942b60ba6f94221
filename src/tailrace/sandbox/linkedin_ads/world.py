"""Two ad accounts with campaign groups, campaigns, creatives and 120 days of numbers, as LinkedIn returns them.

The same company and markets as in world/catalogue.py.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tailrace.sandbox.world import World
from tailrace.sandbox.world.ads import click_volume, poisson
from tailrace.sandbox.world.catalogue import PAUSED_AFTER_DAYS, STATS_DAYS
from tailrace.sandbox.world.draw import stream

Record = dict[str, Any]
WEEKEND = 0.25
CONVERSION_VALUE = Decimal(180)
RATES = {
    "landingPageClicks": 0.8,
    "likes": 0.2,
    "comments": 0.03,
    "shares": 0.04,
    "follows": 0.05,
    "companyPageClicks": 0.1,
    "videoViews": 0.5,
    "videoStarts": 0.7,
    "videoCompletions": 0.2,
    "otherEngagements": 0.1,
    "textUrlClicks": 0.02,
    "viralImpressions": 0.3,
    "viralClicks": 0.02,
    "oneClickLeadFormOpens": 0.15,
    "oneClickLeads": 0.05,
    "externalWebsiteConversions": 0.04,
    "externalWebsitePostClickConversions": 0.03,
    "externalWebsitePostViewConversions": 0.01,
    "fullScreenPlays": 0.06,
    "opens": 0.0,
    "sends": 0.0,
}
"""Metrics that are counts, as a share of clicks; cost, value, clicks and impressions besides them."""
MONEY = ("costInLocalCurrency", "costInUsd", "conversionValueInLocalCurrency")
METRICS = ("impressions", "clicks", *MONEY, *RATES)


@dataclass(frozen=True)
class Campaign:
    """`clicks` is a weekday's mean at 500 contacts, `cpc` the mean price of a click in the account's currency."""

    name: str
    objective: str
    clicks: float
    cpc: float
    status: str = "ACTIVE"


@dataclass(frozen=True)
class Account:
    id: int
    name: str
    currency: str
    usd: Decimal
    country: str
    language: str
    groups: tuple[tuple[str, tuple[Campaign, ...]], ...]


ACCOUNTS = (
    Account(
        510000001,
        "Millbrook Stock North America",
        "USD",
        Decimal(1),
        "US",
        "en",
        (
            (
                "US | LinkedIn | Demand",
                (
                    Campaign("US | LinkedIn | Operations managers", "LEAD_GENERATION", 4.0, 9.5),
                    Campaign("US | LinkedIn | Warehouse directors", "WEBSITE_CONVERSION", 3.0, 11.0),
                    Campaign('US | LinkedIn | "3PL, retail"', "WEBSITE_VISIT", 2.5, 7.0),
                ),
            ),
            (
                "US | LinkedIn | Brand",
                (Campaign("US | LinkedIn | Customer stories", "VIDEO_VIEW", 3.0, 3.5, "PAUSED"),),
            ),
        ),
    ),
    Account(
        510000002,
        "Millbrook Stock DACH & Benelux",
        "EUR",
        Decimal("1.10"),
        "DE",
        "de",
        (
            (
                "DE | LinkedIn | Nachfrage",
                (
                    Campaign("DE | LinkedIn | Lagerverwaltung für Großhandel", "LEAD_GENERATION", 3.0, 8.0),
                    Campaign("DE | LinkedIn | Logistikleiter", "WEBSITE_CONVERSION", 2.0, 9.0),
                ),
            ),
        ),
    ),
)


def urn(kind: str, key: object) -> str:
    """`urn:li:sponsoredCampaign:5`."""
    return f"urn:li:{kind}:{key}"


def make_world(world: World) -> dict[str, list[Record]]:
    """accounts, campaign_groups, campaigns, creatives and `analytics`, one row a creative and day; the last is yesterday's."""
    names = ("accounts", "campaign_groups", "campaigns", "creatives", "analytics")
    made: dict[str, list[Record]] = {name: [] for name in names}
    rng = stream(world.seed, "linkedin_ads")
    for account in ACCOUNTS:
        made["accounts"].append(_account(account, world))
        for number, (name, campaigns) in enumerate(account.groups, 1):
            group = account.id % 1000 * 1000 + 600_000_000 + number
            made["campaign_groups"].append(_group(account, group, name, world))
            for place, campaign in enumerate(campaigns, 1):
                _add_campaign(made, rng, world, account, group, campaign, group * 10 + place)
    return made


def stamps(created: int, modified: int) -> Record:
    """When it was made and last changed, in milliseconds since 1970."""
    actor = urn("person", "unknown")
    return {
        "created": {"actor": actor, "time": created},
        "lastModified": {"actor": actor, "time": modified},
    }


def milliseconds(day: date, hour: int = 9) -> int:
    """That hour of a day, UTC."""
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp() * 1000)


def _ago(world: World, days: int) -> int:
    return milliseconds(world.today - timedelta(days=days))


def _account(account: Account, world: World) -> Record:
    return {
        "id": account.id,
        "name": account.name,
        "currency": account.currency,
        "status": "ACTIVE",
        "type": "BUSINESS",
        "reference": urn("organization", 90_001),
        "servingStatuses": ["RUNNABLE"],
        "test": False,
        "notifiedOnCampaignOptimization": True,
        "version": {"versionTag": "3"},
        "changeAuditStamps": stamps(_ago(world, STATS_DAYS + 60), _ago(world, 30)),
    }


def _group(account: Account, key: int, name: str, world: World) -> Record:
    return {
        "id": key,
        "account": urn("sponsoredAccount", account.id),
        "name": name,
        "status": "ACTIVE",
        "runSchedule": {"start": _ago(world, STATS_DAYS + 5)},
        "servingStatuses": ["RUNNABLE"],
        "test": False,
        "totalBudget": {"amount": "25000", "currencyCode": account.currency},
        "changeAuditStamps": stamps(_ago(world, STATS_DAYS + 10), _ago(world, STATS_DAYS + 5)),
    }


def _add_campaign(
    made: dict[str, list[Record]],
    rng: random.Random,
    world: World,
    account: Account,
    group: int,
    campaign: Campaign,
    key: int,
) -> None:
    paused = campaign.status != "ACTIVE"
    modified = _ago(world, PAUSED_AFTER_DAYS if paused else 12)
    made["campaigns"].append(
        {
            "id": key,
            "account": urn("sponsoredAccount", account.id),
            "campaignGroup": urn("sponsoredCampaignGroup", group),
            "name": campaign.name,
            "status": campaign.status,
            "type": "SPONSORED_UPDATES",
            "format": "SINGLE_VIDEO" if campaign.objective == "VIDEO_VIEW" else "STANDARD_UPDATE",
            "objectiveType": campaign.objective,
            "costType": "CPM",
            "unitCost": {"amount": f"{campaign.cpc:.2f}", "currencyCode": account.currency},
            "dailyBudget": {
                "amount": f"{campaign.clicks * campaign.cpc * 2:.2f}",
                "currencyCode": account.currency,
            },
            "runSchedule": {"start": _ago(world, STATS_DAYS + 1)},
            "locale": {"country": account.country, "language": account.language},
            "servingStatuses": ["STOPPED"] if paused else ["RUNNABLE"],
            "test": False,
            "changeAuditStamps": stamps(_ago(world, STATS_DAYS + 2), modified),
        }
    )
    for number, (variant, share) in enumerate((("A", 0.6), ("B", 0.4)), 1):
        creative = _creative(account, campaign, key, key * 10 + number, variant, modified, world)
        made["creatives"].append(creative)
        mean = campaign.clicks * click_volume(world.contacts) * share
        made["analytics"].extend(_days(rng, world, account, group, creative, campaign, mean))


def _creative(
    account: Account, campaign: Campaign, parent: int, key: int, variant: str, modified: int, world: World
) -> Record:
    return {
        "id": urn("sponsoredCreative", key),
        "account": urn("sponsoredAccount", account.id),
        "campaign": urn("sponsoredCampaign", parent),
        "name": f"{campaign.name} | {variant}",
        "intendedStatus": campaign.status,
        "isServing": campaign.status == "ACTIVE",
        "isTest": False,
        "servingHoldReasons": [] if campaign.status == "ACTIVE" else ["CAMPAIGN_STOPPED"],
        "content": {"reference": urn("share", 7_000_000 + key)},
        "review": {"status": "APPROVED"},
        "createdAt": _ago(world, STATS_DAYS + 2),
        "lastModifiedAt": modified,
    }


def _days(
    rng: random.Random,
    world: World,
    account: Account,
    group: int,
    creative: Record,
    campaign: Campaign,
    mean: float,
) -> list[Record]:
    """One row a day, but none for a day without impressions."""
    rows = []
    names = {
        "account": creative["account"],
        "campaignGroup": urn("sponsoredCampaignGroup", group),
        "campaign": creative["campaign"],
        "creative": creative["id"],
    }
    for ago in range(STATS_DAYS, 0, -1):
        if campaign.status != "ACTIVE" and ago <= PAUSED_AFTER_DAYS:
            break
        day = world.today - timedelta(days=ago)
        season = WEEKEND if day.weekday() >= 5 else 1.0
        impressions = poisson(rng, mean * season * 90)
        if impressions:
            clicks = min(poisson(rng, mean * season), impressions)
            cost = Decimal(round(sum(campaign.cpc * (0.5 + rng.random()) for _ in range(clicks)) * 100)) / 100
            rows.append(
                {**names, "date": day.isoformat(), **_metrics(rng, account, impressions, clicks, cost)}
            )
    return rows


def _metrics(rng: random.Random, account: Account, impressions: int, clicks: int, cost: Decimal) -> Record:
    """Counts as numbers, money as texts (BigDecimal)."""
    counts = {name: sum(rng.random() < rate for _ in range(clicks)) for name, rate in RATES.items()}
    value = CONVERSION_VALUE * counts["externalWebsiteConversions"]
    return {
        "impressions": impressions,
        "clicks": clicks,
        "costInLocalCurrency": str(cost),
        "costInUsd": str(cost * account.usd),
        "conversionValueInLocalCurrency": str(value),
        **counts,
    }
