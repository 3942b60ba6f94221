"""What an account has beside contacts, companies and deals: engagements, tickets, products, a custom object, pipelines.

Made from the world's own people, so that everything joins; at most a few thousand records, however large the world.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tailrace.sandbox.hubspot import definitions as defined
from tailrace.sandbox.hubspot.kinds import DEFAULT_TYPE, OWNERS, created_property, modified_property
from tailrace.sandbox.hubspot.links import Association
from tailrace.sandbox.hubspot.values import millis
from tailrace.sandbox.store import Record
from tailrace.sandbox.world.draw import DAY_MS, midnight, stamp, stream
from tailrace.sandbox.world.properties import DEAL_STAGES

MOST = 2_000
EVERY = {"emails": 4, "notes": 5, "tasks": 6, "calls": 8, "tickets": 10, "meetings": 12}
"""One record for so many contacts."""
FIRST_ID = {
    "tickets": 40_100_000_000,
    "products": 41_100_000_000,
    "line_items": 42_100_000_000,
    "calls": 43_100_000_000,
    "emails": 44_100_000_000,
    "meetings": 45_100_000_000,
    "notes": 46_100_000_000,
    "tasks": 47_100_000_000,
    "subscriptions": 48_100_000_000,
}
PRODUCTS = (("Starter", 49), ("Team", 149), ("Warehouse", 499), ("Enterprise", 1900), ("Onboarding", 2500))
TOPICS = ("Renewal", "Import of old orders", "Invoice address", "Scanner setup", "Seats", "Training day")
CUSTOMERS = ("customer", "evangelist")


@dataclass(frozen=True)
class Account:
    """Records by object, their associations, the owner who left, and the pipelines by object."""

    objects: dict[str, list[Record]] = field(default_factory=dict)
    associations: list[Association] = field(default_factory=list)
    former_owners: list[Record] = field(default_factory=list)
    pipelines: dict[str, list[Record]] = field(default_factory=dict)


def make_account(
    seed: int, today: date, crm: Mapping[str, list[Record]], associations: list[Association]
) -> Account:
    """Depends on nothing but its arguments; everything happened before the first second (UTC) of `today`."""
    return _Maker(seed, today, crm, associations).account()


class _Maker:
    def __init__(
        self, seed: int, today: date, crm: Mapping[str, list[Record]], associations: list[Association]
    ) -> None:
        self._seed, self._today, self._end = seed, today, midnight(today)
        self._people = crm.get("contacts", [])[:MOST]
        self._deals = crm.get("deals", [])[: MOST // 4]
        self._owners = [owner["id"] for owner in crm.get(OWNERS, [])]
        self._employer = {
            source_id: target_id
            for source, source_id, target, target_id, _ in associations
            if (source, target) == ("contacts", "companies")
        }
        self._made: dict[str, list[Record]] = {name: [] for name in FIRST_ID}
        self._links: list[Association] = []

    def account(self) -> Account:
        self._sell()
        for obj, every in EVERY.items():
            rng = stream(self._seed, obj)
            for person in rng.sample(self._people, len(self._people) // every):
                self._engage(obj, rng, person)
        self._subscribe()
        pipelines = {"deals": [_pipeline("default", "Sales Pipeline", _deal_stages())]}
        pipelines["tickets"] = [_pipeline("0", "Support Pipeline", _ticket_stages())]
        return Account(self._made, self._links, self._former() if self._owners else [], pipelines)

    def _add(self, obj: str, rng: random.Random, since: Record, values: dict[str, str]) -> Record:
        """A record made some time after another one."""
        begin = min(millis(since["createdAt"]) or 0, self._end - 2)
        created = begin + int(rng.random() * (self._end - 2 - begin))
        modified = created + int(rng.random() ** 3 * (self._end - 1 - created))
        key = str(FIRST_ID[obj] + 7 * len(self._made[obj]) + int(rng.random() * 7))
        owner = {"hubspot_owner_id": rng.choice(self._owners)} if self._owners else {}
        own = {created_property(obj): stamp(created), modified_property(obj): stamp(modified)}
        if obj in ("calls", "emails", "meetings", "notes", "tasks"):
            own["hs_timestamp"] = stamp(created)
        record = {
            "id": key,
            "properties": {**values, **owner, **own, "hs_object_id": key},
            "createdAt": stamp(created),
            "updatedAt": stamp(modified),
            "archived": False,
        }
        self._made[obj].append(record)
        return record

    def _link(self, obj: str, key: str, target: str, target_id: str) -> None:
        self._links.append((obj, key, target, target_id, DEFAULT_TYPE[obj, target]))

    def _engage(self, obj: str, rng: random.Random, person: Record) -> None:
        record = self._add(obj, rng, person, _VALUES[obj](rng, person["properties"]))
        self._link(obj, record["id"], "contacts", person["id"])
        employer = self._employer.get(person["id"])
        if employer is not None:
            self._link(obj, record["id"], "companies", employer)

    def _sell(self) -> None:
        """Every deal has one line item of one of the products."""
        rng = stream(self._seed, "line_items")
        first = self._people[:1] or self._deals[:1]
        for name, price in PRODUCTS if first else ():
            texts = {
                "name": name,
                "description": f"{name}, a month",
                "price": str(price),
                "hs_sku": name[:4].upper(),
            }
            self._add("products", rng, first[0], texts)
        for deal in self._deals:
            product = rng.choice(self._made["products"])
            quantity = 1 + int(rng.random() * 12)
            values = {
                "name": product["properties"]["name"],
                "hs_product_id": product["id"],
                "quantity": str(quantity),
                "price": product["properties"]["price"],
                "amount": f"{float(product['properties']['price']) * quantity:.2f}",
            }
            item = self._add("line_items", rng, deal, values)
            self._link("line_items", item["id"], "deals", deal["id"])

    def _subscribe(self) -> None:
        """Every customer has a subscription."""
        rng = stream(self._seed, "subscriptions")
        buyers = [one for one in self._people if one["properties"].get("lifecyclestage") in CUSTOMERS]
        for person in buyers[: MOST // 4]:
            self._engage("subscriptions", rng, person)

    def _former(self) -> list[Record]:
        """Somebody who left: archived, and still the owner of nothing."""
        left = self._end - 90 * DAY_MS
        return [
            {
                "id": "50099000",
                "email": "joan.ferreira@millbrook.example",
                "firstName": "Joan",
                "lastName": "Ferreira",
                "userId": 9_099_000,
                "type": "PERSON",
                "createdAt": stamp(self._end - 1000 * DAY_MS),
                "updatedAt": stamp(left),
                "archived": True,
                "archivedAt": stamp(left),
            }
        ]


def _pipeline(key: str, label: str, stages: list[Record]) -> Record:
    times = {"createdAt": defined.DEFINED_AT, "updatedAt": defined.DEFINED_AT}
    whole = [
        {
            **stage,
            "displayOrder": order,
            "archived": False,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            **times,
        }
        for order, stage in enumerate(stages)
    ]
    return {"id": key, "label": label, "displayOrder": 0, "archived": False, "stages": whole, **times}


def _deal_stages() -> list[Record]:
    steps = len(DEAL_STAGES) - 2
    chances = [*(round((step + 1) / (steps + 1), 1) for step in range(steps)), 1.0, 0.0]
    return [
        {
            "id": stage,
            "label": stage,
            "metadata": {"isClosed": str(chance in (0.0, 1.0)).lower(), "probability": str(chance)},
        }
        for stage, chance in zip(DEAL_STAGES, chances, strict=True)
    ]


def _ticket_stages() -> list[Record]:
    return [
        {"id": key, "label": label, "metadata": {"ticketState": "CLOSED" if label == "Closed" else "OPEN"}}
        for key, label in defined.TICKET_STAGES
    ]


def ticket_of(rng: random.Random, person: Mapping[str, str]) -> dict[str, str]:
    """A new ticket of a contact."""
    topic = rng.choice(TOPICS)
    return {
        "subject": topic,
        "content": f"{person.get('firstname', 'A customer')} asks: {topic.lower()}?",
        "hs_pipeline": "0",
        "hs_pipeline_stage": rng.choice(defined.TICKET_STAGES)[0],
        "hs_ticket_priority": rng.choice(defined.PRIORITIES),
    }


def note_of(rng: random.Random, person: Mapping[str, str]) -> dict[str, str]:
    """A new note on a contact."""
    return {
        "hs_note_body": f"Spoke with {person.get('firstname', 'them')} about {rng.choice(TOPICS).lower()}."
    }


def task_of(rng: random.Random, person: Mapping[str, str]) -> dict[str, str]:
    """A new task about a contact."""
    return {
        "hs_task_subject": f"{rng.choice(TOPICS)}: answer {person.get('lastname', 'contact')}",
        "hs_task_status": rng.choice(defined.TASK_STATUSES),
        "hs_task_type": rng.choice(defined.TASK_TYPES),
        "hs_task_priority": rng.choice(defined.PRIORITIES),
    }


def _call(rng: random.Random, person: Mapping[str, str]) -> dict[str, str]:
    return {
        "hs_call_title": f"Call with {person.get('firstname', 'contact')}",
        "hs_call_duration": str(int(rng.random() * 1_800_000)),
        "hs_call_status": rng.choice(defined.CALL_STATUSES),
    }


def _email(rng: random.Random, person: Mapping[str, str]) -> dict[str, str]:
    topic = rng.choice(TOPICS)
    found = {
        "hs_email_subject": topic,
        "hs_email_text": f"About: {topic}",
        "hs_email_direction": rng.choice(defined.DIRECTIONS),
    }
    return {**found, **({"hs_email_to_email": person["email"]} if person.get("email") else {})}


def _meeting(rng: random.Random, person: Mapping[str, str]) -> dict[str, str]:
    return {
        "hs_meeting_title": f"Demo for {person.get('company', 'a prospect')}",
        "hs_meeting_outcome": rng.choice(defined.MEETING_OUTCOMES),
    }


def _subscription(rng: random.Random, person: Mapping[str, str]) -> dict[str, str]:
    seats = 1 + int(rng.random() * 40)
    return {
        "plan": rng.choice(defined.PLANS),
        "seats": str(seats),
        "monthly_amount": f"{seats * (9 + rng.random() * 20):.2f}",
        "started_on": str(person.get("createdate", defined.DEFINED_AT))[:10],
        "auto_renews": rng.choice(("true", "false")),
    }


_VALUES: dict[str, Any] = {
    "tickets": ticket_of,
    "notes": note_of,
    "tasks": task_of,
    "calls": _call,
    "emails": _email,
    "meetings": _meeting,
    "subscriptions": _subscription,
}
