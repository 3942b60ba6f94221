"""The generated account: two lists of the people whom the CRM knows, and what was mailed to them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Protocol

from tailrace.sandbox.mailchimp.lists import blank as blank_list
from tailrace.sandbox.mailchimp.members import COUNTED, email_hash, nowhere
from tailrace.sandbox.mailchimp.merge import defined, full_name
from tailrace.sandbox.mailchimp.sent import make_campaigns
from tailrace.sandbox.mailchimp.stock import Record

NEWSLETTER, CUSTOMERS = "a5b0c1d2e3", "f6a7b8c9d0"
LISTS = ((NEWSLETTER, "Millbrook Stock newsletter"), (CUSTOMERS, "Millbrook Stock customers"))
BUYERS = frozenset({"opportunity", "customer", "evangelist"})
FIELDS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    NEWSLETTER: (
        ("FNAME", "First Name", "text"),
        ("LNAME", "Last Name", "text"),
        ("ADDRESS", "Address", "address"),
        ("PHONE", "Phone Number", "phone"),
        ("COMPANY", "Company", "text"),
        ("LTV", "Lifetime value", "number"),
        ("JOINED", "Joined", "date"),
        ("SCORE", "Lead score", "number"),
        ("GRADE", "Lead grade", "text"),
    ),
    CUSTOMERS: (
        ("FNAME", "First Name", "text"),
        ("LNAME", "Last Name", "text"),
        ("COMPANY", "Company", "text"),
        ("LTV", "Lifetime value", "number"),
        ("RENEWAL", "Renewal date", "date"),
    ),
}
TOPICS = ("Product news", "Warehousing", "Events")
TAGS = ("Trade fair 2025", "Webinar", "Pilot")
COUNTRIES = {
    "United States": ("US", "America/New_York", 38.9, -77.0),
    "Canada": ("CA", "America/Toronto", 43.7, -79.4),
    "Germany": ("DE", "Europe/Berlin", 52.5, 13.4),
    "Austria": ("AT", "Europe/Vienna", 48.2, 16.4),
    "France": ("FR", "Europe/Paris", 48.9, 2.3),
    "Netherlands": ("NL", "Europe/Amsterdam", 52.4, 4.9),
    "United Kingdom": ("GB", "Europe/London", 51.5, -0.1),
    "Ireland": ("IE", "Europe/Dublin", 53.3, -6.3),
}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
Tables = dict[str, list[Record]]


class People(Protocol):
    """What is needed of the world: its contacts, as HubSpot holds them."""

    @property
    def hubspot(self) -> dict[str, list[dict[str, Any]]]: ...


def make_tables(world: People, seed: int, today: date) -> Tables:
    """Every record of the account; all of it happened before the first second (UTC) of `today`."""
    rng = random.Random(f"{seed}:mailchimp")
    tables: Tables = {"merge_fields": _fields()}
    tables |= _groups(today)
    tables["members"] = list(_members(rng, world.hubspot["contacts"], tables))
    tables |= make_campaigns(rng, tables["members"], LISTS, today)
    tables["lists"] = [_list(number, *named, tables, today) for number, named in enumerate(LISTS)]
    return tables


def _fields() -> list[Record]:
    return [
        defined(list_id, number, tag, {"name": name, "type": kind})
        for list_id, fields in FIELDS.items()
        for number, (tag, name, kind) in enumerate(fields, start=1)
    ]


def _groups(today: date) -> Tables:
    """One category of interests, and three tags that are static segments, on the newsletter."""
    made = f"{today - timedelta(days=400)}T09:00:00+00:00"
    category = {
        "list_id": NEWSLETTER,
        "id": "c0ffee0001",
        "title": "Topics",
        "display_order": 0,
        "type": "checkboxes",
    }
    interests = [
        {
            "category_id": "c0ffee0001",
            "list_id": NEWSLETTER,
            "id": f"c0ffee01{number:02d}",
            "name": name,
            "subscriber_count": "0",
            "display_order": number,
        }
        for number, name in enumerate(TOPICS, start=1)
    ]
    tags = [
        {"id": 70_000_001 + number, "name": name, "list_id": NEWSLETTER} for number, name in enumerate(TAGS)
    ]
    segments = [
        {
            "id": tag["id"],
            "name": tag["name"],
            "member_count": 0,
            "type": "static",
            "created_at": made,
            "updated_at": made,
            "list_id": NEWSLETTER,
        }
        for tag in tags
    ]
    return {"interest_categories": [category], "interests": interests, "tags": tags, "segments": segments}


def _members(rng: random.Random, contacts: Iterable[Record], tables: Tables) -> Iterable[Record]:
    """Whoever has an e-mail that can be one is on the newsletter; buyers are on the customers' list, too."""
    taken: set[str] = set()
    number = 0
    for contact in contacts:
        email = (contact["properties"].get("email") or "").strip()
        if not EMAIL.fullmatch(email) or email_hash(email) in taken:
            continue
        taken.add(email_hash(email))
        lists = [NEWSLETTER]
        if contact["properties"].get("lifecyclestage") in BUYERS:
            lists.append(CUSTOMERS)
        for list_id in lists:
            number += 1
            yield _member(rng, list_id, number, email, contact, tables)


