"""HubSpot as a destination: which part of it takes which object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.connectors.hubspot import edits
from tailrace.connectors.hubspot.api import Api
from tailrace.connectors.hubspot.associating import WITHOUT_LINKS, Associating
from tailrace.connectors.hubspot.creating import create_property
from tailrace.connectors.hubspot.declaration import LIST_MEMBERS
from tailrace.connectors.hubspot.finder import ALWAYS_UNIQUE, Finder
from tailrace.connectors.hubspot.memberships import Memberships
from tailrace.connectors.hubspot.outcomes import RECORD_ID
from tailrace.connectors.hubspot.records import Records
from tailrace.connectors.sdk.writing import (
    NOTHING,
    Edit,
    NewField,
    RemoteField,
    TextBatch,
    WriteBatch,
    WriteResult,
    Written,
)


class HubSpotDestination:
    """Records of any object, with or without associations; members of lists."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._records = Records(api)
        finder = Finder(api)
        self._associating = Associating(api, self._records, finder)
        self._memberships = Memberships(api, finder)

    def fields(self, obj: str, options: Mapping[str, Any] = NOTHING) -> Mapping[str, RemoteField]:
        """What HubSpot says of an object's properties; a list has none, but is looked at: FatalError where it cannot be written."""
        if obj == LIST_MEMBERS:
            self._memberships.check(options)
            return {}
        return {found["name"]: _remote_field(obj, found) for found in self._api.properties(obj)}

    def create_field(self, obj: str, new: NewField, options: Mapping[str, Any] = NOTHING) -> None:
        """Makes a property; nothing where it is there already."""
        create_property(self._api, obj, new, options)

    def write(self, batch: WriteBatch) -> list[WriteResult]:
        """One result per row, in the rows' order."""
        if batch.object == LIST_MEMBERS:
            return self._memberships.write(batch)
        self._api.place(batch.object)
        if batch.operation not in WITHOUT_LINKS and any(row.links for row in batch.rows):
            return self._associating.write(batch)
        return self._records.write(batch)

    def takes_texts(self, obj: str, options: Mapping[str, Any] = NOTHING) -> bool:  # noqa: ARG002
        """Every property's value is a text; a list's members have none."""
        return obj != LIST_MEMBERS

    def write_texts(self, batch: TextBatch) -> Written:
        """Records alone; rows with associations never come so."""
        self._api.place(batch.object)
        return self._records.write_texts(batch)

    def read_fields(
        self,
        obj: str,
        match_field: str | None,
        keys: Sequence[str],
        fields: Sequence[str],
        options: Mapping[str, Any] = NOTHING,  # noqa: ARG002
    ) -> Mapping[str, Mapping[str, Any]]:
        """As the protocol says; unknown keys are absent. Nothing of a list: its members have no values."""
        if obj == LIST_MEMBERS:
            return {}
        self._api.place(obj)
        return self._records.read_fields(obj, match_field, keys, fields)

    def read_edits(
        self,
        obj: str,
        match_field: str | None,
        keys: Sequence[str],
        fields: Sequence[str],
        options: Mapping[str, Any] = NOTHING,  # noqa: ARG002
    ) -> Mapping[str, Mapping[str, Edit]]:
        """As the protocol says, from the properties' histories."""
        self._api.place(obj)
        return edits.read_edits(self._api, obj, match_field, keys, fields)


def _remote_field(obj: str, definition: Mapping[str, Any]) -> RemoteField:
    """A hidden option of an enumeration is taken all the same; options that lie outside of HubSpot are not known."""
    name, kind = definition["name"], str(definition.get("type") or "string")
    meta = definition.get("modificationMetadata") or {}
    fixed = bool(meta.get("readOnlyValue")) or bool(definition.get("calculated"))
    unique = bool(definition.get("hasUniqueValue")) or name == RECORD_ID or (obj, name) in ALWAYS_UNIQUE
    listed = kind == "enumeration" and not definition.get("externalOptions")
    options = tuple(str(option["value"]) for option in definition.get("options") or ()) if listed else ()
    return RemoteField(name, kind, not fixed, unique, options, definition.get("fieldType") == "checkbox")
