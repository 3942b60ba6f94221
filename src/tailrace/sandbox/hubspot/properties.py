"""Property definitions and groups (vendor-apis 1.8)."""

from __future__ import annotations

import re
from typing import Any

from tailrace.sandbox.clock import iso
from tailrace.sandbox.hubspot.call import Call, batch_answer, inputs_of
from tailrace.sandbox.hubspot.errors import Refusal, invalid, not_found
from tailrace.sandbox.hubspot.portal import Portal
from tailrace.sandbox.hubspot.schema import FIELD_TYPES, Definition, Schema, full_definition
from tailrace.sandbox.wire import Response

MOST_INPUTS = 100
REQUIRED = ("name", "label", "type", "fieldType", "groupName")
FIELDS = (
    "text",
    "textarea",
    "number",
    "date",
    "select",
    "radio",
    "checkbox",
    "booleancheckbox",
    "file",
    "html",
    "phonenumber",
    "calculation_equation",
)
CHANGEABLE = (
    "label",
    "type",
    "fieldType",
    "groupName",
    "description",
    "options",
    "displayOrder",
    "hidden",
    "formField",
    "calculationFormula",
    "showCurrencySymbol",
    "numberDisplayHint",
)
NAME = re.compile(r"[a-z][a-z0-9_]*")


def list_all(portal: Portal, call: Call) -> Response:
    """GET properties/{o}: every definition, without paging."""
    schema = _schema(portal, call)
    archived = call.flag("archived")
    found = [item for item in schema.properties.values() if item.get("archived", False) == archived]
    return Response.of(200, {"results": found})


def read(portal: Portal, call: Call) -> Response:
    """GET properties/{o}/{name}."""
    return Response.of(200, _definition(_schema(portal, call), call.args["name"], call.flag("archived")))


def create(portal: Portal, call: Call) -> Response:
    """POST properties/{o}: 201, 409 where the name is taken."""
    schema = _schema(portal, call)
    definition = _new_definition(portal, schema, call.body())
    schema.properties[definition["name"]] = definition
    return Response.of(201, definition)


def update(portal: Portal, call: Call) -> Response:
    """PATCH properties/{o}/{name}."""
    schema = _schema(portal, call)
    before = _definition(schema, call.args["name"])
    if (before.get("modificationMetadata") or {}).get("readOnlyDefinition"):
        raise invalid(f"Property {before['name']} is defined by HubSpot and cannot be changed")
    changes = {key: value for key, value in call.body().items() if key in CHANGEABLE}
    after = {**before, **changes, "updatedAt": iso(portal.clock.stamp())}
    _check_definition(schema, after)
    schema.properties[before["name"]] = after
    return Response.of(200, after)


def archive(portal: Portal, call: Call) -> Response:
    """DELETE properties/{o}/{name}: 204."""
    schema = _schema(portal, call)
    _archive(portal, schema, call.args["name"])
    return Response(204)


def batch_read(portal: Portal, call: Call) -> Response:
    """POST properties/{o}/batch/read."""
    schema = _schema(portal, call)
    document = call.body()
    archived = document.get("archived") is True
    names = [str(entry.get("name", "")) for entry in inputs_of(document, MOST_INPUTS)]
    found, errors = [], []
    for name in names:
        definition = schema.properties.get(name)
        if definition is None or definition.get("archived", False) != archived:
            errors.append(_unknown(name).as_row({"name": [name]}))
        else:
            found.append(definition)
    return batch_answer(portal, 200, found, errors)


def batch_create(portal: Portal, call: Call) -> Response:
    """POST properties/{o}/batch/create: 201, or 207 where some are refused."""
    schema = _schema(portal, call)
    made, errors = [], []
    for entry in inputs_of(call.body(), MOST_INPUTS):
        try:
            definition = _new_definition(portal, schema, entry)
        except Refusal as refusal:
            errors.append(refusal.as_row({"name": [str(entry.get("name", ""))]}))
            continue
        schema.properties[definition["name"]] = definition
        made.append(definition)
    return batch_answer(portal, 201, made, errors)


def batch_archive(portal: Portal, call: Call) -> Response:
    """POST properties/{o}/batch/archive: 204."""
    schema = _schema(portal, call)
    for entry in inputs_of(call.body(), MOST_INPUTS):
        name = str(entry.get("name", ""))
        if schema.live(name):
            _archive(portal, schema, name)
    return Response(204)


