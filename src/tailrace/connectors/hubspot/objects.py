"""CRM objects: a first listing, then what changed by search, what was archived, and now and then a sweep of all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tailrace.connectors.hubspot.api import SEARCH_PAGE, Api, Record
from tailrace.connectors.hubspot.newest import Newest, iso, moment
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.errors import FatalError, SchemaError, Unavailable, near_miss
from tailrace.records import Checkpoint, Column, Page, Schema, Scope, Type

TYPES: dict[str, Type] = {"number": "double", "bool": "bool", "datetime": "timestamp", "date": "date"}
IDENTIFIER = re.compile(r"(_id|company_?id|object_?id|owner_?id|team_?id|user_?id|portal_?id|vid)$")
LONGEST_QUERY = 6000
"""Characters of a list's query string; above it HubSpot answers 414, so such property sets are read by search."""


def schema(api: Api, resource: ResourceSpec) -> Schema:
    """The asked properties (default: all) as typed columns, behind `id`, with the cursor property always among them."""
    found = {definition["name"]: definition for definition in api.properties(resource.name)}
    cursor = cursor_property(resource.name, found)
    asked = resource.options.get("properties")
    for name in asked or ():
        if name not in found and name != "id":
            place = f"{api.http.context.connection}.{resource.name}"
            raise FatalError(f"{place}: HubSpot has no property {name!r}", near_miss(name, list(found)))
    names = [name for name in (asked or found) if name != "id" or not asked]
    if cursor not in names:
        names.append(cursor)
    _refuse_collisions(api, resource.name, ["id", *names])
    columns = [Column(name, column_type(found[name]), found[name].get("label") or "") for name in names]
    return Schema((Column("id", "text", "HubSpot's record id"), *columns), ("id",), (cursor,))


def cursor_property(obj: str, found: Mapping[str, Any]) -> str:
    """`lastmodifieddate` for contacts, `hs_lastmodifieddate` for every other object that has it."""
    usual = "lastmodifieddate" if obj in ("contacts", "contact", "0-1") else "hs_lastmodifieddate"
    for name in (usual, "hs_lastmodifieddate", "lastmodifieddate"):
        if name in found:
            return name
    raise SchemaError(
        f"HubSpot's object {obj!r} has no property {usual!r} to read changes by", "leave it out"
    )


def column_type(definition: Mapping[str, Any]) -> Type:
    """Ids stay text although HubSpot calls them numbers: a double would round them."""
    if IDENTIFIER.search(definition["name"]):
        return "text"
    return TYPES.get(definition.get("type") or "", "text")


