"""What one round of people working and of late counting changes in the ad accounts."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tailrace.sandbox.meta_ads.records import Records
from tailrace.sandbox.meta_ads.world import LEAD_VALUE, action, statuses

Record = dict[str, Any]
WINDOW, DAYS = 14, 3
NEW_AD = 130210000000000001


def work(records: Records, rng: random.Random, rounds_done: int, stamp: Callable[[], str]) -> None:
    """Three late days restated at the lowest level that has any, and ads paused, made and deleted.

    Of the third day a row vanishes; a new ad comes every second round, and an ad goes every third.
    """
    for obj in ("ad_insights", "adset_insights", "campaign_insights", "account_insights"):
        rows = records.all(obj)
        if rows:
            _restate(records, obj, rows, rng, stamp)
            break
    live = [ad for ad in records.all("ads") if ad.get("status") in ("ACTIVE", "PAUSED")]
    if not live:
        return
    ad = rng.choice(live)
    turned = "PAUSED" if ad["status"] == "ACTIVE" else "ACTIVE"
    records.upsert("ads", [{"id": ad["id"], "status": turned, "configured_status": turned}], stamp)
    if rounds_done % 2 == 0:
        records.upsert("ads", [_copy(rng.choice(live), rounds_done, stamp())], stamp)
    if rounds_done % 3 == 2:
        records.remove("ads", str(rng.choice(live)["id"]), stamp)


def _copy(ad: Record, rounds_done: int, born: str) -> Record:
    """A new variant in the same ad set."""
    new = {"id": str(NEW_AD + rounds_done), "name": f"{ad['name']} - Copy", "created_time": born}
    return {**ad, **new, "updated_time": born, **statuses("ACTIVE", "PENDING_REVIEW")}


def _restate(
    records: Records, obj: str, rows: list[Record], rng: random.Random, stamp: Callable[[], str]
) -> None:
    last = max(row["date_start"] for row in rows)
    first = (date.fromisoformat(last) - timedelta(days=WINDOW - 1)).isoformat()
    days = sorted({row["date_start"] for row in rows if row["date_start"] >= first})
    chosen = rng.sample(days, min(DAYS, len(days)))
    for turn, day in enumerate(chosen):
        there = [row for row in rows if row["date_start"] == day]
        row = there[int(rng.random() * len(there))]
        if turn == 2 and len(there) > 1:
            level = obj.removesuffix("_insights")
            records.remove(obj, f"{row[f'{level}_id']}/{day}", stamp)
            continue
        records.upsert(obj, [_late_lead(row) if turn == 0 else _credited(row)], stamp)


def _late_lead(row: Record) -> Record:
    """One more lead by a click of that day."""
    change: Record = {}
    for name, value in (("actions", 1.0), ("action_values", LEAD_VALUE)):
        entries = list(row.get(name) or [])
        known = next((entry for entry in entries if entry["action_type"] == "lead"), None)
        if known is None:
            change[name] = [*entries, action("lead", value, 0)]
            continue
        clicked = Decimal(known.get("7d_click", "0")) + Decimal(value)
        later = action("lead", float(clicked), float(known.get("1d_view", "0")))
        change[name] = [later if entry is known else entry for entry in entries]
    return {**row, **change}


def _credited(row: Record) -> Record:
    """A click that was none is not charged."""
    clicks, spend = int(row.get("clicks") or 0), Decimal(row.get("spend") or 0)
    if not clicks:
        return {**row, "impressions": str(int(row.get("impressions") or 0) + 1)}
    return {**row, "clicks": str(clicks - 1), "spend": f"{spend - spend / clicks:.2f}"}
