"""Mailchimp as a source: which reader a resource takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from tailrace.connectors.mailchimp import columns, members
from tailrace.connectors.mailchimp.activity import CampaignReader
from tailrace.connectors.mailchimp.api import Api
from tailrace.connectors.mailchimp.declaration import DECLARATION
from tailrace.connectors.mailchimp.members import MemberReader
from tailrace.connectors.mailchimp.whole import PLACES, WholeReader
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.options import resource_type
from tailrace.errors import FatalError
from tailrace.records import Checkpoint, Page, Schema


class MailchimpSource:
    """Reads. `overlap` in seconds is the connection's, where `members` names none."""

    def __init__(self, api: Api, overlap: float) -> None:
        self._api, self._overlap = api, overlap

    def schema(self, resource: ResourceSpec) -> Schema:
        if resource.name == "members":
            return members.schema(self._api, resource)
        kind = resource_type(DECLARATION, resource.name)
        if kind is None:
            raise FatalError(f"{self._api.connection}: mailchimp has no resource {resource.name!r}")
        return columns.schema(resource.name, kind.key)

    def read(
        self, resource: ResourceSpec, schema: Schema, position: Mapping[str, Any] | None
    ) -> Iterator[Page | Checkpoint]:
        return self._reader(resource, schema).read(position)

    def backfill(
        self, resource: ResourceSpec, schema: Schema, first: date, last: date
    ) -> Iterator[Page | Checkpoint]:
        """Members who changed, campaigns made or sent, actions of those days; FatalError for what has no days."""
        kind = resource_type(DECLARATION, resource.name)
        if kind is None or not kind.backfill:
            name = f"{self._api.connection}.{resource.name}"
            raise FatalError(f"{name}: Mailchimp has no range of days of it", "land it: it is read whole")
        return self._reader(resource, schema).backfill(first, last)

    def census(self, resource: ResourceSpec, schema: Schema) -> Iterator[Page]:
        """Every key that Mailchimp has now."""
        return self._reader(resource, schema).census(schema)

    def _reader(self, resource: ResourceSpec, schema: Schema) -> MemberReader | WholeReader | CampaignReader:
        now = self._api.http.context.now
        if resource.name == "members":
            return MemberReader(self._api, resource, schema, now, self._overlap)
        if resource.name in PLACES:
            return WholeReader(self._api, resource)
        return CampaignReader(self._api, resource, now)
