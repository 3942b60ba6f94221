"""Contacts: who they are, where they came from, what they did. Buying follows seniority and intent, with noise."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from tailrace.sandbox.world.catalogue import ACCOUNTS, PAUSED_AFTER_DAYS
from tailrace.sandbox.world.companies import HISTORY_DAYS, Company, Record
from tailrace.sandbox.world.draw import DAY_MS, midnight, picker, stamp, stream, weighted
from tailrace.sandbox.world.vocabulary import (
    COUNTRIES,
    EMAIL_CAMPAIGNS,
    FIRST_NAMES,
    FREE_MAIL,
    JOB_TITLES,
    KEYWORDS,
    LAST_NAMES,
    REFERRERS,
    SIZE_BANDS,
    SOCIALS,
    Country,
)

FIRST_CONTACT_ID = 10_100_000_000
RECENT_DAYS, RECENT_SHARE = 90, 0.45
SMALL = tuple(str(number) for number in range(400))
SOURCES = weighted(
    [
        ("ORGANIC_SEARCH", 26),
        ("PAID_SEARCH", 27),
        ("DIRECT_TRAFFIC", 15),
        ("EMAIL_MARKETING", 9),
        ("REFERRALS", 9),
        ("PAID_SOCIAL", 8),
        ("OFFLINE", 6),
    ]
)
STAGE_CUTS = (
    (0.28, "subscriber"),
    (0.50, "lead"),
    (0.62, "marketingqualifiedlead"),
    (0.69, "salesqualifiedlead"),
    (0.755, "opportunity"),
    (2.00, "customer"),
)
LEAD_STATUS = {
    "lead": ("NEW", "NEW", "OPEN", "UNQUALIFIED"),
    "marketingqualifiedlead": ("OPEN", "IN_PROGRESS", "ATTEMPTED_TO_CONTACT"),
    "salesqualifiedlead": ("IN_PROGRESS", "CONNECTED", "BAD_TIMING"),
    "opportunity": ("OPEN_DEAL",),
    "customer": ("CONNECTED",),
}

# letters that Unicode does not split into a base letter and a mark
NO_DECOMPOSITION = str.maketrans("øØłŁ", "oOlL")

Pick = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True, slots=True)
class Person:
    """A contact's record with what deals need to know of it."""

    record: Record
    company: Company | None
    country: Country
    created: int


def make_contacts(
    seed: int, count: int, today: date, companies: list[Company], owner_ids: list[str]
) -> list[Person]:
    """`count` people, ids ascending with their create dates, clean e-mails distinct without regard to case."""
    rng = stream(seed, "contacts")
    end = midnight(today)
    number, taken, people = FIRST_CONTACT_ID, set[str](), []
    for created in sorted(_created(rng, end) for _ in range(count)):
        number += 1 + int(rng.random() * 900)
        company = companies[int(rng.random() * len(companies))] if companies and rng.random() < 0.92 else None
        people.append(
            _person(rng, str(number), created, end, company=company, taken=taken, owner_ids=owner_ids)
        )
    return people


def _created(rng: random.Random, end: int) -> int:
    recent = rng.random() < RECENT_SHARE
    days = rng.random() * RECENT_DAYS if recent else RECENT_DAYS + rng.random() * (HISTORY_DAYS - RECENT_DAYS)
    return end - 1000 - int(days * (DAY_MS - 10))


