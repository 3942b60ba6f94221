"""Property definitions and groups of one object type."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from tailrace.sandbox.hubspot.values import inferred_type

Definition = dict[str, Any]
SAMPLE = 50
READ_ONLY = ("hs_object_id", "lastmodifieddate", "hs_lastmodifieddate", "hs_merged_object_ids")
FIELD_TYPES = {
    "bool": "booleancheckbox",
    "number": "number",
    "date": "date",
    "datetime": "date",
    "enumeration": "select",
    "phone_number": "phonenumber",
    "string": "text",
}


class Schema:
    """What an object type's properties are; the definitions given are copied."""

    def __init__(
        self,
        definitions: Iterable[Definition],
        groups: Iterable[dict[str, Any]],
        default_group: str,
        made_at: str,
    ) -> None:
        self.properties: dict[str, Definition] = {item["name"]: copy.deepcopy(item) for item in definitions}
        self.groups: dict[str, dict[str, Any]] = {item["name"]: dict(item) for item in groups}
        self.default_group = default_group
        self.groups.setdefault(
            default_group, {"name": default_group, "label": default_group, "archived": False}
        )
        self._made_at = made_at

    def live(self, name: str) -> Definition | None:
        """A definition that is not archived."""
        definition = self.properties.get(name)
        return None if definition is None or definition.get("archived") else definition

    def is_unique(self, name: str) -> bool:
        """Whether records can be addressed by this property."""
        definition = self.live(name)
        return definition is not None and bool(definition.get("hasUniqueValue"))

    def names_of_type(self, kind: str) -> list[str]:
        """The properties of one type."""
        return [name for name, item in self.properties.items() if item["type"] == kind]

    def learn(self, records: list[dict[str, Any]]) -> None:
        """Define the properties that occur in records and are not defined; their types follow from the values."""
        samples: dict[str, list[Any]] = {}
        known = self.properties.keys()
        for record in records:
            for name in record["properties"].keys() - known:
                values = samples.setdefault(name, [])
                value = record["properties"][name]
                if value not in (None, "") and len(values) < SAMPLE:
                    values.append(value)
        for name in sorted(samples):
            self.properties[name] = self._guess(name, inferred_type(samples[name]))

    def _guess(self, name: str, kind: str) -> Definition:
        if name == "hs_object_id":
            kind = "number"
        return full_definition(
            {
                "name": name,
                "label": name,
                "type": kind,
                "fieldType": FIELD_TYPES[kind],
                "groupName": self.default_group,
                "hasUniqueValue": name in ("email", "hs_object_id"),
                "hubspotDefined": name.startswith("hs_") or name in READ_ONLY,
            },
            self._made_at,
            read_only=name in READ_ONLY,
        )


def full_definition(given: dict[str, Any], now: str, read_only: bool = False) -> Definition:
    """A definition with every field that HubSpot returns; what is given wins."""
    custom = not given.get("hubspotDefined", False)
    blank: Definition = {
        "description": "",
        "options": [],
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": False,
        "hasUniqueValue": False,
        "hidden": False,
        "formField": not read_only,
        "dataSensitivity": "non_sensitive",
        "createdAt": now,
        "updatedAt": now,
        "archived": False,
        "modificationMetadata": {
            "archivable": custom,
            "readOnlyDefinition": not custom,
            "readOnlyOptions": not custom,
            "readOnlyValue": read_only,
        },
    }
    return {**blank, **given}


def is_read_only(definition: Definition) -> bool:
    """Whether the API refuses to write values of this property."""
    metadata = definition.get("modificationMetadata") or {}
    return bool(metadata.get("readOnlyValue") or definition.get("calculated"))
