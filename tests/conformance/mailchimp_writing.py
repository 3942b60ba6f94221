"""Mailchimp's members in the hands of the tests that write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.connectors.mailchimp import DECLARATION
from tailrace.connectors.sdk.options import check_object
from tailrace.connectors.sdk.writing import (
    Edit,
    Operation,
    RemoteField,
    WriteBatch,
    WriteResult,
    WriteRow,
)
from tests.conformance.vendors import Desk

LOGIN = {"api_key": "sandbox-us1", "poll_interval": "0.01s"}
WRONG_LOGIN = {"api_key": "not-this-one-us1"}
NEWSLETTER, CUSTOMERS = "a5b0c1d2e3", "f6a7b8c9d0"


def sync_options(**given: Any) -> Mapping[str, Any]:
    """A sync's options as they are handed on: checked, defaults filled in."""
    filled, problems = check_object(
        DECLARATION, "members", "upsert", {"list": NEWSLETTER, "status_if_new": "subscribed", **given}
    )
    assert problems == []
    return filled


class Writing:
    """A destination whose calls bear a sync's options where a test gives none."""

    def __init__(self, destination: Any, **options: Any) -> None:
        self.destination, self.options = destination, sync_options(**options)

    def fields(self, obj: str = "members") -> Mapping[str, RemoteField]:
        return self.destination.fields(obj, self.options)

    def write(self, batch: WriteBatch) -> list[WriteResult]:
        options = batch.options or self.options
        made = WriteBatch(batch.object, batch.operation, batch.match_field, batch.rows, options)
        return self.destination.write(made)

    def read_fields(
        self, obj: str, match_field: str | None, keys: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any]]:
        return self.destination.read_fields(obj, match_field, keys, fields, self.options)

    def read_edits(self, keys: Sequence[str], fields: Sequence[str]) -> Mapping[str, Mapping[str, Edit]]:
        return self.destination.read_edits("members", "email_address", keys, fields, self.options)

    def send(self, operation: Operation, *rows: WriteRow, by_id: bool = False) -> list[WriteResult]:
        match = None if by_id else "email_address"
        return self.write(WriteBatch("members", operation, match, rows))


def row(key: str | None, trace: str = "", remote_id: str | None = None, **values: Any) -> WriteRow:
    return WriteRow(trace or str(key or remote_id), key, values, remote_id)


def members(desk: Desk, status: str | None = "subscribed", list_id: str = NEWSLETTER) -> list[dict[str, Any]]:
    """The list's members with this status, in the order of their id."""
    every = [one for one in desk.records("mailchimp", "members") if one["list_id"] == list_id]
    return sorted(
        (one for one in every if status is None or one["status"] == status), key=lambda one: one["id"]
    )


def member(desk: Desk, email: str, list_id: str = NEWSLETTER) -> dict[str, Any]:
    found = [one for one in members(desk, None, list_id) if one["email_address"].lower() == email.lower()]
    assert len(found) == 1, f"{email}: {len(found)} members"
    return found[0]
