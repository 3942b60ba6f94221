"""Owners and companies of the CRM."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from typing import Any

from tailrace.sandbox.world.draw import DAY_MS, midnight, picker, stamp, stream
from tailrace.sandbox.world.vocabulary import (
    COMPANY_FIRST,
    COMPANY_LEGAL,
    COMPANY_SECOND,
    COUNTRIES,
    INDUSTRIES,
    Country,
)

Record = dict[str, Any]
FIRST_COMPANY_ID = 20_100_000_000
HISTORY_DAYS = 400
OWNERS = (
    ("Ines", "Okafor"),
    ("Marc", "Lindberg"),
    ("Priya", "Shah"),
    ("Tom", "Keller"),
    ("Ruth", "Campbell"),
)
SIZES = ((1, 20), (8, 60), (30, 200), (120, 900), (800, 12_000))


@dataclass(frozen=True, slots=True)
class Company:
    """What contacts and deals need to know of their company; `record` is the CRM's."""

    id: str
    name: str
    domain: str
    country: Country
    employees: int
    revenue: int
    created: int
    record: Record


def make_owners(today: date) -> list[Record]:
    """Five salespeople, in HubSpot's owner shape."""
    first = midnight(today) - 900 * DAY_MS
    return [
        {
            "id": str(50_100_000 + 111 * number),
            "email": f"{given}.{family}@millbrook.example".lower(),
            "firstName": given,
            "lastName": family,
            "userId": 9_100_000 + number,
            "type": "PERSON",
            "createdAt": stamp(first + number * DAY_MS),
            "updatedAt": stamp(first + (number + 300) * DAY_MS),
            "archived": False,
        }
        for number, (given, family) in enumerate(OWNERS)
    ]


def make_companies(seed: int, count: int, today: date, owner_ids: list[str]) -> list[Company]:
    """`count` companies with distinct domains, by ascending id."""
    rng = stream(seed, "companies")
    end = midnight(today)
    taken: set[str] = set()
    companies, number = [], FIRST_COMPANY_ID
    for _ in range(count):
        number += 1 + int(rng.random() * 900)
        companies.append(_company(rng, str(number), end, taken, owner_ids))
    return companies


def _company(rng: random.Random, key: str, end: int, taken: set[str], owner_ids: list[str]) -> Company:
    pick = picker(rng)
    country = pick(COUNTRIES)
    words = f"{pick(COMPANY_FIRST)} {pick(COMPANY_SECOND)}"
    domain = _free_domain(words, taken)
    name = f"{words} {pick(COMPANY_LEGAL[country.account])}".rstrip()
    low, high = pick(SIZES)
    employees = low + int(rng.random() * (high - low))
    revenue = employees * (60 + int(rng.random() * 180)) * 1000
    created = end - DAY_MS - int(rng.random() * HISTORY_DAYS * DAY_MS)
    modified = created + int(rng.random() * (end - 1 - created))
    properties = {
        "name": name,
        "domain": domain,
        "industry": pick(INDUSTRIES),
        "country": country.name,
        "hubspot_owner_id": pick(owner_ids),
        "createdate": stamp(created),
        "hs_lastmodifieddate": stamp(modified),
        "hs_object_id": key,
    }
    if rng.random() < 0.94:
        properties |= {"numberofemployees": str(employees), "annualrevenue": str(revenue)}
    record = {
        "id": key,
        "properties": properties,
        "createdAt": stamp(created),
        "updatedAt": stamp(modified),
        "archived": False,
    }
    return Company(key, name, domain, country, employees, revenue, created, record)


def _free_domain(words: str, taken: set[str]) -> str:
    stem = words.lower().replace(" ", "-")
    domain, attempt = f"{stem}.example", 1
    while domain in taken:
        attempt += 1
        domain = f"{stem}-{attempt}.example"
    taken.add(domain)
    return domain
