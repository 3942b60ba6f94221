"""The properties of an object: as the columns of its table, and as a table of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tailrace.connectors.hubspot.api import Api, Record
from tailrace.connectors.hubspot.offers import MODIFIED, STANDARD
from tailrace.connectors.hubspot.whole import chosen, read_whole
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.errors import FatalError, SchemaError, near_miss
from tailrace.records import Checkpoint, Column, Page, Schema, Type

TYPES: dict[str, Type] = {"number": "double", "bool": "bool", "datetime": "timestamp", "date": "date"}
IDENTIFIER = re.compile(r"(_id|company_?id|object_?id|owner_?id|team_?id|user_?id|portal_?id|vid)$")
MERGED = "hs_merged_object_ids"
DEFINITIONS = Schema(
    columns=(
        Column("object"),
        Column("name"),
        Column("label"),
        Column("description"),
        Column("groupName"),
        Column("type"),
        Column("fieldType"),
        Column("options", "json"),
        Column("hasUniqueValue", "bool"),
        Column("calculated", "bool"),
        Column("calculationFormula"),
        Column("hidden", "bool"),
        Column("hubspotDefined", "bool"),
        Column("externalOptions", "bool"),
        Column("dataSensitivity"),
        Column("modificationMetadata", "json"),
        Column("createdAt", "timestamp"),
        Column("updatedAt", "timestamp"),
    ),
    primary_key=("object", "name"),
    cursor_columns=("updatedAt",),
)


def read(api: Api, resource: ResourceSpec, position: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
    """Every definition of the chosen objects, or nothing where they are as they were."""

    def rows(obj: str) -> list[Record]:
        names = DEFINITIONS.names()
        return [{name: {**found, "object": obj}.get(name) for name in names} for found in api.properties(obj)]

    return read_whole(api, resource.name, chosen(resource, STANDARD), rows, position)


def schema(resource: ResourceSpec, found: Mapping[str, Record], place: str) -> Schema:
    """The asked properties (default: all) as typed columns, behind `id`, with the cursor property always among them.

    Those that syncs write come along as far as HubSpot has them.
    """
    cursor = cursor_property(resource.name, found)
    asked = resource.options.get("properties")
    for name in asked or ():
        if name not in found and name != "id":
            raise FatalError(f"{place}: HubSpot has no property {name!r}", near_miss(name, list(found)))
    names = [name for name in (asked or found) if name != "id" or not asked]
    also = dict.fromkeys(name for name in (*resource.also, cursor) if name in found)
    names += [name for name in also if name not in names]
    _refuse_collisions(place, ["id", *names])
    columns = [Column(name, column_type(found[name]), found[name].get("label") or "") for name in names]
    return Schema((Column("id", "text", "HubSpot's record id"), *columns), ("id",), (cursor,))


def cursor_property(obj: str, found: Mapping[str, Any]) -> str:
    """`lastmodifieddate` for contacts, `hs_lastmodifieddate` for every other object that has it."""
    usual = STANDARD[obj].cursor if obj in STANDARD else MODIFIED
    for name in (usual, MODIFIED, "lastmodifieddate"):
        if name in found:
            return name
    raise SchemaError(
        f"HubSpot's object {obj!r} has no property {usual!r} to read changes by", "leave it out"
    )


def column_type(definition: Mapping[str, Any]) -> Type:
    """Ids stay text although HubSpot calls them numbers: a double would round them."""
    if IDENTIFIER.search(definition["name"]):
        return "text"
    return TYPES.get(definition.get("type") or "", "text")


def _refuse_collisions(place: str, names: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other is not name:
            raise SchemaError(
                f"{place}: the properties {other!r} and {name!r} would be one column",
                "list the ones to land under properties:",
            )
