"""HubSpot as a source: which reader a resource takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from tailrace.connectors.hubspot import links, objects, people
from tailrace.connectors.hubspot.api import Api
from tailrace.connectors.hubspot.declaration import ASSOCIATIONS
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.records import Checkpoint, Page, Schema


class HubSpotSource:
    """Reads. `overlap` in seconds is the connection's, where a resource names none."""

    def __init__(self, api: Api, now: Callable[[], datetime], overlap: float) -> None:
        self._api, self._now, self._overlap = api, now, overlap

    def schema(self, resource: ResourceSpec) -> Schema:
        if resource.name in ASSOCIATIONS:
            return links.SCHEMA
        if resource.name == "owners":
            return people.SCHEMA
        return objects.schema(self._api, resource)

    def read(
        self, resource: ResourceSpec, schema: Schema, position: Mapping[str, Any] | None
    ) -> Iterator[Page | Checkpoint]:
        if resource.name in ASSOCIATIONS:
            return links.read(self._api, resource, position)
        if resource.name == "owners":
            return people.read(self._api, resource, position)
        return objects.ObjectReader(self._api, resource, schema, self._now, self._overlap).read(position)