def _refuse_collisions(api: Api, obj: str, names: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other is not name:
            raise SchemaError(
                f"{api.http.context.connection}.{obj}: the properties {other!r} and {name!r} would be one column",
                "list the ones to land under properties:",
            )


@dataclass(frozen=True)
class _Archived:
    """Tombstones not yet told of, and how far the archived list is read."""

    ids: list[str]
    versions: list[str]
    newest: Newest


class ObjectReader:
    """One read of one object.

    Position: `since` and `gone` (highest cursor value and archivedAt taken over), `seen` and `buried` (ids with their
    times inside the next overlap, so that they are not handed on twice), `swept`, and the properties asked for.
    """

    def __init__(
        self, api: Api, resource: ResourceSpec, schema: Schema, now: Callable[[], datetime], overlap: float
    ) -> None:
        self._api, self._obj, self._now = api, resource.name, now
        self._cursor = schema.cursor_columns[0]
        self._properties = [name for name in schema.names() if name != "id"]
        self._asked = list(resource.options.get("properties") or ()) or None
        own = resource.options.get("overlap")
        self._overlap = timedelta(seconds=overlap if own is None else own)
        sweep = resource.options.get("sweep")
        self._sweep = None if sweep in (None, "off") else timedelta(seconds=float(sweep))

    def read(self, position: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
        started = self._now()
        if position is None or not position.get("since") or position.get("asked") != self._asked:
            yield from self._first(started)
        elif self._sweep is not None and moment(position["swept"]) + self._sweep <= started:
            yield from self._swept(position, started)
        else:
            yield from self._changes(position, started)

    def _first(self, started: datetime) -> Iterator[Page | Checkpoint]:
        """What is archived already needs no tombstone, but marks where the next pass over the archived begins."""
        archived = self._archived({})
        newest = Newest(self._overlap)
        yield from self._listing(newest)
        yield Checkpoint(self._position(newest, archived, started, iso(started)), (Scope(),))

    def _swept(self, position: Mapping[str, Any], started: datetime) -> Iterator[Page | Checkpoint]:
        newest = Newest(self._overlap, position["since"])
        yield from self._listing(newest)
        archived = self._archived(position)
        yield from _tombstones(archived)
        yield Checkpoint(self._position(newest, archived, started, iso(started)), (Scope(),))

    def _changes(self, position: Mapping[str, Any], started: datetime) -> Iterator[Page | Checkpoint]:
        newest = Newest(self._overlap, position["since"])
        seen: Mapping[str, str] = position.get("seen") or {}
        for records in self._changed(moment(position["since"]) - self._overlap):
            page = self._page(records, newest)
            versions = [str(version) for version in page.versions or ()]
            new = [number for number, row in enumerate(page.rows) if seen.get(row["id"]) != versions[number]]
            if new:
                yield Page([page.rows[number] for number in new], [versions[number] for number in new])
        archived = self._archived(position)
        yield from _tombstones(archived)
        yield Checkpoint(self._position(newest, archived, started, position["swept"]))

    def _position(self, newest: Newest, archived: _Archived, started: datetime, swept: str) -> dict[str, Any]:
        since, seen = newest.until(started)
        gone, buried = archived.newest.until(None)
        return {
            "since": since,
            "seen": seen,
            "gone": gone,
            "buried": buried,
            "swept": swept,
            "asked": self._asked,
        }

    def _page(self, records: list[Record], newest: Newest) -> Page:
        rows, versions = [], []
        cursor = self._cursor
        for record in records:
            row = record["properties"]
            row["id"] = record["id"]
            rows.append(row)
            versions.append(row.get(cursor) or record["updatedAt"])
        newest.add(rows, versions)
        return Page(rows, versions)

    def _listing(self, newest: Newest) -> Iterator[Page]:
        wide = sum(len(name) + 3 for name in self._properties) > LONGEST_QUERY
        pages = self._by_id([]) if wide else self._api.listing(self._obj, self._properties)
        for records in pages:
            if records:
                yield self._page(records, newest)

    def _by_id(self, filters: Sequence[Mapping[str, str]]) -> Iterator[list[Record]]:
        """Pages by ascending id, each asked for behind the last id: no offset, so no 10,000-row cap and no shifting."""
        last = "0"
        while True:
            behind = {"propertyName": "hs_object_id", "operator": "GT", "value": last}
            records = self._api.search(self._obj, [*filters, behind], "hs_object_id", self._properties)
            yield records
            if len(records) < SEARCH_PAGE:
                return
            last = records[-1]["id"]

    def _changed(self, since: datetime) -> Iterator[list[Record]]:
        """Pages by ascending cursor, each asked for from the last stamp seen.

        Offsets would skip rows that slide back when a row before them is edited meanwhile, and end at 10,000.
        """
        low, given = _ms(since), set[str]()
        while True:
            from_low = {"propertyName": self._cursor, "operator": "GTE", "value": str(low)}
            records = self._api.search(self._obj, [from_low], self._cursor, self._properties)
            fresh = [record for record in records if record["id"] not in given]
            stamps = [self._stamp(record) for record in records]
            if fresh:
                yield fresh
            if len(records) < SEARCH_PAGE:
                return
            if stamps[-1] < low:
                raise Unavailable(
                    f"HubSpot's search on {self._obj} is not sorted by {self._cursor}", "run again"
                )
            if stamps[-1] == low:
                yield from self._tied(from_low, given | {record["id"] for record in records})
                low, given = low + 1, set()
            else:
                low = stamps[-1]
                given = {record["id"] for record, stamp in zip(records, stamps, strict=True) if stamp == low}

    def _tied(self, from_low: Mapping[str, str], given: set[str]) -> Iterator[list[Record]]:
        """The rows of one stamp that fill more than a page, but those handed on already."""
        below = {**from_low, "operator": "LT", "value": str(int(from_low["value"]) + 1)}
        for records in self._by_id([from_low, below]):
            fresh = [record for record in records if record["id"] not in given]
            if fresh:
                yield fresh

    def _stamp(self, record: Record) -> int:
        return _ms(moment(record["properties"].get(self._cursor) or record["updatedAt"]))

    def _archived(self, position: Mapping[str, Any]) -> _Archived:
        """The archived list has no order: all of it is read, ids only."""
        known: Mapping[str, str] = position.get("buried") or {}
        newest = Newest(self._overlap, position.get("gone"))
        floor = moment(position["gone"]) - self._overlap if position.get("gone") else None
        ids, versions = [], []
        for records in self._api.listing(self._obj, ["hs_object_id"], archived=True):
            rows = [{"id": record["id"]} for record in records]
            times = [str(record.get("archivedAt") or record["updatedAt"]) for record in records]
            newest.add(rows, times)
            for row, time in zip(rows, times, strict=True):
                if (floor is None or moment(time) > floor) and known.get(row["id"]) != time:
                    ids.append(row["id"])
                    versions.append(time)
        return _Archived(ids, versions, newest)


def _tombstones(archived: _Archived) -> Iterator[Page]:
    if archived.ids:
        yield Page([{"id": key} for key in archived.ids], archived.versions, deleted=True)


def _ms(at: datetime) -> int:
    return (at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
