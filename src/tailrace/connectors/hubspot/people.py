"""Owners: the users whom records are assigned to. A short list, read whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.connectors.hubspot.api import Api
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.unchanged import Window
from tailrace.records import Checkpoint, Column, Page, Schema, Scope

SCHEMA = Schema(
    columns=(
        Column("id"),
        Column("email"),
        Column("firstName"),
        Column("lastName"),
        Column("userId"),
        Column("createdAt", "timestamp"),
        Column("updatedAt", "timestamp"),
    ),
    primary_key=("id",),
    cursor_columns=("updatedAt",),
)


def read(api: Api, resource: ResourceSpec, position: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
    """All owners, or nothing where they are as they were."""
    window = Window((position or {}).get("digest"))
    path = resource.options.get("path") or "/crm/v3/owners"
    for rows in window.pages([_row(owner) for owner in owners] for owners in api.owners(path)):
        yield Page(rows, [row["updatedAt"] for row in rows])
    yield Checkpoint({"digest": window.digest}, () if window.same else (Scope(),))


def _row(owner: Mapping[str, Any]) -> dict[str, Any]:
    row = {name: owner.get(name) for name in SCHEMA.names()}
    row["userId"] = None if row["userId"] is None else str(row["userId"])
    return row
