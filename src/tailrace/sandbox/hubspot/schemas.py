"""Custom objects as the account defines them: read only here."""

from __future__ import annotations

from typing import Any

from tailrace.sandbox.hubspot.call import Call
from tailrace.sandbox.hubspot.definitions import DEFINED_AT
from tailrace.sandbox.hubspot.errors import not_found
from tailrace.sandbox.hubspot.kinds import DEFAULT_TYPE, TYPE_IDS
from tailrace.sandbox.hubspot.portal import Portal, bare
from tailrace.sandbox.wire import Response


def list_all(portal: Portal, call: Call) -> Response:
    """GET schemas: the custom objects, without paging; none is ever archived here."""
    found = [] if call.flag("archived") else [_schema(portal, obj) for obj in portal.custom]
    return Response.of(200, {"results": found})


def read(portal: Portal, call: Call) -> Response:
    """GET schemas/{o}, by type id or qualified name."""
    obj = portal.object_type(call.args["o"])
    if obj not in portal.custom:
        raise not_found(f"No custom object {call.args['o']}")
    return Response.of(200, _schema(portal, obj))


def _schema(portal: Portal, obj: str) -> dict[str, Any]:
    names = [name for name, found in portal.schemas[obj].properties.items() if not found.get("archived")]
    own = portal.own_properties(obj)
    type_id = portal.type_id(obj)
    return {
        "id": type_id.removeprefix("2-"),
        "objectTypeId": type_id,
        "name": bare(obj),
        "fullyQualifiedName": portal.qualified(obj),
        "labels": {"singular": bare(obj).removesuffix("s").capitalize(), "plural": bare(obj).capitalize()},
        "primaryDisplayProperty": own[0] if own else "hs_object_id",
        "secondaryDisplayProperties": own[1:2],
        "requiredProperties": own[:1],
        "searchableProperties": own[:1],
        "properties": [portal.schemas[obj].properties[name] for name in names],
        "associations": _associations(portal, obj),
        "allowsSensitiveProperties": False,
        "archived": False,
        "createdAt": DEFINED_AT,
        "updatedAt": DEFINED_AT,
    }


def _associations(portal: Portal, obj: str) -> list[dict[str, Any]]:
    return [
        {
            "id": str(kind),
            "name": f"{bare(one)}_to_{other}",
            "fromObjectTypeId": portal.type_id(one),
            "toObjectTypeId": TYPE_IDS.get(other, other),
            "createdAt": DEFINED_AT,
            "updatedAt": DEFINED_AT,
        }
        for (one, other), kind in DEFAULT_TYPE.items()
        if one == obj
    ]
