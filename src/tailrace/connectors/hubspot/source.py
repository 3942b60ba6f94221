"""HubSpot as a source: which reader a resource takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from tailrace.connectors.hubspot import links, people, pipelines, properties
from tailrace.connectors.hubspot.api import Api, Record
from tailrace.connectors.hubspot.objects import ObjectReader
from tailrace.connectors.hubspot.offers import ends_of
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.errors import FatalError
from tailrace.records import Checkpoint, Page, Schema

WHOLE = {
    "owners": (people.SCHEMA, people.read),
    "properties": (properties.DEFINITIONS, properties.read),
    "pipelines": (pipelines.SCHEMA, pipelines.read),
}


class HubSpotSource:
    """Reads. `overlap` in seconds is the connection's, where a resource names none."""

    def __init__(self, api: Api, now: Callable[[], datetime], overlap: float) -> None:
        self._api, self._now, self._overlap = api, now, overlap
        self._found: dict[str, dict[str, Record]] = {}

    def schema(self, resource: ResourceSpec) -> Schema:
        if resource.name in WHOLE:
            return WHOLE[resource.name][0]
        if ends_of(resource.name):
            return links.SCHEMA
        place = f"{self._api.http.context.connection}.{resource.name}"
        return properties.schema(resource, self._defined(resource.name, fresh=True), place)

    def read(
        self, resource: ResourceSpec, schema: Schema, position: Mapping[str, Any] | None
    ) -> Iterator[Page | Checkpoint]:
        if resource.name in WHOLE:
            return WHOLE[resource.name][1](self._api, resource, position)
        both = ends_of(resource.name)
        if both is not None:
            return links.read(self._api, resource, both, position)
        return self._reader(resource, schema).read(position)

    def backfill(
        self, resource: ResourceSpec, schema: Schema, first: date, last: date
    ) -> Iterator[Page | Checkpoint]:
        """Records that were modified on these days."""
        if not self._is_object(resource):
            raise FatalError(f"{resource.name}: HubSpot has no days for them", "land it without --from")
        return self._reader(resource, schema).backfill(first, last)

    def census(self, resource: ResourceSpec, schema: Schema) -> Iterator[Page]:
        """Of objects ids and times; what is read whole anyway is read."""
        if self._is_object(resource):
            yield from self._reader(resource, schema).census()
        else:
            yield from (item for item in self.read(resource, schema, None) if isinstance(item, Page))

    def _is_object(self, resource: ResourceSpec) -> bool:
        return resource.name not in WHOLE and ends_of(resource.name) is None

    def _reader(self, resource: ResourceSpec, schema: Schema) -> ObjectReader:
        merges_told = properties.MERGED in self._defined(resource.name)
        return ObjectReader(self._api, resource, schema, self._now, self._overlap, merges_told)

    def _defined(self, obj: str, *, fresh: bool = False) -> dict[str, Record]:
        """The object's properties by name, asked for when the schema is."""
        if fresh or obj not in self._found:
            self._found[obj] = {found["name"]: found for found in self._api.properties(obj)}
        return self._found[obj]
