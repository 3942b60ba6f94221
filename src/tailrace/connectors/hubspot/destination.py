"""HubSpot as a destination: which part of it takes which object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.connectors.hubspot import edits
from tailrace.connectors.hubspot.api import Api
from tailrace.connectors.hubspot.records import RECORD_ID, Records
from tailrace.connectors.sdk.base import NOTHING, Edit, RemoteField, WriteBatch, WriteResult


class HubSpotDestination:
    """Records of any object; memberships and associations have parts of their own."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._records = Records(api)

    def fields(self, obj: str, options: Mapping[str, Any] = NOTHING) -> Mapping[str, RemoteField]:  # noqa: ARG002
        return {
            definition["name"]: _remote_field(obj, definition) for definition in self._api.properties(obj)
        }

    def write(self, batch: WriteBatch) -> list[WriteResult]:
        """One result per row, in the rows' order."""
        return self._records.write(batch)

    def read_fields(
        self,
        obj: str,
        match_field: str | None,
        keys: Sequence[str],
        fields: Sequence[str],
        options: Mapping[str, Any] = NOTHING,  # noqa: ARG002
    ) -> Mapping[str, Mapping[str, Any]]:
        """As the protocol says; unknown keys are absent."""
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
        return edits.read_edits(self._api, obj, match_field, keys, fields)


def _remote_field(obj: str, definition: Mapping[str, Any]) -> RemoteField:
    name = definition["name"]
    meta = definition.get("modificationMetadata") or {}
    fixed = bool(meta.get("readOnlyValue")) or bool(definition.get("calculated"))
    unique = (
        bool(definition.get("hasUniqueValue")) or name == RECORD_ID or (obj == "contacts" and name == "email")
    )
    options = tuple(str(option["value"]) for option in definition.get("options") or ())
    return RemoteField(name, str(definition.get("type") or "string"), not fixed, unique, options)
