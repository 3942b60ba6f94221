"""CRM objects: a first listing, then what changed by search, what was archived, and now and then a sweep of all."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from tailrace.connectors.hubspot import ends
from tailrace.connectors.hubspot.api import Api, CursorExpired, Record, through
from tailrace.connectors.hubspot.ends import Archived, Merges
from tailrace.connectors.hubspot.newest import Newest, iso, moment
from tailrace.connectors.hubspot.properties import MERGED
from tailrace.connectors.hubspot.walks import Walks
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.errors import TailraceError, Unavailable
from tailrace.events import Notice, emit
from tailrace.records import Checkpoint, Page, Schema, Scope

LONGEST_QUERY = 6000
"""Characters of a list's query string; above it HubSpot answers 414, so such property sets are read by search."""
MARKED_ROWS = 10_000
"""Rows after which a long read may be taken up again."""
REMEMBERED_ENDS = timedelta(days=80)
"""HubSpot lists archived records for 90 days (vendor-apis.md 1.6): after a longer pause an end may go untold."""
NEVER = "1970-01-01T00:00:00.000Z"


Parts = Page | Checkpoint
Told = TypeVar("Told")
Returning = Generator[Parts, None, Told]


class ObjectReader:
    """One read of one object.

    Position: `since` and `gone` (highest cursor value and archivedAt taken over), `seen` and `buried` (ids with their
    times inside the next overlap, and of archived records), so that they are not handed on twice; `swept`, and the
    properties asked for. In mid-listing also `listing`: when it began, and behind what it goes on.
    """

    def __init__(
        self,
        api: Api,
        resource: ResourceSpec,
        schema: Schema,
        now: Callable[[], datetime],
        overlap: float,
        merges_told: bool,
    ) -> None:
        self._api, self._obj, self._started = api, resource.name, now()
        self._today, self._tomorrow = iso(self._started), iso(self._started + timedelta(days=1))
        self._cursor = schema.cursor_columns[0]
        self._lands_merged = MERGED in schema.names()
        self._merges_told = merges_told
        along = [MERGED] if merges_told and not self._lands_merged else []
        self._properties = [*(name for name in schema.names() if name != "id"), *along]
        self._walks = Walks(api, self._obj, self._cursor, self._properties)
        self._asked = [*(resource.options.get("properties") or ()), *resource.also] or None
        own = resource.options.get("overlap")
        self._overlap = timedelta(seconds=overlap if own is None else own)
        sweep = resource.options.get("sweep")
        self._sweep = None if sweep in (None, "off") else timedelta(seconds=float(sweep))
        self._merges, self._nameless, self._shown = Merges(), 0, 0

    def read(self, position: Mapping[str, Any] | None) -> Iterator[Parts]:
        started = self._started
        same = position is not None and position.get("asked") == self._asked
        if position is None or not same or not position.get("since") or position.get("listing"):
            yield from self._first(position, started, resumed=same and bool((position or {}).get("listing")))
        elif self._sweep is not None and moment(position["swept"]) + self._sweep <= started:
            yield from self._swept(position, started)
        else:
            yield from self._changes(position, started)

    def backfill(self, first: date, last: date) -> Iterator[Parts]:
        """What was modified on these days (UTC) and not since."""
        days = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
        newest = Newest(self._overlap)
        for records in self._walks.changed(*days):
            yield from self._page(records, newest)
        yield from self._merges.take()
        yield Checkpoint(None)

    def census(self) -> Iterator[Page]:
        """Ids and times of all live records."""
        for records in through(self._api.listing(self._obj, [self._cursor]), self._obj):
            found = [record for record in records if record.get("id")]
            if found:
                rows = [{"id": str(record["id"])} for record in found]
                yield Page(rows, [_stamp(record, self._cursor) for record in found])

    def _first(
        self, position: Mapping[str, Any] | None, started: datetime, *, resumed: bool
    ) -> Iterator[Parts]:
        """What is archived already needs no tombstone, but marks where the next pass over the archived begins.

        A listing that was broken off goes on from where it came to. It cannot say what is gone: a sweep follows.
        """
        if resumed and position is not None:
            begun, behind = moment(position["listing"]["begun"]), position["listing"]["behind"]
            newest = Newest(self._overlap, position["since"], position["seen"])
            marks = {name: position[name] for name in ("gone", "buried")}
        else:
            begun, behind, newest = started, {}, Newest(self._overlap)
            marks = _marks(ends.archived(self._api, self._obj, {}, self._overlap))
        if position is None:  # there is nothing yet that an older merge could end
            self._merges = Merges(iso(begun - self._overlap))

        def mark(at: Mapping[str, str]) -> Checkpoint:
            here = self._position(newest, marks, begun, iso(begun))
            return Checkpoint({**here, "listing": {"begun": iso(begun), "behind": dict(at)}})

        whole = yield from self._listing(newest, behind, mark)
        swept = NEVER if self._nameless else iso(begun)
        sure = whole and (position is None or self._is_all())
        scopes = (Scope(),) if sure and not self._nameless else ()
        yield Checkpoint(self._position(newest, marks, begun, swept), scopes)

    def _swept(self, position: Mapping[str, Any], started: datetime) -> Iterator[Parts]:
        """First what changed, so that a sweep that is never finished holds up nothing; then all, then the ends.

        Every end but an erasure is told before the checkpoint says what is gone.
        """
        found = yield from self._found(position, started)
        if found != position:
            yield Checkpoint(found)
        newest = Newest(self._overlap, found["since"])
        yield from self._listing(newest, {}, None)
        whole = self._is_all() and not self._nameless
        archived = ends.archived(self._api, self._obj, position, self._overlap, every=True)
        yield from self._ended(archived)
        told = self._merges_told and moment(position["swept"]) + REMEMBERED_ENDS > started
        swept = NEVER if self._nameless else iso(started)
        scopes = (Scope(erased=told),) if whole else ()
        yield Checkpoint(self._position(newest, _marks(archived), started, swept), scopes)

    def _changes(self, position: Mapping[str, Any], started: datetime) -> Iterator[Parts]:
        found = yield from self._found(position, started)
        archived = ends.archived(self._api, self._obj, position, self._overlap)
        yield from self._ended(archived)
        swept = NEVER if self._nameless else position["swept"]
        yield Checkpoint({**found, **_marks(archived), "swept": swept})

    def _found(self, position: Mapping[str, Any], started: datetime) -> Returning[dict[str, Any]]:
        """What changed since the position, but what it has seen; a long way is marked. Returns the position then."""
        newest, count = Newest(self._overlap, position["since"]), 0
        seen: Mapping[str, str] = position.get("seen") or {}
        marks = {name: position.get(name) for name in ("gone", "buried")}

        def here() -> dict[str, Any]:
            return self._position(newest, marks, started, position["swept"])

        try:
            for records in self._walks.changed(moment(position["since"]) - self._overlap):
                for page in self._page(records, newest, seen):
                    yield page
                    count += len(page.rows)
                if count >= MARKED_ROWS:
                    yield from self._merges.take()
                    yield Checkpoint(here())
                    count = 0
        except TailraceError:
            if count and not self._nameless:
                yield from self._merges.take()
                yield Checkpoint(here())
            raise
        yield from self._merges.take()
        return here()

    def _position(
        self, newest: Newest, marks: Mapping[str, Any], started: datetime, swept: str
    ) -> dict[str, Any]:
        since, seen = newest.until(started)
        return {"since": since or iso(started), "seen": seen, **marks, "swept": swept, "asked": self._asked}

    def _page(
        self, records: list[Record], newest: Newest, seen: Mapping[str, str] | None = None
    ) -> Iterator[Page]:
        """The records as rows, but those that `seen` has with their time; one without an id is left out, and told."""
        rows = self._rows(records)
        newest.add([(row.id, row.stamp) for row in rows])
        yield from self._handed([row for row in rows if (seen or {}).get(row.id) != row.stamp])

    def _handed(self, rows: Sequence[_Row]) -> Iterator[Page]:
        if rows:
            for row in rows:
                self._merges.add(row.id, row.losers, row.version)
            yield Page([row.values for row in rows], [row.version for row in rows])

    def _rows(self, records: list[Record]) -> list[_Row]:
        found = []
        for record in records:
            if not record.get("id"):
                self._tell_nameless()
                continue
            values = record.get("properties") or {}
            values["id"] = str(record["id"])
            losers = values.get(MERGED) if self._lands_merged else values.pop(MERGED, None)
            stamp = _stamp(record, self._cursor)
            found.append(_Row(values["id"], stamp, self._dated(stamp), values, str(losers or "")))
        return found

    def _dated(self, stamp: str) -> str:
        """A time that has not come is none: as a version it would keep out every edit until then."""
        return self._today if stamp > self._tomorrow else stamp

    def _is_all(self) -> bool:
        """Whether the listing showed as many records as search counts: a page that HubSpot skipped would look like erasures."""
        total = self._walks.count()
        if self._shown < total:
            place = f"{self._api.http.context.connection}.{self._obj}"
            text = f"{place}: HubSpot listed {self._shown} records and counts {total}"
            emit(Notice("warning", f"{text}; none is taken for deleted until the next sweep"))
        return self._shown >= total

    def _tell_nameless(self) -> None:
        if not self._nameless:
            text = (
                f"{self._api.http.context.connection}.{self._obj}: HubSpot returned a record without its id"
            )
            emit(Notice("warning", f"{text}; nothing is taken for deleted, and the next run lists all again"))
        self._nameless += 1

    def _listing(
        self,
        newest: Newest,
        behind: Mapping[str, str],
        mark: Callable[[Mapping[str, str]], Checkpoint] | None,
    ) -> Returning[bool]:
        """All records behind `behind`, with marks on the way; returns whether all that there are were shown.

        Where HubSpot no longer takes the cursor, the listing begins again, once.
        """
        try:
            yield from self._stretch(newest, behind, mark)
        except CursorExpired as expired:
            text = f"{self._api.http.context.connection}.{self._obj}: the listing's cursor has expired"
            emit(Notice("warning", f"{text} ({expired}); it begins again"))
        else:
            return not behind
        try:
            yield from self._stretch(newest, {}, mark)
        except CursorExpired as expired:
            raise Unavailable(
                f"HubSpot's cursor through {self._obj} expires at once ({expired})", "run again"
            ) from None
        return True

    def _stretch(
        self,
        newest: Newest,
        behind: Mapping[str, str],
        mark: Callable[[Mapping[str, str]], Checkpoint] | None,
    ) -> Iterator[Parts]:
        at, count, self._shown = behind, 0, 0
        try:
            for records, following in self._all(behind):
                self._shown += len(records)
                yield from self._page(records, newest)
                at, count = following, count + len(records)
                if mark is not None and at and count >= MARKED_ROWS:
                    yield from self._merges.take()
                    yield mark(at)
                    count = 0
        except TailraceError:
            if mark is not None and at and count:
                yield from self._merges.take()
                yield mark(at)
            raise
        yield from self._merges.take()

    def _all(self, behind: Mapping[str, str]) -> Iterator[tuple[list[Record], dict[str, str]]]:
        """Pages of all records, each with what the rest is asked for behind; it is empty at the end."""
        if sum(len(name) + 3 for name in self._properties) > LONGEST_QUERY:
            for records in self._walks.by_id([], behind.get("id", "0")):
                ids = [str(record["id"]) for record in records if record.get("id")]
                yield records, {"id": ids[-1]} if ids else {}
            return
        for page in self._api.listing(self._obj, self._properties, after=behind.get("after")):
            yield page.records, {"after": page.after} if page.after else {}

    def _ended(self, archived: Archived) -> Iterator[Page]:
        """Tombstones of what was archived, and again the rows of what is archived no longer."""
        yield from archived.tombstones()
        for records in self._api.read(self._obj, list(archived.back), self._properties):
            back = [(row, ends.restored(row.version, archived.back[row.id])) for row in self._rows(records)]
            yield from self._handed([replace(row, version=version) for row, version in back])
        yield from self._merges.take()


@dataclass(frozen=True)
class _Row:
    """A record on its way; `stamp` is HubSpot's time, `losers` the ids, joined by `;`, of what was merged into it."""

    id: str
    stamp: str
    version: str
    values: dict[str, Any]
    losers: str


def _stamp(record: Record, cursor: str) -> str:
    """The time of modification; Unavailable where HubSpot does not tell it."""
    found = (record.get("properties") or {}).get(cursor) or record.get("updatedAt")
    if not found:
        raise Unavailable("HubSpot returned a record without its time of modification", "run again")
    return str(found)


def _marks(archived: Archived) -> dict[str, Any]:
    return {"gone": archived.gone, "buried": archived.buried}
