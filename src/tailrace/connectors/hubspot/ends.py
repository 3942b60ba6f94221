"""How records end at HubSpot: archived, merged into another; and how an archived one comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tailrace.connectors.hubspot.api import Api, Record, through
from tailrace.connectors.hubspot.newest import iso, moment
from tailrace.records import Page

BURIED = 2_000
"""Archived records whose return is watched for, the youngest ones; an older one comes back with its next edit."""


@dataclass(frozen=True)
class Archived:
    """The archived list against what a position knows of it.

    `fresh`: ends not told yet; `back`: ends known of records that are archived no longer; `gone` and `buried` are what the
    next position knows: the highest archivedAt, and the youngest ends.
    """

    fresh: dict[str, str]
    back: dict[str, str]
    gone: str | None
    buried: dict[str, str]

    def tombstones(self) -> Iterator[Page]:
        if self.fresh:
            ids = list(self.fresh)
            yield Page([{"id": key} for key in ids], [self.fresh[key] for key in ids], deleted=True)


def archived(
    api: Api, obj: str, position: Mapping[str, Any], overlap: timedelta, *, every: bool = False
) -> Archived:
    """The archived list has no order, so all of it is read, ids only. `every`: however old, an end is told again."""
    known: Mapping[str, str] = position.get("buried") or {}
    gone: str | None = position.get("gone")
    floor = None if every or not gone else moment(gone) - overlap
    listed: dict[str, str] = {}
    for records in through(api.listing(obj, ["hs_object_id"], archived=True), f"archived {obj}"):
        listed |= {str(record["id"]): _end(record) for record in records if record.get("id")}
    fresh = {
        key: end
        for key, end in listed.items()
        if known.get(key) != end and (floor is None or moment(end) > floor)
    }
    youngest = sorted((end, key) for key, end in listed.items())[-BURIED:]
    return Archived(
        fresh,
        {key: end for key, end in known.items() if key not in listed},
        max([*listed.values(), *([gone] if gone else [])], default=None),
        {key: end for end, key in youngest},
    )


def restored(version: str, end: str) -> str:
    """The version of a record that is archived no longer: behind its end, whether the restore gave it a new time or not."""
    return max(version, iso(moment(end) + timedelta(milliseconds=1)))


class Merges:
    """Records that others say were merged into them (`hs_merged_object_ids`), gathered while pages pass.

    `since`: winners that were last modified before are not asked; None asks all.
    """

    def __init__(self, since: str | None = None) -> None:
        self._since = since
        self._into: dict[str, tuple[str, str]] = {}

    def add(self, winner: str, losers: str, version: str) -> None:
        """`losers`: ids joined by `;`."""
        if self._since is None or version >= self._since:
            found = (loser.strip() for loser in losers.split(";"))
            self._into |= {loser: (winner, version) for loser in found if loser not in ("", winner)}

    def take(self) -> Iterator[Page]:
        """What was gathered, as tombstones with the winner's time; once."""
        into, self._into = self._into, {}
        if into:
            rows: list[Record] = [{"id": loser} for loser in into]
            winners = [winner for winner, _ in into.values()]
            yield Page(rows, [version for _, version in into.values()], deleted=True, merged_into=winners)


def _end(record: Record) -> str:
    return str(record.get("archivedAt") or record["updatedAt"])
