"""The object types of an account and how their records may be associated (type ids: constants of HubSpot's own SDK)."""

from __future__ import annotations

from collections.abc import Mapping

OWNERS = "owners"
TYPE_IDS = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "tickets": "0-5",
    "products": "0-7",
    "line_items": "0-8",
    "calls": "0-48",
    "emails": "0-49",
    "meetings": "0-47",
    "notes": "0-46",
    "tasks": "0-27",
}
SINGULAR = {
    "contacts": "contact",
    "companies": "company",
    "deals": "deal",
    "tickets": "ticket",
    "products": "product",
    "line_items": "line_item",
    "calls": "call",
    "emails": "email",
    "meetings": "meeting",
    "notes": "note",
    "tasks": "task",
}
ALIASES = {
    **{singular: name for name, singular in SINGULAR.items()},
    **{key: name for name, key in TYPE_IDS.items()},
}
ENGAGEMENTS = ("calls", "emails", "meetings", "notes", "tasks")
CREATED = {name: "hs_createdate" if name in ENGAGEMENTS else "createdate" for name in TYPE_IDS}
DEFAULT_PROPERTIES = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "deals": (
        "amount",
        "closedate",
        "createdate",
        "dealname",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_object_id",
        "pipeline",
    ),
    "tickets": (
        "content",
        "createdate",
        "hs_lastmodifieddate",
        "hs_object_id",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_priority",
        "subject",
    ),
    "products": ("createdate", "description", "hs_lastmodifieddate", "hs_object_id", "name", "price"),
    "line_items": ("amount", "createdate", "hs_lastmodifieddate", "hs_object_id", "name", "quantity"),
}
HUBSPOT_DEFINED, USER_DEFINED = "HUBSPOT_DEFINED", "USER_DEFINED"
FIRST_OF_USERS = 1_000
"""Association types of custom objects are numbered by the account, from here on in this one."""
_UNLABELED = {
    ("contacts", "companies"): (279, 280),
    ("deals", "contacts"): (3, 4),
    ("deals", "companies"): (341, 342),
    ("contacts", "tickets"): (15, 16),
    ("tickets", "companies"): (339, 340),
    ("deals", "tickets"): (27, 28),
    ("deals", "line_items"): (19, 20),
    **{
        ("companies", name): (181 + step, 182 + step)
        for name, step in zip(ENGAGEMENTS, (0, 4, 6, 8, 10), strict=True)
    },
    **{
        ("contacts", name): (193 + step, 194 + step)
        for name, step in zip(ENGAGEMENTS, (0, 4, 6, 8, 10), strict=True)
    },
    **{
        ("deals", name): (205 + step, 206 + step)
        for name, step in zip(ENGAGEMENTS, (0, 4, 6, 8, 10), strict=True)
    },
    **{
        ("tickets", name): (219 + step, 220 + step)
        for name, step in zip(ENGAGEMENTS, (0, 4, 6, 8, 10), strict=True)
    },
    ("subscriptions", "contacts"): (1001, 1002),
    ("subscriptions", "companies"): (1003, 1004),
}
_PRIMARY = {
    ("contacts", "companies"): (1, 2),
    ("deals", "companies"): (5, 6),
    ("tickets", "companies"): (26, 25),
}
PRIMARY = {kind: "Primary" for pair in _PRIMARY.values() for kind in pair}


def _both_ways(table: Mapping[tuple[str, str], tuple[int, int]]) -> dict[tuple[str, str], int]:
    there = {pair: kinds[0] for pair, kinds in table.items()}
    return {**there, **{(other, one): kinds[1] for (one, other), kinds in table.items()}}


DEFAULT_TYPE = _both_ways(_UNLABELED)
PRIMARY_TYPE = _both_ways(_PRIMARY)
KINDS_OF = {
    pair: (*([PRIMARY_TYPE[pair]] if pair in PRIMARY_TYPE else []), kind)
    for pair, kind in DEFAULT_TYPE.items()
}
ALONG_WITH = {kind: DEFAULT_TYPE[pair] for pair, kind in PRIMARY_TYPE.items()}
INVERSE = {
    kind: table[pair[1], pair[0]] for table in (DEFAULT_TYPE, PRIMARY_TYPE) for pair, kind in table.items()
}


def category_of(kind: int) -> str:
    """Who defined an association type."""
    return USER_DEFINED if kind >= FIRST_OF_USERS else HUBSPOT_DEFINED


def created_property(obj: str) -> str:
    """The property with the time of creation."""
    return CREATED.get(obj, "hs_createdate")


def modified_property(obj: str) -> str:
    """The property with the time of modification: contacts have a name of their own for it."""
    return "lastmodifieddate" if obj == "contacts" else "hs_lastmodifieddate"
