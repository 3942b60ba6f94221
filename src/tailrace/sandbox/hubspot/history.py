"""The values that properties had, as writes leave them behind."""

from __future__ import annotations

from typing import Any

from tailrace.sandbox.store import Record

API, CRM_UI = "API", "CRM_UI"
Change = tuple[str, str, str, str]


class Histories:
    """Per record a flat list of (property, value, time, source): an entry a write, and tens of thousands of records."""

    def __init__(self) -> None:
        self._changes: dict[tuple[str, str], list[Change]] = {}

    def add(self, obj: str, before: Record | None, after: Record, names: list[str], source: str) -> None:
        """Note the new values of some properties; the first time with what stood there before."""
        kept = self._changes.setdefault((obj, after["id"]), [])
        known = {change[0] for change in kept}
        for name in names:
            earlier = None if before is None or name in known else before["properties"].get(name)
            if before is not None and earlier is not None:
                kept.append((name, earlier, before["updatedAt"], CRM_UI))
            kept.append((name, after["properties"].get(name, ""), after["updatedAt"], source))

    def of(self, obj: str, record: Record, name: str) -> list[dict[str, Any]]:
        """One property's values in HubSpot's shape, newest first."""
        changes = [change for change in self._changes.get((obj, record["id"]), ()) if change[0] == name]
        value = record["properties"].get(name)
        if not changes and value is not None:
            changes = [(name, value, record["updatedAt"], CRM_UI)]
        return [_version(change) for change in reversed(changes)]

    def forget(self, obj: str, key: str) -> None:
        """Drop one record's."""
        self._changes.pop((obj, key), None)

    def forget_all(self, obj: str) -> None:
        """Drop an object type's."""
        self._changes = {key: value for key, value in self._changes.items() if key[0] != obj}


def _version(change: Change) -> dict[str, Any]:
    _, value, moment, source = change
    source_id = "sandbox-app" if source == API else "userId:1001"
    return {"value": value, "timestamp": moment, "sourceType": source, "sourceId": source_id}
