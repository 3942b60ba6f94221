"""When properties were last changed, and whether by a program: HubSpot's property histories, read in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tailrace.connectors.hubspot.api import Api
from tailrace.connectors.hubspot.newest import moment
from tailrace.connectors.hubspot.records import RECORD_ID, match_key
from tailrace.connectors.sdk.base import Edit
from tailrace.connectors.sdk.paging import chunks

BATCH = 50
"""Inputs of a batch read with histories (vendor-apis.md 1.7)."""
BY_API = frozenset({"API", "INTEGRATION"})
"""`sourceType` of what programs write; people, imports, forms and workflows have others."""


def read_edits(
    api: Api, obj: str, match_field: str | None, keys: Sequence[str], fields: Sequence[str]
) -> Mapping[str, Mapping[str, Edit]]:
    """Each field's value, time and history, by match key or record id, both trimmed and lower-cased; unknown keys are absent."""
    by_id = match_field in (None, RECORD_ID)
    found: dict[str, Mapping[str, Edit]] = {}
    for some in chunks(list({match_key(key): key for key in keys}.values()), BATCH):
        for record in _records(api, obj, None if by_id else match_field, some, fields):
            key = record["id"] if by_id else (record.get("properties") or {}).get(match_field)
            if key is not None:
                found[match_key(key)] = {name: _edit(record, name) for name in fields}
    return found


def _records(
    api: Api, obj: str, id_property: str | None, keys: Sequence[str], fields: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    wanted = [*fields, *([id_property] if id_property and id_property not in fields else [])]
    body: dict[str, Any] = {
        "inputs": [{"id": str(key)} for key in keys],
        "properties": wanted,
        "propertiesWithHistory": list(fields),
    }
    if id_property:
        body["idProperty"] = id_property
    document = api.batch(obj, "read", body, retry=True, accept=(404,)).json() or {}
    yield from document.get("results") or []


def _edit(record: Mapping[str, Any], name: str) -> Edit:
    """The newest entry is the value that stands; one that is not the record's value tells nothing of its time."""
    told = (record.get("propertiesWithHistory") or {}).get(name) or []
    entries = sorted(
        (entry for entry in told if entry.get("timestamp")),
        key=lambda entry: moment(str(entry["timestamp"])),
        reverse=True,
    )
    value = (record.get("properties") or {}).get(name)
    if not entries or not _same(entries[0].get("value"), value):
        return Edit(value, None)
    return Edit(
        value,
        moment(str(entries[0]["timestamp"])),
        entries[0].get("sourceType") in BY_API,
        tuple(entry.get("value") for entry in entries[1:]),
    )


def _same(told: Any, value: Any) -> bool:
    """Histories may tell an instant in milliseconds where the property has ISO 8601."""
    if (told or "") == (value or ""):
        return True
    try:
        return bool(told and value) and moment(str(told)) == moment(str(value))
    except ValueError:
        return False
