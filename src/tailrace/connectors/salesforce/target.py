"""An object as a destination: the fields that its description says can be written, matched on and linked by."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.salesforce.api import Api
from tailrace.connectors.salesforce.values import Room
from tailrace.connectors.sdk.writing import Link, RemoteField
from tailrace.errors import FatalError, near_miss

RECORD_ID = "Id"
LIMITED_TEXT = ("string", "textarea", "email", "phone", "url", "encryptedstring", "combobox")
BINARY = ("double", "percent", "currency")
Definition = Mapping[str, Any]


@dataclass(frozen=True)
class Lookup:
    """How a record names another one: the field that holds its id, and the other's external id beside it.

    `relationship` leads to the other record; `typed`: several objects may stand there, so its type is named, too.
    """

    field: str
    relationship: str
    obj: str
    match_field: str
    kind: str
    typed: bool
    room: Room


class Target:
    """One object's description; field names as Salesforce spells them."""

    def __init__(self, connection: str, document: Mapping[str, Any]) -> None:
        self.connection, self.name = connection, str(document["name"])
        self.fields: dict[str, Definition] = {
            str(one["name"]): one
            for one in document["fields"]
            if isinstance(one, Mapping) and one.get("name")
        }

    def remote_fields(self) -> dict[str, RemoteField]:
        """As `doctor` and `plan` compare them with the mapping."""
        return {name: _remote_field(name, found) for name, found in self.fields.items()}

    def kind(self, name: str) -> str:
        """The type of a field; "" of one that the description does not have."""
        return str(self.fields.get(name, {}).get("type") or "")

    def room(self, name: str) -> Room:
        """How many digits a number field has; nothing of a field whose description does not say."""
        found = self.fields.get(name, {})
        kind = found.get("type")
        if kind == "int":
            return Room(int(found.get("digits") or 0), 0, binary=False)
        scale = int(found.get("scale") or 0)
        precision = int(found.get("precision") or 0)
        return Room(max(precision - scale, 0), scale, binary=kind in BINARY)

    def match(self, name: str) -> Definition:
        """The field that rows are matched on; FatalError where there is none."""
        found = self.fields.get(name)
        if found is None:
            raise FatalError(
                f"{self.connection}: {self.name} has no field {name} to match on",
                near_miss(name, list(self.fields)),
            )
        return found

    def check_upsert(self, name: str) -> None:
        """FatalError for a field that no upsert can match on: Salesforce takes external ids alone (vendor-apis.md 2.4)."""
        if name != RECORD_ID and self.match(name).get("externalId"):
            return
        external = [field for field, found in self.fields.items() if found.get("externalId")]
        known = f"match on one of: {', '.join(external)}" if external else "make an external id field"
        raise FatalError(
            f"{self.connection}: {self.name}.{name} is no external id, so nothing can be upserted by it",
            f"{known}; or write mode: update",
        )

    def lookup(self, link: Link, other: Target) -> Lookup:
        """The lookup field of an association; FatalError where there is none, or several and no label."""
        found = {
            name: one
            for name, one in self.fields.items()
            if link.object in (one.get("referenceTo") or ())
            and (one.get("createable") or one.get("updateable"))
        }
        if link.label:
            found = {name: one for name, one in found.items() if link.label in _names(one)}
        if len(found) != 1:
            raise self._no_lookup(link, found)
        name, one = next(iter(found.items()))
        if link.match_field != RECORD_ID and not other.match(link.match_field).get("externalId"):
            raise FatalError(
                f"{self.connection}: {other.name}.{link.match_field} is no external id, so no record can be linked by it",
                "match the association on an external id or on Id",
            )
        typed = len(one.get("referenceTo") or ()) > 1
        relationship = str(one.get("relationshipName") or "")
        kind, room = other.kind(link.match_field), other.room(link.match_field)
        return Lookup(name, relationship, other.name, link.match_field, kind, typed, room)

    def _no_lookup(self, link: Link, found: Mapping[str, Definition]) -> FatalError:
        if found:
            what = f"{self.name} has several lookups to {link.object}: {', '.join(found)}"
            return FatalError(f"{self.connection}: {what}", f"name one: `label: {next(iter(found))}`")
        labelled = f" named {link.label}" if link.label else ""
        what = f"{self.name} has no lookup{labelled} to {link.object} that can be written"
        lookups = [name for name, one in self.fields.items() if one.get("referenceTo")]
        close = difflib.get_close_matches(link.label or link.object, lookups, 1, 0.6)
        return FatalError(f"{self.connection}: {what}", f"did you mean {close[0]}?" if close else "remove it")


class Targets:
    """Descriptions, asked for once each."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[str, Target] = {}

    def fresh(self, obj: str) -> Target:
        """Asked anew: fields come and go between runs."""
        self._known[obj] = Target(self._api.connection, self._api.describe(obj))
        return self._known[obj]

    def of(self, obj: str) -> Target:
        return self._known.get(obj) or self.fresh(obj)


def _names(one: Definition) -> Sequence[str]:
    return [str(one.get(key) or "") for key in ("name", "relationshipName", "label")]


def _remote_field(name: str, found: Definition) -> RemoteField:
    kind = str(found.get("type") or "string")
    unique = name == RECORD_ID or any(found.get(key) for key in ("externalId", "idLookup", "unique"))
    values = found.get("picklistValues") or [] if found.get("restrictedPicklist") else []
    return RemoteField(
        name,
        kind,
        bool(found.get("createable") or found.get("updateable")),
        bool(unique),
        tuple(str(value["value"]) for value in values if value.get("active", True)),
        many=kind == "multipicklist",
        longest=int(found.get("length") or 0) if kind in LIMITED_TEXT else 0,
        upserts=bool(found.get("externalId")) and name != RECORD_ID,
    )
