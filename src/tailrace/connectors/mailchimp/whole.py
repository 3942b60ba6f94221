"""What has no stamp of its last change: read whole, handed on where it is not as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tailrace.connectors.mailchimp import columns
from tailrace.connectors.mailchimp.api import Api, Record
from tailrace.connectors.mailchimp.walk import SECOND, iso
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.unchanged import Window
from tailrace.events import Notice, emit
from tailrace.records import Checkpoint, Page, Schema, Scope


@dataclass(frozen=True)
class Place:
    """Where a resource is listed: a path below the list's (or, where `list_path` is False, the account's), the rows' name.

    `within`: the resource whose records the path goes through ({name} of the path), under the column of that name.
    """

    path: str
    name: str
    list_path: bool = True
    within: str = ""
    column: str = ""
    paged: bool = True


PLACES: Mapping[str, Place] = {
    "lists": Place("/lists", "lists", list_path=False),
    "campaigns": Place("/campaigns", "campaigns", list_path=False),
    "reports": Place("/reports", "reports", list_path=False),
    "merge_fields": Place("/merge-fields", "merge_fields"),
    "segments": Place("/segments", "segments"),
    "segment_members": Place("/segments/{}/members", "members", within="segments", column="segment_id"),
    "tags": Place("/tag-search", "tags", paged=False),
    "interest_categories": Place("/interest-categories", "categories"),
    "interests": Place(
        "/interest-categories/{}/interests", "interests", within="interest_categories", column="category_id"
    ),
}


class WholeReader:
    """One complete read of a resource. Position: the digest of its rows, and `filled`: the paths that had some."""

    def __init__(self, api: Api, resource: ResourceSpec) -> None:
        self._api, self._name = api, resource.name
        self._wanted: Sequence[str] | None = resource.options.get("lists")
        self._complete = True
        self._before, self._filled, self._lost = frozenset[str](), set[str](), list[str]()

    def read(self, position: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
        """All rows, or nothing where they are as they were; none is taken for gone where rows moved between pages."""
        known = position or {}
        window, self._before = Window(known.get("digest")), frozenset(known.get("filled") or ())
        for rows in window.pages(self.rows()):
            yield Page(rows)
        if not self._complete:
            yield Checkpoint({"filled": sorted(self._before | self._filled)})
            return
        filled = sorted(self._filled)
        if self._lost:
            self._tell_lost()
            yield Checkpoint({"filled": filled})
            return
        scope = Scope({"list_id": tuple(self._wanted)}) if self._wanted else Scope()
        scopes = window.covered((scope,), f"{self._api.connection}.{self._name}")
        yield Checkpoint({"digest": window.digest, "filled": filled}, scopes)

    def _tell_lost(self) -> None:
        """What is suddenly empty removes nothing; without its path in the position the next read does."""
        text = f"{self._api.connection}.{self._name}: Mailchimp shows no row of {', '.join(self._lost[:3])} where there were some"
        emit(Notice("warning", f"{text}; nothing is removed unless the next read says so, too"))

    def rows(self) -> Iterator[list[dict[str, Any]]]:
        """Pages of rows."""
        place = PLACES[self._name]
        if not place.list_path:
            yield from self._made(self._watched(place.path, place), {})
            return
        lists = self._api.lists(self._wanted)
        self._complete = self._complete and lists.complete
        for list_id in lists.ids:
            for path, known, told in self._paths(list_id, place):
                yield from self._made(self._watched(path, place, told), known)

    def census(self, schema: Schema) -> Iterator[Page]:
        """Every key."""
        for rows in self.rows():
            yield Page([{name: row[name] for name in schema.primary_key} for row in rows])

    def backfill(self, first: date, last: date) -> Iterator[Page | Checkpoint]:
        """Campaigns made or sent on those days, as they are now."""
        begin = datetime.combine(first, time(), UTC) - SECOND
        end = datetime.combine(last + timedelta(days=1), time(), UTC)
        place = PLACES[self._name]
        for stamp in ("create_time", "send_time"):
            params = {f"since_{stamp}": iso(begin), f"before_{stamp}": iso(end)}
            for rows in self._made(self._records(place.path, place, params), {}):
                inside = [row for row in rows if _within(row[stamp], first, last)]
                if inside:
                    yield Page(inside)
        yield Checkpoint(None)

    def _paths(self, list_id: str, place: Place) -> Iterator[tuple[str, dict[str, Any], Any]]:
        """Each path to ask for, what its rows have in common, and how many it is said to have (None: nobody says)."""
        base, known = f"/lists/{list_id}", {"list_id": list_id}
        if not place.within:
            yield base + place.path, known, None
            return
        above = PLACES[place.within]
        for records in self._watched(base + above.path, above):
            for record in records:
                path, column = base + place.path.format(record["id"]), {place.column: record["id"]}
                yield path, {**known, **column}, record.get("member_count")

    def _watched(self, path: str, place: Place, told: Any = None) -> Iterator[list[Record]]:
        """The records; the path of those that were there at the last read is lost where not even its count says 0."""
        for records in self._records(path, place, {}):
            if records:
                self._filled.add(path)
            yield records
        if path not in self._filled and path in self._before and told != 0:
            self._lost.append(path)

    def _records(self, path: str, place: Place, params: Mapping[str, str]) -> Iterator[list[Record]]:
        if not place.paged:
            rows, _ = self._api.page(path, place.name, params)
            yield rows
            return
        listing = self._api.listing(path, place.name, {"exclude_fields": f"{place.name}._links", **params})
        yield from listing
        self._complete = self._complete and listing.complete

    def _made(
        self, pages: Iterator[list[Record]], known: Mapping[str, Any]
    ) -> Iterator[list[dict[str, Any]]]:
        for records in pages:
            yield [columns.row(self._name, {**known, **record, **known}) for record in records]


def _within(text: Any, first: date, last: date) -> bool:
    """Whether the time is on one of the days, in UTC."""
    if not isinstance(text, str) or not text:
        return False
    return first <= datetime.fromisoformat(text).astimezone(UTC).date() <= last
