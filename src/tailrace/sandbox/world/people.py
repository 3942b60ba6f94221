"""People keep working: what one round changes in each vendor's records. Pure proposals; the fakes apply and stamp them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tailrace.sandbox.world.ads import CONVERSION_VALUE, credit
from tailrace.sandbox.world.contacts import free_email
from tailrace.sandbox.world.crm import OPEN_STAGES
from tailrace.sandbox.world.draw import picker
from tailrace.sandbox.world.sessions import organic
from tailrace.sandbox.world.vocabulary import COUNTRIES, FIRST_NAMES, JOB_TITLES, LAST_NAMES

Record = dict[str, Any]
RESTATED_WINDOW, RESTATED_DAYS = 14, 3
STAGE_ORDER = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
)
DEAL_ORDER = (*OPEN_STAGES, "closedwon")


@dataclass(frozen=True)
class CrmRound:
    """One round in the CRM. No contact stands in two of the lists; `merged` is (winner, loser)."""

    created: list[dict[str, str]]
    edited: list[tuple[str, dict[str, str]]]
    archived: list[str]
    merged: tuple[str, str] | None
    deals: list[tuple[str, dict[str, str]]]


def crm_round(
    rng: random.Random, contacts: Sequence[Record], deals: Sequence[Record], rounds_done: int
) -> CrmRound:
    """Of the live records: 1% more (2 at least), 2% edited, 0.3% archived (1 at least), two merged, some deals moved."""
    count = len(contacts)
    archived = max(1, round(count * 0.003))
    edited = max(1, round(count * 0.02))
    chosen = rng.sample(range(count), min(count, archived + edited + 2))
    gone, changed, pair = chosen[:archived], chosen[archived:-2], chosen[-2:]
    whole = len(chosen) == archived + edited + 2
    return CrmRound(
        created=_newcomers(rng, max(2, round(count * 0.01)), rounds_done),
        edited=[(contacts[index]["id"], _edit(rng, contacts[index]["properties"])) for index in changed]
        if whole
        else [],
        archived=[contacts[index]["id"] for index in gone] if whole else [],
        merged=(contacts[pair[0]]["id"], contacts[pair[1]]["id"]) if whole else None,
        deals=_moved(rng, deals),
    )


def _newcomers(rng: random.Random, count: int, rounds_done: int) -> list[dict[str, str]]:
    """New contacts' properties; the round's number in the domain keeps their e-mails apart from all others."""
    pick = picker(rng)
    taken: set[str] = set()
    people = []
    for _ in range(count):
        first, last = pick(FIRST_NAMES), pick(LAST_NAMES)
        people.append(
            {
                "email": free_email(first, last, f"newcomers-{rounds_done + 1}.example", taken),
                "firstname": first,
                "lastname": last,
                "jobtitle": pick(JOB_TITLES)[0],
                "country": pick(COUNTRIES).name,
                "lifecyclestage": "lead",
                "hs_analytics_source": pick(("ORGANIC_SEARCH", "DIRECT_TRAFFIC", "REFERRALS")),
                "hs_analytics_num_page_views": str(1 + int(rng.random() * 6)),
                "hs_analytics_num_visits": "1",
                "num_conversion_events": "1",
            }
        )
    return people


def _edit(rng: random.Random, properties: dict[str, str | None]) -> dict[str, str]:
    """What a visit, a mail or a salesperson changes; always at least one value."""
    pages = int(float(properties.get("hs_analytics_num_page_views") or 0)) + 1 + int(rng.random() * 5)
    change = {"hs_analytics_num_page_views": str(pages)}
    if rng.random() < 0.4:
        change["hs_email_open"] = str(int(float(properties.get("hs_email_open") or 0)) + 1)
    if rng.random() < 0.3:
        change["jobtitle"] = picker(rng)(JOB_TITLES)[0]
    stage = properties.get("lifecyclestage")
    if stage in STAGE_ORDER[:-1] and rng.random() < 0.3:
        change["lifecyclestage"] = STAGE_ORDER[STAGE_ORDER.index(stage) + 1]
    if rng.random() < 0.05:
        change["hs_email_optout"] = "true"
    return change


def _moved(rng: random.Random, deals: Sequence[Record]) -> list[tuple[str, dict[str, str]]]:
    """A few open deals one stage on; `hs_is_closed*` follow, as HubSpot computes them."""
    moves = []
    open_deals = [deal for deal in deals if deal["properties"].get("dealstage") in OPEN_STAGES]
    for deal in rng.sample(open_deals, min(len(open_deals), max(2, len(deals) // 50))):
        stage = DEAL_ORDER[DEAL_ORDER.index(deal["properties"]["dealstage"]) + 1]
        won = "true" if stage == "closedwon" else "false"
        moves.append((deal["id"], {"dealstage": stage, "hs_is_closed": won, "hs_is_closed_won": won}))
    return moves


def restated_spend(rng: random.Random, rows: Sequence[Record]) -> list[tuple[Record, Record]]:
    """One row each of 3 random days of the last 14 on record, with new metrics: a late conversion, a click credited."""
    by_day: dict[str, list[Record]] = {}
    for row in rows:
        by_day.setdefault(row["segments"]["date"], []).append(row)
    if not by_day:
        return []
    first = (date.fromisoformat(max(by_day)) - timedelta(days=RESTATED_WINDOW - 1)).isoformat()
    recent = sorted(day for day in by_day if day >= first)
    days = rng.sample(recent, min(RESTATED_DAYS, len(recent)))
    return [_restate(rng, by_day[day], late=turn % 2 == 0) for turn, day in enumerate(days)]


def _restate(rng: random.Random, rows: list[Record], late: bool) -> tuple[Record, Record]:
    row = rows[int(rng.random() * len(rows))]
    metrics = dict(row.get("metrics", {}))
    clicks, cost = int(metrics.get("clicks", 0)), int(metrics.get("costMicros", 0))
    if late or not clicks:
        booked = credit(rng)
        metrics["conversions"] = round(metrics.get("conversions", 0.0) + booked, 6)
        metrics["conversionsValue"] = round(
            metrics.get("conversionsValue", 0.0) + booked * CONVERSION_VALUE, 6
        )
    else:
        metrics["clicks"] = str(clicks - 1)
        metrics["costMicros"] = str(cost - cost // clicks)
    return row, metrics


def late_sessions(rng: random.Random, sessions: Sequence[Record], today: date) -> list[Record]:
    """Sessions of the last 2 days that are known only now: 1% of those days' number, at least 2 a day."""
    late: list[Record] = []
    for ago in (2, 1):
        day = today - timedelta(days=ago)
        known = sum(session.get("date") == day.strftime("%Y%m%d") for session in sessions)
        users: list[str] = []
        late.extend(organic(rng, day, users) for _ in range(max(2, known // 100)))
    return late
