"""Records of other objects by one of their properties: whom an association, or a list, is to name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tailrace.connectors.hubspot.api import BATCH_READ, Api, Record
from tailrace.connectors.hubspot.batches import match_key
from tailrace.connectors.hubspot.outcomes import RECORD_ID
from tailrace.connectors.sdk.paging import chunks
from tailrace.errors import FatalError, near_miss

ALWAYS_UNIQUE = {("contacts", "email")}
MOST_KEPT = 200_000
"""Ids that one delivery remembers: many rows name the same company."""


class Finder:
    """Remembers what it found, never what it did not find. One request for 100 keys that it does not know yet."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[tuple[str, str, str], tuple[str, ...]] = {}
        self._unique: dict[tuple[str, str], bool] = {}

    def ids(self, obj: str, match_field: str, keys: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Record ids by key, as `match_key` makes them; keys that nobody has are absent, several ids mean that it is not unique.

        FatalError where the object has no such property.
        """
        wanted = dict.fromkeys(match_key(key) for key in keys)
        new = [key for key in wanted if (obj, match_field, key) not in self._known]
        found: dict[str, tuple[str, ...]] = {}
        for some in chunks(new, BATCH_READ):
            for key, record_id in self._asked(obj, match_field, some):
                found[key] = tuple(dict.fromkeys((*found.get(key, ()), record_id)))
        if len(self._known) + len(found) <= MOST_KEPT:
            self._known.update({(obj, match_field, key): ids for key, ids in found.items()})
        before = {key: self._known.get((obj, match_field, key)) for key in wanted}
        return {**{key: ids for key, ids in before.items() if ids}, **found}

    def forget(self) -> None:
        """What was found may be gone: somebody has merged or deleted a record meanwhile."""
        self._known.clear()

    def _asked(self, obj: str, match_field: str, keys: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Pairs of key and record id. Where values may repeat (a company's domain), only the search can tell."""
        self._api.place(obj)
        if match_field == RECORD_ID or self._is_unique(obj, match_field):
            yield from self._read(obj, match_field, keys)
            return
        for records in self._api.holding(obj, match_field, keys):
            yield from ((match_key(_value(record, match_field)), str(record["id"])) for record in records)

    def _read(self, obj: str, match_field: str, keys: Sequence[str]) -> Iterator[tuple[str, str]]:
        id_property = None if match_field == RECORD_ID else match_field
        found = self._api.found(obj, id_property, keys, {"properties": [match_field]})
        yield from ((key, str(record["id"])) for key, record in found.items() if not record.get("archived"))

    def _is_unique(self, obj: str, match_field: str) -> bool:
        if (obj, match_field) in ALWAYS_UNIQUE:
            return True
        if (obj, match_field) not in self._unique:
            known = {found["name"]: bool(found.get("hasUniqueValue")) for found in self._api.properties(obj)}
            if match_field not in known:
                what = f"{obj} of {self._api.http.context.connection} have no field {match_field}"
                raise FatalError(what, near_miss(match_field, list(known)))
            self._unique[obj, match_field] = known[match_field]
        return self._unique[obj, match_field]


def _value(record: Record, name: str) -> str:
    return str((record.get("properties") or {}).get(name) or "")
