"""When properties were last changed, and whether by a program: HubSpot's property histories, read in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.connectors.hubspot.api import Api
from tailrace.connectors.hubspot.batches import entries, match_key
from tailrace.connectors.hubspot.newest import moment
from tailrace.connectors.hubspot.outcomes import RECORD_ID
from tailrace.connectors.sdk.paging import chunks
from tailrace.connectors.sdk.writing import Edit

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
    more = [] if by_id or match_field in fields else [match_field]
    wanted = {"properties": [*fields, *more], "propertiesWithHistory": list(fields)}
    for some in chunks(list({match_key(key): key for key in keys}.values()), BATCH):
        there = api.found(obj, None if by_id else match_field, some, wanted)
        found |= {key: {name: _edit(record, name) for name in fields} for key, record in there.items()}
    return found


def _edit(record: Mapping[str, Any], name: str) -> Edit:
    """The newest entry is the value that stands; one that is not the record's value tells nothing of its time."""
    told = entries(record.get("propertiesWithHistory") or {}, name)
    history = sorted(
        (entry for entry in told if entry.get("timestamp")),
        key=lambda entry: moment(str(entry["timestamp"])),
        reverse=True,
    )
    value = (record.get("properties") or {}).get(name)
    if not history or not _same(history[0].get("value"), value):
        return Edit(value, None)
    return Edit(
        value,
        moment(str(history[0]["timestamp"])),
        history[0].get("sourceType") in BY_API,
        tuple(entry.get("value") for entry in history[1:]),
    )


def _same(told: Any, value: Any) -> bool:
    """Histories may tell an instant in milliseconds where the property has ISO 8601."""
    if (told or "") == (value or ""):
        return True
    try:
        return bool(told and value) and moment(str(told)) == moment(str(value))
    except ValueError:
        return False