def _person(
    rng: random.Random,
    key: str,
    created: int,
    end: int,
    *,
    company: Company | None,
    taken: set[str],
    owner_ids: list[str],
) -> Person:
    pick = picker(rng)
    country: Country = company.country if company else pick(COUNTRIES)
    first, last = pick(FIRST_NAMES), pick(LAST_NAMES)
    title, seniority = pick(JOB_TITLES)
    intent = rng.random()
    stage = _stage(0.35 * seniority / 3 + 0.4 * intent + 0.25 * rng.random(), rng)
    properties: dict[str, str | None] = {
        "email": free_email(first, last, company.domain if company else pick(FREE_MAIL), taken),
        "firstname": first,
        "lastname": last,
        "jobtitle": title,
        "country": country.name,
        "lifecyclestage": stage,
        "hs_object_id": key,
        "createdate": stamp(created),
    }
    _attach_company(rng, properties, company)
    _attach_source(pick, properties, country, (end - created) // DAY_MS)
    seen = _attach_engagement(rng, properties, intent, created, end)
    _attach_sales(rng, properties, stage, country, owner_ids)
    modified = seen + int(rng.random() * rng.random() * (end - 1 - seen))
    if stage not in ("subscriber", "lead", "other") and rng.random() < 0.8:
        properties["notes_last_contacted"] = stamp(created + int(rng.random() * (modified - created)))
    properties["lastmodifieddate"] = stamp(modified)
    record = {
        "id": key,
        "properties": properties,
        "createdAt": properties["createdate"],
        "updatedAt": properties["lastmodifieddate"],
        "archived": False,
    }
    return Person(record, company, country, created)


def _stage(propensity: float, rng: random.Random) -> str:
    if rng.random() < 0.01:
        return "other"
    stage = next(name for cut, name in STAGE_CUTS if propensity < cut)
    return "evangelist" if stage == "customer" and rng.random() < 0.1 else stage


def _attach_company(rng: random.Random, properties: dict[str, str | None], company: Company | None) -> None:
    if company is None:
        return
    properties["company"] = company.name
    properties["associatedcompanyid"] = company.id
    if rng.random() < 0.4:
        properties["annualrevenue"] = str(company.revenue)
        properties["numemployees"] = next(
            (band for top, band in SIZE_BANDS if company.employees <= top), "1000+"
        )


def _attach_source(pick: Pick, properties: dict[str, str | None], country: Country, days_ago: int) -> None:
    source = properties["hs_analytics_source"] = pick(SOURCES)
    if source == "PAID_SEARCH":
        campaign = pick(_campaigns(country.account, days_ago < PAUSED_AFTER_DAYS))
        properties["hs_analytics_source_data_1"] = campaign
        properties["hs_analytics_source_data_2"] = pick(KEYWORDS)
        properties["hs_analytics_first_touch_converting_campaign"] = campaign
    elif source == "PAID_SOCIAL":
        properties["hs_analytics_source_data_1"] = pick(SOCIALS)
    elif source == "EMAIL_MARKETING":
        properties["hs_analytics_source_data_1"] = pick(EMAIL_CAMPAIGNS)
    elif source == "REFERRALS":
        properties["hs_analytics_source_data_1"] = pick(REFERRERS)
    elif source == "OFFLINE":
        properties["hs_analytics_source_data_1"] = "IMPORT"


@lru_cache(maxsize=8)
def _campaigns(market: str, paused_by_then: bool) -> tuple[str, ...]:
    """The market's campaign names, each as often as it brings leads; a paused one brings none."""
    account = next(account for account in ACCOUNTS if account.market == market)
    return weighted(
        [
            (campaign.name, max(1, round(campaign.clicks * campaign.conversion_rate * 50)))
            for campaign in account.campaigns
            if not (campaign.paused and paused_by_then)
        ]
    )


def _attach_engagement(
    rng: random.Random, properties: dict[str, str | None], intent: float, created: int, end: int
) -> int:
    """Visits, mails and forms by intent; returns when the person was last seen, ms."""
    draw = rng.random
    if properties["hs_analytics_source"] == "OFFLINE":
        return created
    visits = 1 + int(intent * draw() * 14)
    properties["hs_analytics_num_visits"] = SMALL[visits]
    properties["hs_analytics_num_page_views"] = SMALL[visits + int(visits * draw() * 6)]
    opened = int(draw() * intent * 25)
    properties["hs_email_open"] = SMALL[opened]
    properties["hs_email_click"] = SMALL[int(opened * draw() * 0.5)]
    properties["num_conversion_events"] = SMALL[1 + int(intent * intent * draw() * 5)]
    seen = created + int(draw() ** (2 - intent) * (end - 1 - created))
    properties["hs_analytics_last_timestamp"] = stamp(seen)
    return seen


def _attach_sales(
    rng: random.Random,
    properties: dict[str, str | None],
    stage: str,
    country: Country,
    owner_ids: list[str],
) -> None:
    draw, pick = rng.random(), picker(rng)
    if draw < 0.6:
        properties["phone"] = f"{country.dial} {200 + int(draw * 1200)} {int(rng.random() * 10_000_000):07d}"
    if stage in LEAD_STATUS:
        properties["hs_lead_status"] = pick(LEAD_STATUS[stage])
        if owner_ids:
            properties["hubspot_owner_id"] = pick(owner_ids)
    if draw > 0.94:
        properties["hs_email_optout"] = "false"


@lru_cache(maxsize=4096)
def _ascii(word: str) -> str:
    plain = word.translate(NO_DECOMPOSITION)
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z]", "", plain.lower()) or "x"


def free_email(first: str, last: str, domain: str, taken: set[str]) -> str:
    """first.last@domain, numbered where another person has it already; adds it to `taken`."""
    stem = f"{_ascii(first)}.{_ascii(last)}"
    email, attempt = f"{stem}@{domain}", 1
    while email in taken:
        attempt += 1
        email = f"{stem}{attempt}@{domain}"
    taken.add(email)
    return email
