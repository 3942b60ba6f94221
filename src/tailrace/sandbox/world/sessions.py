"""The web property: one record per session, keyed by GA4's own dimension and metric names (vendor-apis 6.1)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tailrace.sandbox.world.ads import click_volume, poisson
from tailrace.sandbox.world.catalogue import ACCOUNTS, CHANNEL_GROUPS, STATS_DAYS
from tailrace.sandbox.world.draw import picker, stream, weighted
from tailrace.sandbox.world.vocabulary import COUNTRIES

Record = dict[str, Any]
PROPERTY_ID = "320000001"
CURRENCY, TIME_ZONE = "USD", "America/New_York"
CLICK_TO_SESSION = 0.93
NOT_PAID = weighted(
    [
        (("google", "organic", "(organic)", "Organic Search"), 50),
        (("bing", "organic", "(organic)", "Organic Search"), 7),
        (("(direct)", "(none)", "(direct)", "Direct"), 38),
        (("newsletter", "email", "Spring newsletter", "Email"), 8),
        (("newsletter", "email", "Product update", "Email"), 6),
        (("linkedin", "paid_social", "LinkedIn | Operations leaders", "Paid Social"), 9),
        (("reviews.example", "referral", "(referral)", "Referral"), 8),
        (("tradepress.example", "referral", "(referral)", "Referral"), 5),
    ]
)
SITE_SESSIONS = 110
DEVICES = ("desktop", "desktop", "desktop", "desktop", "mobile", "mobile", "mobile", "tablet")
PAGES = (
    "/",
    "/",
    "/",
    "/pricing",
    "/demo",
    "/blog/stocktake",
    "/blog/abc-analysis",
    "/customers",
    "(not set)",
)
PAID_PAGES = ("/demo", "/demo", "/demo", "/pricing", "/pricing", "/")


@dataclass(frozen=True)
class Property:
    """A GA4 property; `sessions` are its rows, `sessions`=1 and `userPseudoId` in each."""

    id: str
    currency: str
    time_zone: str
    sessions: list[Record]


def make_property(seed: int, contacts: int, today: date, campaign_stats: list[Record]) -> Property:
    """120 days up to yesterday; a paid session for about 93 of 100 clicks, under the campaign's name."""
    rng = stream(seed, "sessions")
    volume = click_volume(contacts)
    clicks: dict[str, list[tuple[Record, int]]] = {}
    for row in campaign_stats:
        clicks.setdefault(row["segments"]["date"], []).append(
            (row["campaign"], int(row["metrics"]["clicks"]))
        )
    users: list[str] = []
    rows: list[Record] = []
    for ago in range(STATS_DAYS, 0, -1):
        day = today - timedelta(days=ago)
        season = 0.45 if day.weekday() >= 5 else 1.0
        for campaign, count in clicks.get(day.isoformat(), []):
            paid = sum(rng.random() < CLICK_TO_SESSION for _ in range(count))
            rows.extend(_paid(rng, day, campaign, users) for _ in range(paid))
        rows.extend(organic(rng, day, users) for _ in range(poisson(rng, SITE_SESSIONS * volume * season)))
    return Property(f"properties/{PROPERTY_ID}", CURRENCY, TIME_ZONE, rows)


COUNTRIES_OF = {campaign.id: account.countries for account in ACCOUNTS for campaign in account.campaigns}


def _paid(rng: random.Random, day: date, campaign: Record, users: list[str]) -> Record:
    group = CHANNEL_GROUPS[campaign["advertisingChannelType"]]
    country = picker(rng)(COUNTRIES_OF[campaign["id"]])
    return _session(
        rng, day, ("google", "cpc", campaign["name"], group), country=country, pages=PAID_PAGES, users=users
    )


def organic(rng: random.Random, day: date, users: list[str]) -> Record:
    """One session that no ad click paid for."""
    pick = picker(rng)
    return _session(rng, day, pick(NOT_PAID), country=pick(COUNTRIES).name, pages=PAGES, users=users)


def _session(
    rng: random.Random,
    day: date,
    origin: tuple[str, str, str, str],
    *,
    country: str,
    pages: tuple[str, ...],
    users: list[str],
) -> Record:
    draw = rng.random
    new = not users or draw() < 0.7
    if new:
        users.append(f"{int(draw() * 2**31)}.{int(draw() * 2**31)}")
    user = users[-1] if new else users[int(draw() * len(users))]
    engaged = draw() < 0.58
    views = 1 + int(draw() * draw() * 9) if engaged else 1
    return {
        "date": day.strftime("%Y%m%d"),
        "sessionSource": origin[0],
        "sessionMedium": origin[1],
        "sessionCampaignName": origin[2],
        "sessionDefaultChannelGroup": origin[3],
        "country": country,
        "deviceCategory": DEVICES[int(draw() * len(DEVICES))],
        "landingPage": pages[int(draw() * len(pages))],
        "userPseudoId": user,
        "sessions": 1,
        "engagedSessions": int(engaged),
        "newUsers": int(new),
        "screenPageViews": views,
        "eventCount": 2 + int(new) + views + int(draw() * 4),
        "keyEvents": int(engaged and draw() < 0.06),
        "userEngagementDuration": int(draw() * 90 * views) if engaged else int(draw() * 9),
    }
