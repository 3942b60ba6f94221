"""What HubSpot offers to read and what has to be granted for it, in the words of docs/connectors/hubspot.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tailrace.connectors.sdk.base import (
    ApiVersion,
    Option,
    Permission,
    ResourceType,
)

MODIFIED = "hs_lastmodifieddate"
CONTACTS_READ, COMPANIES_READ, DEALS_READ = (
    f"crm.objects.{name}.read" for name in ("contacts", "companies", "deals")
)
TICKETS, COMMERCE, EMAILS_READ = "tickets", "e-commerce", "sales-email-read"
CUSTOM_READ, CUSTOM_SCHEMAS, OWNERS_READ = (
    "crm.objects.custom.read",
    "crm.schemas.custom.read",
    "crm.objects.owners.read",
)


@dataclass(frozen=True)
class Standard:
    """An object of every account: its other names in paths, and the scopes that reading it needs."""

    singular: str
    type_id: str
    scopes: tuple[str, ...]
    cursor: str = MODIFIED


STANDARD = {
    "contacts": Standard("contact", "0-1", (CONTACTS_READ, "crm.schemas.contacts.read"), "lastmodifieddate"),
    "companies": Standard("company", "0-2", (COMPANIES_READ, "crm.schemas.companies.read")),
    "deals": Standard("deal", "0-3", (DEALS_READ, "crm.schemas.deals.read")),
    "tickets": Standard("ticket", "0-5", (TICKETS,)),
    "products": Standard("product", "0-7", (COMMERCE,)),
    "line_items": Standard("line_item", "0-8", (COMMERCE,)),
    "calls": Standard("call", "0-48", (CONTACTS_READ,)),
    "emails": Standard("email", "0-49", (CONTACTS_READ, EMAILS_READ)),
    "meetings": Standard("meeting", "0-47", (CONTACTS_READ,)),
    "notes": Standard("note", "0-46", (CONTACTS_READ,)),
    "tasks": Standard("task", "0-27", (CONTACTS_READ,)),
}
"""Type ids and scopes: HubSpot's own pages on its objects, quoted by others (docs2); `examine` asks the account itself."""

_END = "|".join([*STANDARD, r"2-\d+"])
PAIR = f"({_END})_({_END})"
"""`<from>_<to>`: standard objects by name, custom ones by type id. Editors read it too, as JavaScript: no named groups."""

PERMISSIONS = (
    Permission(CONTACTS_READ, "contacts, calls, meetings, notes, tasks, emails, and their associations"),
    Permission("crm.schemas.contacts.read", "the properties of contacts"),
    Permission(COMPANIES_READ, "companies and their associations"),
    Permission("crm.schemas.companies.read", "the properties of companies"),
    Permission(DEALS_READ, "deals, their pipelines and associations"),
    Permission("crm.schemas.deals.read", "the properties of deals"),
    Permission(TICKETS, "tickets, their pipelines and associations"),
    Permission(COMMERCE, "products and line_items"),
    Permission(EMAILS_READ, "the text of emails"),
    Permission(CUSTOM_READ, "custom objects and their associations"),
    Permission(CUSTOM_SCHEMAS, "finding custom objects by name, and their properties"),
    Permission(OWNERS_READ, "owners"),
    Permission("crm.objects.contacts.write", "syncs to contacts"),
    Permission("crm.objects.companies.write", "syncs to companies"),
    Permission("crm.objects.deals.write", "syncs to deals"),
    Permission("crm.objects.custom.write", "syncs to custom objects"),
    Permission("crm.schemas.contacts.write", "syncs to contacts with create_fields"),
    Permission("crm.schemas.companies.write", "syncs to companies with create_fields"),
    Permission("crm.schemas.deals.write", "syncs to deals with create_fields"),
    Permission("crm.schemas.custom.write", "syncs to custom objects with create_fields"),
    Permission("crm.lists.read", "syncs to list_members"),
    Permission("crm.lists.write", "syncs to list_members"),
)
VERSIONS = (
    # vendor-apis.md 0.1: a version comes each March and September and is supported to 18 months after. Of 2026-09 only
    # the month is known, and of the end of v1 to v3 "September 2027": the month's last day is taken.
    ApiVersion("2026-09", date(2028, 3, 31)),
    ApiVersion("2026-03", date(2027, 9, 30)),
    ApiVersion("v3", date(2027, 9, 30)),
)

