"""What `describe` says of an object, as columns and as the list of fields to select."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.errors import FatalError, Unavailable, near_miss
from tailrace.records import Column, Schema, Type

TYPES: dict[str, Type] = {
    "boolean": "bool",
    "int": "bigint",
    "long": "bigint",
    "double": "double",
    "percent": "double",
    "currency": "decimal",
    "date": "date",
    "datetime": "timestamp",
}
NOT_COLUMNS = ("address", "location", "base64")
"""Compound fields, whose parts are fields of their own, and files, which a query does not return."""
DECIMALS = 9
STAMPS = ("SystemModstamp", "LastModifiedDate")
DELETED, MASTER = "IsDeleted", "MasterRecordId"


@dataclass(frozen=True)
class Description:
    """The object's fields by name, and what becomes of its deleted records."""

    name: str
    fields: Mapping[str, Mapping[str, Any]]
    replicateable: bool

    @classmethod
    def of(cls, connection: str, document: Mapping[str, Any]) -> Description:
        """From a describe answer; FatalError where the object cannot be queried, Unavailable for half an answer."""
        name = str(document["name"])
        if document.get("queryable") is False:
            raise FatalError(f"{connection}: {name} cannot be queried", "leave it out")
        told = [field for field in document["fields"] if isinstance(field, Mapping) and field.get("name")]
        fields = {str(field["name"]): field for field in told if field.get("type") not in NOT_COLUMNS}
        if "Id" not in fields or not all(field.get("type") for field in told):
            text = f"{connection}: the answer is no description of {name}: its fields lack Id or types"
            raise Unavailable(text, "run again; if it stays, tell Salesforce")
        return cls(name, fields, bool(document.get("replicateable")))

    @property
    def stamp(self) -> str | None:
        """The field that orders changes: SystemModstamp, which the system's own changes move, too."""
        return next((name for name in STAMPS if name in self.fields), None)

    @property
    def tells_deletes(self) -> bool:
        """Whether queryAll shows deleted records."""
        return DELETED in self.fields

    def selected(self, schema: Schema) -> list[str]:
        """The schema's fields, and those that tell of deletes and merges."""
        names = list(schema.names())
        return names + [name for name in (DELETED, MASTER) if name in self.fields and name not in names]


def schema(connection: str, found: Description, resource: ResourceSpec) -> Schema:
    """The asked fields (default: all) as typed columns; Id first, the stamp always among them.

    Those that syncs write come along as far as the login reads them.
    """
    asked: Sequence[str] = resource.options.get("fields") or tuple(found.fields)
    for name in asked:
        if name not in found.fields:
            raise FatalError(
                f"{connection}.{resource.name}: the login reads no field {name!r}",
                near_miss(name, list(found.fields)),
            )
    also = (name for name in resource.also if name in found.fields)
    names = dict.fromkeys(("Id", *asked, *also, *((found.stamp,) if found.stamp else ())))
    columns = tuple(column(found.fields[name]) for name in names)
    return Schema(columns, ("Id",), tuple(name for name in STAMPS if name in names))


def column(field: Mapping[str, Any]) -> Column:
    """The column of a field; an amount with more than nine decimals is a double."""
    kind: Type = TYPES.get(str(field["type"]), "text")
    if kind == "decimal" and int(field.get("scale") or 0) > DECIMALS:
        kind = "double"
    return Column(str(field["name"]), kind, str(field.get("label") or ""))