def list_groups(portal: Portal, call: Call) -> Response:
    """GET properties/{o}/groups."""
    return Response.of(200, {"results": list(_schema(portal, call).groups.values())})


def read_group(portal: Portal, call: Call) -> Response:
    """GET properties/{o}/groups/{name}."""
    return Response.of(200, _group(_schema(portal, call), call.args["name"]))


def create_group(portal: Portal, call: Call) -> Response:
    """POST properties/{o}/groups: 201."""
    schema, given = _schema(portal, call), call.body()
    name, label = given.get("name"), given.get("label")
    if not isinstance(name, str) or not isinstance(label, str):
        raise invalid("Some required fields were not set: [name, label]")
    if name in schema.groups:
        raise Refusal(409, "OBJECT_ALREADY_EXISTS", f"A property group named '{name}' already exists.")
    group = {"name": name, "label": label, "displayOrder": given.get("displayOrder", -1), "archived": False}
    schema.groups[name] = group
    return Response.of(201, group)


def update_group(portal: Portal, call: Call) -> Response:
    """PATCH properties/{o}/groups/{name}."""
    schema = _schema(portal, call)
    changes = {key: value for key, value in call.body().items() if key in ("label", "displayOrder")}
    group = {**_group(schema, call.args["name"]), **changes}
    schema.groups[group["name"]] = group
    return Response.of(200, group)


def archive_group(portal: Portal, call: Call) -> Response:
    """DELETE properties/{o}/groups/{name}: 204; refused while a property is in it."""
    schema = _schema(portal, call)
    name = _group(schema, call.args["name"])["name"]
    members = [item["name"] for item in schema.properties.values() if item["groupName"] == name]
    if members:
        raise invalid(f"Group {name} still has properties: {', '.join(members)}")
    del schema.groups[name]
    return Response(204)


def _schema(portal: Portal, call: Call) -> Schema:
    return portal.schemas[portal.object_type(call.args["o"])]


def _definition(schema: Schema, name: str, archived: bool = False) -> Definition:
    definition = schema.properties.get(name)
    if definition is None or definition.get("archived", False) != archived:
        raise _unknown(name)
    return definition


def _group(schema: Schema, name: str) -> dict[str, Any]:
    if name not in schema.groups:
        raise not_found(f"Property group {name} does not exist")
    return schema.groups[name]


def _unknown(name: str) -> Refusal:
    return not_found(f'Property "{name}" does not exist')


def _new_definition(portal: Portal, schema: Schema, given: dict[str, Any]) -> Definition:
    missing = [key for key in REQUIRED if not isinstance(given.get(key), str) or not given[key]]
    if missing:
        raise invalid(f"Some required fields were not set: [{', '.join(missing)}]")
    if not NAME.fullmatch(given["name"]):
        raise invalid(f"Property name {given['name']!r} must be lower-case letters, digits and underscores")
    if schema.live(given["name"]):
        raise Refusal(409, "OBJECT_ALREADY_EXISTS", f"A property named '{given['name']}' already exists.")
    definition = full_definition(
        {**given, "hubspotDefined": False, "archived": False}, iso(portal.clock.stamp())
    )
    _check_definition(schema, definition)
    return definition


def _check_definition(schema: Schema, definition: Definition) -> None:
    if definition["type"] not in FIELD_TYPES:
        raise invalid(f"{definition['type']} is not a valid type; valid: {', '.join(sorted(FIELD_TYPES))}")
    if definition["fieldType"] not in FIELDS:
        raise invalid(f"{definition['fieldType']} is not a valid fieldType; valid: {', '.join(FIELDS)}")
    if definition["groupName"] not in schema.groups:
        raise invalid(f"Property group {definition['groupName']} does not exist")
    if not isinstance(definition["options"], list):
        raise invalid("options must be a list")
    definition["options"] = [_option(order, option) for order, option in enumerate(definition["options"])]


def _option(order: int, option: Any) -> dict[str, Any]:
    if not isinstance(option, dict) or not {"label", "value"} <= option.keys():
        raise invalid("an option needs a label and a value")
    return {"hidden": False, "displayOrder": order, "description": "", **option}


def _archive(portal: Portal, schema: Schema, name: str) -> None:
    definition = _definition(schema, name)
    if not (definition.get("modificationMetadata") or {}).get("archivable", True):
        raise invalid(f"Property {name} is defined by HubSpot and cannot be archived")
    moment = iso(portal.clock.stamp())
    schema.properties[name] = {**definition, "archived": True, "archivedAt": moment}
