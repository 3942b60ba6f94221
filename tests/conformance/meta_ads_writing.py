"""Meta's audiences in the hands of the tests that write them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from tailrace.connectors.meta_ads import DECLARATION
from tailrace.connectors.sdk.options import check_object
from tailrace.connectors.sdk.writing import (
    Destination,
    Operation,
    WriteBatch,
    WriteResult,
    WriteRow,
)
from tests.conformance.vendors import Desk

LOGIN = {"access_token": "sandbox", "app_secret": "sandbox-app-secret"}
AUDIENCE, OTHER = "23850000000000001", "23850000000000002"
USERS = "custom_audience_users"


def sync_options(**given: Any) -> Mapping[str, Any]:
    """A sync's options as they are handed on."""
    filled, problems = check_object(DECLARATION, "custom_audience", "mirror", {"audience": AUDIENCE, **given})
    assert problems == []
    return filled


def row(key: Any, previous_key: str | None = None, **values: Any) -> WriteRow:
    return WriteRow(str(key), key, values, previous_key=previous_key)


def send(
    destination: Destination, operation: Operation, *rows: WriteRow, match: str = "EMAIL", **options: Any
) -> list[WriteResult]:
    return destination.write(
        WriteBatch("custom_audience", operation, match, tuple(rows), sync_options(**options))
    )


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def users(desk: Desk, audience: str = AUDIENCE) -> dict[str, dict[str, str]]:
    """Identifiers by id, of those whom no test's reset put there."""
    return {
        each["id"]: {name: each[name] for name in each if name.isupper()}
        for each in desk.records("meta_ads", USERS)
        if each["audience_id"] == audience
    }


def emails(desk: Desk, audience: str = AUDIENCE) -> set[str]:
    by_hand = {sha(f"by-hand-{number}@millbrook.example") for number in range(3)}
    held = {each["EMAIL"] for each in users(desk, audience).values()}
    assert by_hand <= held, "who was put there by others stays"
    return held - by_hand
