"""Salesforce as a source: any sObject, described by the org itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from tailrace.connectors.salesforce import fields
from tailrace.connectors.salesforce.api import Api
from tailrace.connectors.salesforce.bulk import Jobs
from tailrace.connectors.salesforce.fields import Description
from tailrace.connectors.salesforce.objects import ObjectReader
from tailrace.connectors.salesforce.stream import Stream
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.errors import FatalError
from tailrace.records import Checkpoint, Page, Schema


class SalesforceSource:
    """Reads. `overlap` in seconds is the connection's, where a resource names none."""

    def __init__(self, api: Api, jobs: Jobs, now: Callable[[], datetime], overlap: float) -> None:
        self._api, self._jobs, self._now, self._overlap = api, jobs, now, overlap
        self._described: dict[str, Description] = {}

    def schema(self, resource: ResourceSpec) -> Schema:
        """Asks the org anew each time: fields come and go."""
        self._described.pop(resource.name, None)
        return fields.schema(self._api.connection, self._describe(resource.name), resource)

    def read(
        self, resource: ResourceSpec, schema: Schema, position: Mapping[str, Any] | None
    ) -> Iterator[Page | Checkpoint]:
        return self._reader(resource, schema).read(position)

    def backfill(
        self, resource: ResourceSpec, schema: Schema, first: date, last: date
    ) -> Iterator[Page | Checkpoint]:
        """Records changed on the days first to last (UTC, by SystemModstamp)."""
        if self._describe(resource.name).stamp is None:
            name = f"{self._api.connection}.{resource.name}"
            raise FatalError(f"{name} has no SystemModstamp to read days by", "run it: it is read whole")
        return self._reader(resource, schema).backfill(first, last)

    def census(self, resource: ResourceSpec, schema: Schema) -> Iterator[Page]:
        """Id and stamp of every live record."""
        found = self._describe(resource.name)
        for records in self._stream(resource, schema, found).ids():
            versions = [str(record[found.stamp]) for record in records] if found.stamp else None
            if records:
                yield Page([{"Id": record["Id"]} for record in records], versions)

    def _reader(self, resource: ResourceSpec, schema: Schema) -> ObjectReader:
        found = self._describe(resource.name)
        stream = self._stream(resource, schema, found)
        return ObjectReader(self._api, stream, resource, schema, found, self._now, self._overlap)

    def _stream(self, resource: ResourceSpec, schema: Schema, found: Description) -> Stream:
        return Stream(self._api, self._jobs, resource, schema, found)

    def _describe(self, obj: str) -> Description:
        if obj not in self._described:
            self._described[obj] = Description.of(self._api.connection, self._api.describe(obj))
        return self._described[obj]
