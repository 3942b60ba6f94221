"""Property definitions of the objects that are not in the generated world's CRM; standard ones from memory of the product."""

from __future__ import annotations

from typing import Any

from tailrace.sandbox.hubspot.kinds import SINGULAR, created_property, modified_property
from tailrace.sandbox.hubspot.schema import FIELD_TYPES, Definition, full_definition

DEFINED_AT = "2021-03-01T09:00:00.000Z"
TICKET_STAGES = (("1", "New"), ("2", "Waiting on contact"), ("3", "Waiting on us"), ("4", "Closed"))
PRIORITIES = ("LOW", "MEDIUM", "HIGH")
CALL_STATUSES = ("COMPLETED", "NO_ANSWER", "BUSY")
MEETING_OUTCOMES = ("SCHEDULED", "COMPLETED", "NO_SHOW")
TASK_STATUSES, TASK_TYPES = ("NOT_STARTED", "IN_PROGRESS", "COMPLETED"), ("CALL", "EMAIL", "TODO")
PLANS = ("starter", "team", "warehouse", "enterprise")
DIRECTIONS = ("EMAIL", "INCOMING_EMAIL")

Fields = dict[str, str | tuple[str, ...]]
"""Name to type; a tuple lists an enumeration's values."""

ENGAGEMENT: Fields = {"hs_timestamp": "datetime"}
FIELDS: dict[str, Fields] = {
    "tickets": {
        "subject": "string",
        "content": "string",
        "hs_pipeline": ("0",),
        "hs_pipeline_stage": tuple(key for key, _ in TICKET_STAGES),
        "hs_ticket_priority": PRIORITIES,
        "closed_date": "datetime",
    },
    "products": {"name": "string", "description": "string", "price": "number", "hs_sku": "string"},
    "line_items": {
        "name": "string",
        "hs_product_id": "number",
        "quantity": "number",
        "price": "number",
        "amount": "number",
    },
    "calls": {
        **ENGAGEMENT,
        "hs_call_title": "string",
        "hs_call_body": "string",
        "hs_call_duration": "number",
        "hs_call_status": CALL_STATUSES,
    },
    "emails": {
        **ENGAGEMENT,
        "hs_email_subject": "string",
        "hs_email_text": "string",
        "hs_email_direction": DIRECTIONS,
        "hs_email_to_email": "string",
    },
    "meetings": {
        **ENGAGEMENT,
        "hs_meeting_title": "string",
        "hs_meeting_start_time": "datetime",
        "hs_meeting_end_time": "datetime",
        "hs_meeting_outcome": MEETING_OUTCOMES,
    },
    "notes": {**ENGAGEMENT, "hs_note_body": "string"},
    "tasks": {
        **ENGAGEMENT,
        "hs_task_subject": "string",
        "hs_task_body": "string",
        "hs_task_status": TASK_STATUSES,
        "hs_task_type": TASK_TYPES,
        "hs_task_priority": PRIORITIES,
    },
    "subscriptions": {
        "plan": PLANS,
        "seats": "number",
        "monthly_amount": "number",
        "started_on": "date",
        "auto_renews": "bool",
    },
}
MERGED = "hs_merged_object_ids"
MERGEABLE = ("companies", "deals", "tickets")
"""Beside contacts, whose definitions the world has."""


def definitions_of(obj: str) -> list[Definition]:
    """All of one object: its fields, its owner, and those that HubSpot keeps itself."""
    made = [_field(obj, name, kind) for name, kind in FIELDS[obj].items()]
    made.append(_define(obj, "hubspot_owner_id", "enumeration", externalOptions=True, label="Owner"))
    made.append(_define(obj, created_property(obj), "datetime", read_only=True))
    made.append(_define(obj, modified_property(obj), "datetime", read_only=True))
    made.append(_define(obj, "hs_object_id", "number", read_only=True, hasUniqueValue=True))
    return made + ([merged(obj)] if obj in MERGEABLE else [])


def merged(obj: str) -> Definition:
    """The property that names the records merged into one."""
    more: dict[str, Any] = {"fieldType": "checkbox", "externalOptions": True, "label": "Merged record IDs"}
    return _define(obj, MERGED, "enumeration", read_only=True, **more)


def _field(obj: str, name: str, kind: str | tuple[str, ...]) -> Definition:
    if isinstance(kind, str):
        return _define(obj, name, kind)
    options = [
        {"label": value, "value": value, "displayOrder": order, "hidden": False, "description": ""}
        for order, value in enumerate(kind)
    ]
    return _define(obj, name, "enumeration", options=options)


def _define(obj: str, name: str, kind: str, *, read_only: bool = False, **more: Any) -> Definition:
    given = {
        "name": name,
        "label": name.removeprefix("hs_").replace("_", " ").capitalize(),
        "type": kind,
        "fieldType": FIELD_TYPES[kind],
        "groupName": f"{SINGULAR.get(obj, obj)}information",
        "hubspotDefined": obj != "subscriptions" or name.startswith("hs"),
        **more,
    }
    return full_definition(given, DEFINED_AT, read_only=read_only)
