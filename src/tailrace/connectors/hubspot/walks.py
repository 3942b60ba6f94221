"""Walks through HubSpot's search that lose no row: none pages by offset, so none ends at 10,000 results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tailrace.connectors.hubspot.api import SEARCH_PAGE, Api, Record
from tailrace.connectors.hubspot.newest import moment
from tailrace.errors import Unavailable

Filter = Mapping[str, str]


@dataclass(frozen=True)
class Walks:
    """The searches of one object; `cursor` is its property with the time of modification."""

    api: Api
    obj: str
    cursor: str
    properties: Sequence[str]

    def by_id(self, filters: Sequence[Filter], last: str = "0") -> Iterator[list[Record]]:
        """Pages by ascending id behind `last`, each asked for behind the last id: no offset, so nothing shifts."""
        while True:
            behind = {"propertyName": "hs_object_id", "operator": "GT", "value": last}
            records = self.api.search(self.obj, [*filters, behind], "hs_object_id", self.properties)
            yield records
            if len(records) < SEARCH_PAGE:
                return
            ids = [str(record["id"]) for record in records if record.get("id")]
            if not ids or int(ids[-1]) <= int(last):
                raise Unavailable(f"HubSpot's search on {self.obj} repeats a page", "run again")
            last = ids[-1]

    def changed(self, since: datetime, until: datetime | None = None) -> Iterator[list[Record]]:
        """Pages by ascending cursor, each asked for from the last stamp seen; `until` is not included.

        Offsets would skip rows that slide back when a row before them is edited meanwhile.
        """
        low, given = milliseconds(since), set[str]()
        high = [] if until is None else [self._bound("LT", milliseconds(until))]
        while True:
            bounds = [self._bound("GTE", low), *high]
            records = self.api.search(self.obj, bounds, self.cursor, self.properties)
            fresh = [record for record in records if record.get("id") not in given]
            if fresh:
                yield fresh
            if len(records) < SEARCH_PAGE:
                return
            stamps = [self._stamp(record, low) for record in records]
            if stamps[-1] < low or stamps != sorted(stamps):
                raise Unavailable(
                    f"HubSpot's search on {self.obj} is not sorted by {self.cursor}", "run again"
                )
            if stamps[-1] == low:
                yield from self._tied(low, given | {record["id"] for record in records if record.get("id")})
                low, given = low + 1, set()
            else:
                low = stamps[-1]
                same = zip(records, stamps, strict=True)
                given = {record["id"] for record, stamp in same if stamp == low and record.get("id")}

    def count(self) -> int:
        """How many live records the index holds."""
        return self.api.total(self.obj, [{"propertyName": "hs_object_id", "operator": "GT", "value": "0"}])

    def _tied(self, stamp: int, given: set[str]) -> Iterator[list[Record]]:
        """The rows of one stamp that fill more than a page, but those handed on already."""
        for records in self.by_id([self._bound("GTE", stamp), self._bound("LT", stamp + 1)]):
            fresh = [record for record in records if record.get("id") not in given]
            if fresh:
                yield fresh

    def _bound(self, operator: str, at: int) -> Filter:
        return {"propertyName": self.cursor, "operator": operator, "value": str(at)}

    def _stamp(self, record: Record, low: int) -> int:
        text = (record.get("properties") or {}).get(self.cursor) or record.get("updatedAt")
        return milliseconds(moment(text)) if text else low


def milliseconds(at: datetime) -> int:
    """Since 1970, as HubSpot's filters take times."""
    return (at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