def _member(
    rng: random.Random, list_id: str, number: int, email: str, contact: Record, tables: Tables
) -> Record:
    properties, key = contact["properties"], email_hash(email)
    joined, changed = _seconds(contact["createdAt"]), _seconds(contact["updatedAt"])
    status = _status(rng, properties)
    fields = _values(rng, list_id, properties, joined)
    tags = [{"id": tag["id"], "name": tag["name"]} for tag in tables["tags"] if rng.random() < 0.08]
    own_tags = tags if list_id == NEWSLETTER else []
    record: Record = {
        "id": key,
        "email_address": email,
        "unique_email_id": key[:10],
        "contact_id": email_hash(f"{list_id}/{email}"),
        "full_name": full_name(fields),
        "web_id": 400_000_000 + number,
        "email_type": "html",
        "status": status,
        **({"unsubscribe_reason": "N/A (Unsubscribed by admin)"} if status == "unsubscribed" else {}),
        "consents_to_one_to_one_messaging": True,
        "merge_fields": fields,
        "interests": {topic["id"]: rng.random() < 0.3 for topic in tables["interests"]},
        "stats": {"avg_open_rate": round(rng.random(), 4), "avg_click_rate": round(rng.random() * 0.3, 4)},
        "ip_signup": "",
        "timestamp_signup": "",
        "ip_opt": f"203.0.113.{1 + number % 250}",
        "timestamp_opt": joined,
        "member_rating": 1 + int(rng.random() * 5),
        "last_changed": changed,
        "language": "",
        "vip": rng.random() < 0.01,
        "email_client": "",
        "location": _location(properties.get("country")),
        "source": "Import",
        "tags_count": len(own_tags),
        "tags": own_tags,
        "list_id": list_id,
    }
    if list_id != NEWSLETTER:
        del record["interests"]
    return record


def _status(rng: random.Random, properties: Mapping[str, Any]) -> str:
    draw = rng.random()
    if properties.get("hs_email_optout") == "true":
        return "unsubscribed"
    return next(
        (name for cut, name in ((0.01, "cleaned"), (0.02, "archived"), (0.025, "pending")) if draw < cut),
        "subscribed",
    )


def _values(rng: random.Random, list_id: str, properties: Mapping[str, Any], joined: str) -> Record:
    """Merge fields; one without a value is "", whatever its kind."""
    worth = round(rng.random() * 40_000, 2) if properties.get("lifecyclestage") in BUYERS else ""
    known = {
        "FNAME": properties.get("firstname") or "",
        "LNAME": properties.get("lastname") or "",
        "PHONE": properties.get("phone") or "",
        "COMPANY": properties.get("company") or "",
        "LTV": worth,
        "JOINED": joined[:10],
        "RENEWAL": f"{date.fromisoformat(joined[:10]) + timedelta(days=365)}",
    }
    return {tag: known.get(tag, "") for tag, _, _ in FIELDS[list_id]}


def _location(country: str | None) -> Record:
    if country not in COUNTRIES:
        return nowhere()
    code, zone, latitude, longitude = COUNTRIES[country]
    return {**nowhere(), "latitude": latitude, "longitude": longitude, "country_code": code, "timezone": zone}


def _list(number: int, key: str, name: str, tables: Tables, today: date) -> Record:
    contact = {"company": "Millbrook Stock", "address1": "1 Mill Lane", "address2": "", "city": "Millbrook"}
    body = {
        "name": name,
        "contact": {**contact, "state": "NY", "zip": "12545", "country": "US", "phone": ""},
        "permission_reminder": "You asked for our news on our web site.",
        "campaign_defaults": {
            "from_name": "Millbrook Stock",
            "from_email": "news@millbrook.example",
            "subject": "",
            "language": "en",
        },
    }
    record = blank_list(key, number + 1, body, f"{today - timedelta(days=900)}T08:00:00+00:00")
    members = [member for member in tables["members"] if member["list_id"] == key]
    sent = [report for report in tables["reports"] if report["list_id"] == key]
    counts = {
        count: sum(member["status"] == status for member in members) for status, count in COUNTED.items()
    }
    last = max((report["send_time"] for report in sent), default="")
    fields = len(FIELDS[key])
    stats = {**counts, "campaign_count": len(sent), "campaign_last_sent": last, "merge_field_count": fields}
    return {**record, "stats": {**record["stats"], **stats}}


def _seconds(text: str) -> str:
    """HubSpot's 2026-01-31T09:30:00.123Z as 2026-01-31T09:30:00+00:00."""
    return f"{text[:19]}+00:00"
