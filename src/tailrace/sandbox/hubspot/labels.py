"""Kinds of association between two objects: HubSpot's own, and the labels that people define.

A label goes by one type id in both directions here; a labelled association brings the plain one along.
"""

from __future__ import annotations

from typing import Any

from tailrace.sandbox.hubspot.call import Call
from tailrace.sandbox.hubspot.errors import Refusal, invalid
from tailrace.sandbox.hubspot.kinds import KINDS_OF, PRIMARY, category_of
from tailrace.sandbox.hubspot.portal import Portal
from tailrace.sandbox.wire import Response

FIRST_LABEL = 2_001


def list_all(portal: Portal, call: Call) -> Response:
    """GET associations/{from}/{to}/labels: the plain type has the label null."""
    pair = _pair(portal, call)
    found = [*KINDS_OF.get(pair, ()), *portal.labels.get(pair, {})]
    return Response.of(200, {"results": [shown_kind(portal, pair, kind) for kind in found]})


def create(portal: Portal, call: Call) -> Response:
    """POST associations/{from}/{to}/labels: 200 with the new types."""
    pair, given = _pair(portal, call), call.body()
    label, name = given.get("label"), given.get("name")
    if not isinstance(label, str) or not isinstance(name, str) or not label or not name:
        raise invalid("Some required fields were not set: [label, name]")
    if label in portal.labels.get(pair, {}).values():
        raise Refusal(409, "OBJECT_ALREADY_EXISTS", f"An association label named '{label}' already exists.")
    kind = FIRST_LABEL + len({key for found in portal.labels.values() for key in found})
    for one in {pair, pair[::-1]}:
        portal.labels.setdefault(one, {})[kind] = label
    return Response.of(200, {"results": [shown_kind(portal, pair, kind)]})


def shown_kind(portal: Portal, pair: tuple[str, str], kind: int) -> dict[str, Any]:
    """One type as every answer has it."""
    label = PRIMARY.get(kind) or portal.labels.get(pair, {}).get(kind)
    return {"category": category_of(kind), "typeId": kind, "label": label}


def _pair(portal: Portal, call: Call) -> tuple[str, str]:
    return portal.object_type(call.args["from"]), portal.object_type(call.args["to"])
