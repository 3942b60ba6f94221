"""Mailchimp's listings as plain calls: pages by offset, and whether what came is all there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.sdk.http import Http
from tailrace.connectors.sdk.paging import by_offset
from tailrace.errors import FatalError, Unavailable, near_miss

COUNT = 1000
"""Rows of a page: the most that Mailchimp gives (vendor-apis.md 3)."""
Record = dict[str, Any]


@dataclass(frozen=True)
class Api:
    """One account at one API version."""

    http: Http
    version: str

    @property
    def connection(self) -> str:
        return self.http.context.connection

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """The document at a path behind the version."""
        document = self.http.request("GET", f"/{self.version}{path}", params=params).json()
        if not isinstance(document, Mapping):
            raise Unavailable(f"{self.connection}: the answer to {path} is no object", "run again")
        return document

    def page(self, path: str, name: str, params: Mapping[str, str]) -> tuple[list[Record], int]:
        """The rows under `name`, and how many there are in all. An answer without them is none: it empties no table."""
        document = self.get(path, params)
        rows, total = document.get(name), document.get("total_items")
        if not isinstance(rows, list) or not isinstance(total, int):
            raise Unavailable(
                f"{self.connection}: the answer to {path} has no {name} with total_items", "run again"
            )
        return [row for row in rows if isinstance(row, dict)], total

    def listing(self, path: str, name: str, params: Mapping[str, str] | None = None) -> Listing:
        """Every row under `name`, 1000 a page."""
        return Listing(self, path, name, dict(params or {}))

    def lists(self, wanted: Sequence[str] | None = None) -> Lists:
        """The ids of the lists to read; FatalError where one that is wanted is not there."""
        fields = {"fields": "lists.id,lists.stats.member_count,total_items"}
        listing = self.listing("/lists", "lists", fields)
        counts = {str(row["id"]): _count(row.get("stats")) for page in listing for row in page}
        there = list(counts)
        for key in wanted or ():
            if key not in there:
                raise FatalError(f"{self.connection}: Mailchimp has no list {key!r}", near_miss(key, there))
        return Lists(tuple(wanted or there), counts, listing.complete)


@dataclass(frozen=True)
class Lists:
    """`ids` are to be read; `there` is every list of the account, if `complete`, with how many members it says it has."""

    ids: tuple[str, ...]
    there: Mapping[str, int]
    complete: bool


class Listing:
    """Pages by offset. `complete`: nothing moved between the pages, so that no row was skipped."""

    def __init__(self, api: Api, path: str, name: str, params: Mapping[str, str]) -> None:
        self._api, self._path, self._name, self._params = api, path, name, params
        self.complete = False

    def __iter__(self) -> Iterator[list[Record]]:
        self.complete = False
        totals, shown = set[int](), 0
        for document in by_offset(self._fetch, _rows, _total):
            totals.add(document["total"])
            shown += len(document["rows"])
            if document["rows"]:
                yield document["rows"]
        self.complete = len(totals) == 1 and shown in totals

    def _fetch(self, offset: int) -> Mapping[str, Any]:
        params = {**self._params, "count": str(COUNT), "offset": str(offset)}
        rows, total = self._api.page(self._path, self._name, params)
        return {"rows": rows, "total": total}


def _count(stats: Any) -> int:
    """A list's subscribed members; 0 where it does not say."""
    count = stats.get("member_count") if isinstance(stats, Mapping) else None
    return count if isinstance(count, int) else 0


def _rows(document: Mapping[str, Any]) -> int:
    return len(document["rows"])


def _total(document: Mapping[str, Any]) -> int:
    return int(document["total"])
