"""Makes a property that a sync writes and the account has not (vendor-apis.md 1.8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tailrace.connectors.hubspot.api import Api
from tailrace.connectors.sdk.http import plain_message
from tailrace.connectors.sdk.writing import NewField
from tailrace.errors import FatalError, VendorRefused

FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "date": "date",
    "datetime": "date",
    "enumeration": "select",
    "bool": "booleancheckbox",
}
"""`type:` of a new field, and the form field that HubSpot shows for it."""
GROUPS = {"contacts": "contactinformation", "companies": "companyinformation", "deals": "dealinformation"}
NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
YES_OR_NO = (("true", "Yes"), ("false", "No"))
THERE_ALREADY = 409


def create_property(api: Api, obj: str, new: NewField, options: Mapping[str, Any]) -> None:
    """Nothing where the name is taken. VendorRefused in HubSpot's words where it will not have the property."""
    api.place(obj)
    kind = new.type or type_of(new.engine_type)
    choices = YES_OR_NO if kind == "bool" else tuple((value, value) for value in new.options)
    if kind == "enumeration" and not choices:
        fix = f"give {new.name} a `map:` to HubSpot's words, or another type"
        raise FatalError(f"the choices of the new field {new.name} are not known", fix)
    body = {
        "name": new.name,
        "label": new.label,
        "type": kind,
        "fieldType": FIELD_TYPES[kind],
        "groupName": options.get("property_group") or GROUPS.get(obj) or _usual_group(api, obj),
        "options": [
            {"value": value, "label": label, "displayOrder": order, "hidden": False}
            for order, (value, label) in enumerate(choices)
        ],
    }
    path = api.path("properties", api.objects(obj).rsplit("/", 1)[1])
    answer = api.http.request("POST", path, json=body, accept=(400, THERE_ALREADY))
    if answer.status == 400:
        said = api.http.scrub(plain_message(answer)) or "it gives no reason"
        what = f"{api.http.context.connection}: HubSpot does not make the field {new.name} of {obj} ({said})"
        raise VendorRefused(what, "rename it, or make it in HubSpot")


def type_of(engine_type: str) -> str:
    """HubSpot's type for a column of the warehouse; text for whatever is neither number, time nor yes and no."""
    kind = engine_type.upper()
    if kind == "BOOLEAN":
        return "bool"
    if kind in (*NUMBERS, "DOUBLE", "FLOAT", "REAL") or kind.startswith("DECIMAL"):
        return "number"
    if kind == "DATE":
        return "date"
    return "datetime" if kind.startswith("TIMESTAMP") else "string"


def _usual_group(api: Api, obj: str) -> str:
    """The group that most of a custom object's own properties are in."""
    groups = Counter(
        str(found["groupName"])
        for found in api.properties(obj)
        if found.get("groupName") and not found.get("hubspotDefined")
    )
    if not groups:
        fix = "name one: `options: {property_group: ...}`"
        raise FatalError(f"the property groups of {obj} are not known", fix)
    return groups.most_common(1)[0][0]
