"""Owners: the users whom records are assigned to. Two short lists, the active and the archived, read whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import chain
from typing import Any

from tailrace.connectors.hubspot.api import Api, Record, through
from tailrace.connectors.hubspot.newest import iso, moment
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
        Column("type"),
        Column("teams", "json"),
        Column("createdAt", "timestamp"),
        Column("updatedAt", "timestamp"),
    ),
    primary_key=("id",),
    cursor_columns=("updatedAt",),
)
GONE = "archived"


def read(api: Api, resource: ResourceSpec, position: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
    """All active owners and the ends of the archived ones, or nothing where they are as they were.

    Position: `digest`, and `gone`: the ends that were told, by id. Who is active again has a time behind his end, whether
    HubSpot gives him one or not.
    """
    known: Mapping[str, str] = (position or {}).get("gone") or {}
    window, gone = Window((position or {}).get("digest")), dict[str, str]()
    path = resource.options.get("path") or api.path("owners")
    for rows in window.pages(chain(_active(api, path), _archived(api, path, gone))):
        if GONE not in rows[0]:
            yield Page(rows, [_version(row, known) for row in rows])
        elif position is not None:
            ends = [str(row[GONE]) for row in rows]
            yield Page([{"id": row["id"]} for row in rows], ends, deleted=True)
    told = {"digest": window.digest, "gone": gone}
    yield Checkpoint(told, window.covered((Scope(),), f"{api.http.context.connection}.owners"))


def _active(api: Api, path: str) -> Iterator[list[Record]]:
    for owners in through(api.pages(path, {}), "owners"):
        yield [_row(owner) for owner in owners]


def _archived(api: Api, path: str, gone: dict[str, str]) -> Iterator[list[Record]]:
    for owners in through(api.pages(path, {"archived": "true"}), "owners"):
        ends = {owner["id"]: str(owner.get("archivedAt") or owner["updatedAt"]) for owner in owners}
        gone |= ends
        yield [{"id": key, GONE: end} for key, end in ends.items()]


def _version(row: Record, known: Mapping[str, str]) -> str:
    stamp, end = str(row["updatedAt"]), known.get(row["id"])
    return stamp if end is None else max(stamp, iso(moment(end) + timedelta(milliseconds=1)))


def _row(owner: Mapping[str, Any]) -> Record:
    row = {name: owner.get(name) for name in SCHEMA.names()}
    row["userId"] = None if row["userId"] is None else str(row["userId"])
    return row
