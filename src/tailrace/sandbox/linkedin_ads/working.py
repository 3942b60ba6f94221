"""One round of people working at the accounts, and of LinkedIn restating what it told."""

from __future__ import annotations

import random
from datetime import datetime
from decimal import Decimal

from tailrace.sandbox.linkedin_ads.records import ANALYTICS, Record, Records, key_of
from tailrace.sandbox.linkedin_ads.world import urn

RESTATED_DAYS, RESTATED_ROWS = 30, 5


def work(records: Records, rng: random.Random, rounds_done: int, now: datetime) -> None:
    """Each round: late conversions, a changed campaign, a new one; each third a creative is dropped without a word."""
    _restate(records, rng)
    campaigns = records.all("campaigns")
    if campaigns:
        changed = rng.choice(campaigns)
        status = "PAUSED" if changed["status"] == "ACTIVE" else "ACTIVE"
        records.upsert("campaigns", [{**changed, "status": status}])
        _create(records, changed, rounds_done, now)
    creatives = records.all("creatives")
    if rounds_done % 3 == 2 and creatives:
        records.drop("creatives", key_of("creatives", rng.choice(creatives)))


def _restate(records: Records, rng: random.Random) -> None:
    """A few of the last days' rows get late conversions; one row vanishes, for its clicks were invalid."""
    rows = records.all(ANALYTICS)
    if not rows:
        return
    days = sorted({row["date"] for row in rows})[-RESTATED_DAYS:]
    recent = [row for row in rows if row["date"] >= days[0]]
    chosen = rng.sample(recent, min(RESTATED_ROWS, len(recent)))
    records.upsert(ANALYTICS, [_late(row) for row in chosen[1:]])
    records.remove(ANALYTICS, key_of(ANALYTICS, chosen[0]))


def _late(row: Record) -> Record:
    value = Decimal(str(row.get("conversionValueInLocalCurrency") or 0)) + 180
    return {
        **row,
        "externalWebsiteConversions": int(row.get("externalWebsiteConversions") or 0) + 1,
        "conversionValueInLocalCurrency": str(value),
    }


def _create(records: Records, like: Record, rounds_done: int, now: datetime) -> None:
    """A new campaign beside another, with one creative; it has no numbers yet."""
    key = max(int(record["id"]) for record in records.all("campaigns")) + 1
    made = int(now.timestamp() * 1000)
    stamps = {"created": {"time": made}, "lastModified": {"time": made}}
    name = f"{like.get('name')} | round {rounds_done + 1}"
    campaign = {**like, "id": key, "name": name, "status": "DRAFT", "changeAuditStamps": stamps}
    records.upsert("campaigns", [campaign])
    creative = {
        "id": urn("sponsoredCreative", key * 10 + 1),
        "account": like["account"],
        "campaign": urn("sponsoredCampaign", key),
        "name": name,
        "intendedStatus": "DRAFT",
        "isServing": False,
        "isTest": False,
    }
    records.upsert("creatives", [creative])
