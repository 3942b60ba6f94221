"""Which scope a call needs (docs: each endpoint's page; tickets, e-commerce and sales-email-read keep their old names)."""

from __future__ import annotations

from tailrace.sandbox.hubspot.call import Call
from tailrace.sandbox.hubspot.errors import Refusal
from tailrace.sandbox.hubspot.kinds import ENGAGEMENTS
from tailrace.sandbox.hubspot.portal import Portal

READS = ("search", "batch/read")
OLD_NAMES = {"tickets": "tickets", "products": "e-commerce", "line_items": "e-commerce"}
OWN = ("contacts", "companies", "deals")
ALL = (
    *(
        f"crm.{area}.{obj}.{verb}"
        for area in ("objects", "schemas")
        for obj in (*OWN, "custom")
        for verb in ("read", "write")
    ),
    *dict.fromkeys(OLD_NAMES.values()),
    "sales-email-read",
    "crm.objects.owners.read",
    "crm.lists.read",
    "crm.lists.write",
    "oauth",
)


def check_scopes(granted: frozenset[str], portal: Portal, call: Call, area: str) -> None:
    """403 MISSING_SCOPES, naming what is missing; `area` is the route's first segment."""
    missing = [scope for scope in _needed(portal, call, area) if scope not in granted]
    if missing:
        message = (
            "This app hasn't been granted all required scopes to make this call."
            " Read more about required scopes here: https://developers.hubspot.com/scopes."
        )
        error = {
            "message": "One or more of the following scopes are required.",
            "context": {"requiredGranularScopes": missing},
        }
        raise Refusal(403, "MISSING_SCOPES", message, [error])


def _needed(portal: Portal, call: Call, area: str) -> list[str]:
    if area == "owners":
        return ["crm.objects.owners.read"]
    if area == "schemas":
        return ["crm.schemas.custom.read"]
    if area == "lists":
        return [f"crm.lists.{'read' if call.request.method == 'GET' else 'write'}"]
    names = [call.args[name] for name in ("o", "from", "to") if name in call.args]
    reads = call.request.method == "GET" or call.request.path.endswith(READS)
    family = "schemas" if area == "properties" else "objects"
    return [_scope(portal.object_type(name), family, "read" if reads else "write") for name in names]


def _scope(obj: str, family: str, verb: str) -> str:
    if obj in OLD_NAMES:
        return OLD_NAMES[obj]
    if obj == "emails" and verb == "read" and family == "objects":
        return "sales-email-read"
    if obj in ENGAGEMENTS:
        return f"crm.objects.contacts.{verb}"
    return f"crm.{family}.{obj if obj in OWN else 'custom'}.{verb}"
