"""The CRM as a whole: owners, companies, contacts, deals and who belongs to whom."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from typing import Any

from tailrace.sandbox.world.companies import make_companies, make_owners
from tailrace.sandbox.world.contacts import Person, make_contacts
from tailrace.sandbox.world.dirt import soil
from tailrace.sandbox.world.draw import DAY_MS, midnight, picker, stamp, stream

CONTACT_TO_COMPANY, DEAL_TO_CONTACT, DEAL_TO_COMPANY = 1, 3, 5
FIRST_DEAL_ID = 30_100_000_000
OPEN_STAGES = (
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
)
PRODUCTS = ("Starter", "Team", "Team", "Warehouse", "Warehouse", "Enterprise", "Onboarding")
Association = tuple[str, str, str, str, int]


@dataclass(frozen=True)
class Crm:
    """Records per object by ascending id, and one direction of every association."""

    objects: dict[str, list[dict[str, Any]]]
    associations: list[Association]


def make_crm(seed: int, contacts: int, today: date) -> Crm:
    """About one company per 4 contacts and one deal per 6."""
    owners = make_owners(today)
    owner_ids = [owner["id"] for owner in owners]
    companies = make_companies(seed, max(contacts // 4, 1 if contacts else 0), today, owner_ids)
    people = make_contacts(seed, contacts, today, companies, owner_ids)
    soil(seed, people)
    deals, sold_to = make_deals(seed, people, today)
    associations = [
        ("contacts", person.record["id"], "companies", person.company.id, CONTACT_TO_COMPANY)
        for person in people
        if person.company
    ]
    for deal, person in zip(deals, sold_to, strict=True):
        associations.append(("deals", deal["id"], "contacts", person.record["id"], DEAL_TO_CONTACT))
        if person.company:
            associations.append(("deals", deal["id"], "companies", person.company.id, DEAL_TO_COMPANY))
    records = [person.record for person in people]
    objects = {
        "contacts": records,
        "companies": [company.record for company in companies],
        "deals": deals,
        "owners": owners,
    }
    return Crm(objects, associations)


def make_deals(seed: int, people: list[Person], today: date) -> tuple[list[dict[str, Any]], list[Person]]:
    """Customers have a won deal, opportunities an open one, some qualified leads a lost one; with each its contact."""
    rng = stream(seed, "deals")
    end = midnight(today)
    drafts = []
    for person in people:
        stage = _deal_stage(rng, person.record["properties"]["lifecyclestage"])
        if stage:
            created = person.created + int(rng.random() ** 2 * 0.6 * (end - 1 - person.created))
            drafts.append((created, stage, person))
    drafts.sort(key=lambda draft: (draft[0], draft[2].record["id"]))
    number, deals = FIRST_DEAL_ID, []
    for created, stage, person in drafts:
        number += 1 + int(rng.random() * 900)
        deals.append(_deal(rng, str(number), stage, created=created, end=end, person=person))
    return deals, [person for _, _, person in drafts]


def _deal_stage(rng: random.Random, lifecycle: str) -> str | None:
    draw = rng.random()
    if lifecycle in ("customer", "evangelist"):
        return "closedwon"
    if lifecycle == "opportunity":
        return OPEN_STAGES[int(draw * len(OPEN_STAGES))]
    if lifecycle == "salesqualifiedlead" and draw < 0.35:
        return "closedlost"
    return None


def _deal(
    rng: random.Random, key: str, stage: str, *, created: int, end: int, person: Person
) -> dict[str, Any]:
    employees = person.company.employees if person.company else 5
    product = picker(rng)(PRODUCTS)
    amount = (15 + employees * (2 + rng.random() * 6)) * (12 if product == "Enterprise" else 4)
    modified = created + int(rng.random() * (end - 1 - created))
    closed = stage in ("closedwon", "closedlost")
    buyer = person.company.name if person.company else person.record["properties"].get("lastname", "Private")
    properties = {
        "dealname": f"{buyer} - {product}",
        "amount": f"{amount:.2f}",
        "deal_currency_code": person.country.currency,
        "dealstage": stage,
        "pipeline": "default",
        "closedate": stamp(modified if closed else end + int(rng.random() * 60 * DAY_MS)),
        "hs_is_closed": "true" if closed else "false",
        "hs_is_closed_won": "true" if stage == "closedwon" else "false",
        "createdate": stamp(created),
        "hs_lastmodifieddate": stamp(modified),
        "hs_object_id": key,
    }
    owner = person.record["properties"].get("hubspot_owner_id")
    if owner:
        properties["hubspot_owner_id"] = owner
    if not closed and rng.random() < 0.1:
        del properties["amount"]
    return {
        "id": key,
        "properties": properties,
        "createdAt": properties["createdate"],
        "updatedAt": properties["hs_lastmodifieddate"],
        "archived": False,
    }