ENDS = "archived list, every run; merges, with their winner; GDPR deletes by the sweep"
WHOLE = "read whole: what is no longer there is removed"
OWNERS_END = "archived list, read whole"
OBJECT_OPTIONS = (
    Option("properties", "texts", description="the properties to land; default: all"),
    Option("overlap", "duration", description="as the connection's, for this resource"),
    Option(
        "sweep",
        "duration",
        default="24h",
        choices=("off",),
        description="how often all rows are listed again, to see what search never tells: GDPR deletes",
    ),
)
ASSOCIATION_OPTIONS = (
    Option("batch", "integer", default=1000, description="ids asked about in one request"),
)
ASSOCIATION_KEY = ("from_id", "to_id", "type_id", "category")
NAMED_ASSOCIATIONS = ("contacts_companies", "deals_contacts", "deals_companies")
PIPELINED = ("deals", "tickets")


def ends_of(name: str) -> tuple[str, str] | None:
    """The two objects of an association's name; None where it names none."""
    found = re.fullmatch(PAIR, name)
    return (found[1], found[2]) if found else None


def resources() -> Sequence[ResourceType]:
    """In the page's order; the patterned ones before the one that takes any name."""
    return (
        *(_object(name) for name in STANDARD),
        ResourceType(
            "owners",
            (Option("path", description="of the owners API; default: the one of api_version"),),
            description="the users whom records are assigned to",
            key=("id",),
            deletes=OWNERS_END,
            permissions=(OWNERS_READ,),
        ),
        _whole(
            "properties", tuple(STANDARD), ("object", "name"), "the definitions of the objects' properties"
        ),
        _whole("pipelines", PIPELINED, ("object", "pipeline_id", "id"), "the stages of the pipelines"),
        *(_association(name) for name in NAMED_ASSOCIATIONS),
        _association("<from>_<to>", pattern=PAIR),
        ResourceType(
            "<object>",
            OBJECT_OPTIONS,
            any_name=True,
            description="any other object: a custom one by name or type id",
            key=("id",),
            cursor=MODIFIED,
            deletes=ENDS,
            permissions=(CUSTOM_READ, CUSTOM_SCHEMAS),
            backfill=True,
            fields_option="properties",
        ),
    )


def _object(name: str) -> ResourceType:
    return ResourceType(
        name,
        OBJECT_OPTIONS,
        description=f"{name} with their properties; deletes, merges and restores",
        key=("id",),
        cursor=STANDARD[name].cursor,
        deletes=ENDS,
        permissions=STANDARD[name].scopes,
        backfill=True,
        fields_option="properties",
    )


def _whole(name: str, objects: tuple[str, ...], key: tuple[str, ...], description: str) -> ResourceType:
    option = Option(
        "objects", "texts", description="of which objects; default: those that the token may read"
    )
    scopes = tuple(dict.fromkeys(scope for obj in objects for scope in STANDARD[obj].scopes))
    return ResourceType(name, (option,), description=description, key=key, deletes=WHOLE, permissions=scopes)


def _association(name: str, pattern: str = "") -> ResourceType:
    ends = ends_of(name)
    scopes = () if ends is None else (scope for end in ends for scope in STANDARD[end].scopes[:1])
    return ResourceType(
        name,
        ASSOCIATION_OPTIONS,
        any_name=bool(pattern),
        pattern=pattern,
        description=f"which {ends[0]} belong to which {ends[1]}" if ends else "the same of any two objects",
        key=ASSOCIATION_KEY,
        deletes=WHOLE,
        permissions=tuple(scopes),
    )
