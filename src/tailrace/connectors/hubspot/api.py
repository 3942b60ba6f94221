"""HubSpot's paths in each API version, and its listings, searches and batches as plain calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.connectors.sdk.http import Answer, Http
from tailrace.connectors.sdk.paging import by_cursor
from tailrace.errors import FatalError, near_miss

LIST_PAGE, SEARCH_PAGE = 100, 200
SEARCH_BUCKET = "search"
Record = dict[str, Any]


@dataclass(frozen=True)
class Api:
    """One account at one API version. Paths: vendor-apis.md 1.2 (HubSpot's specs)."""

    http: Http
    version: str

    def objects(self, obj: str) -> str:
        return f"/crm/v3/objects/{obj}" if self.version == "v3" else f"/crm/objects/{self.version}/{obj}"

    def associations(self, one: str, other: str) -> str:
        base = "/crm/v4/associations" if self.version == "v3" else f"/crm/associations/{self.version}"
        return f"{base}/{one}/{other}"

    def properties(self, obj: str) -> list[Record]:
        """Every property that the object has now, as HubSpot describes it."""
        base = "/crm/v3/properties" if self.version == "v3" else f"/crm/properties/{self.version}"
        answer = self.http.request("GET", f"{base}/{obj}", accept=(404,))
        if answer.status == 404:
            name = self.http.context.connection
            raise FatalError(
                f"{name}: the account has no object {obj!r}",
                near_miss(obj, ["contacts", "companies", "deals"]),
            )
        return [found for found in answer.json()["results"] if not found.get("archived")]

    def listing(
        self, obj: str, properties: Sequence[str], *, archived: bool = False
    ) -> Iterator[list[Record]]:
        """Every record by ascending id, 100 a page."""
        wanted = {
            "limit": str(LIST_PAGE),
            "properties": ",".join(properties),
            "archived": str(archived).lower(),
        }

        def fetch(after: str | None) -> Mapping[str, Any]:
            params = wanted if after is None else {**wanted, "after": after}
            return self.get(self.objects(obj), params)

        for document in by_cursor(fetch, next_after):
            yield document["results"]

    def owners(self, path: str) -> Iterator[list[Record]]:
        """Every active owner, 100 a page."""

        def fetch(after: str | None) -> Mapping[str, Any]:
            return self.get(path, {"limit": str(LIST_PAGE), **({} if after is None else {"after": after})})

        for document in by_cursor(fetch, next_after):
            yield document["results"]

    def search(
        self, obj: str, filters: Sequence[Mapping[str, str]], sort: str, properties: Sequence[str]
    ) -> list[Record]:
        """The first 200 records that meet every filter, ascending by `sort`."""
        body = {
            "filterGroups": [{"filters": list(filters)}],
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": list(properties),
            "limit": SEARCH_PAGE,
        }
        answer = self.http.request(
            "POST", f"{self.objects(obj)}/search", json=body, bucket=SEARCH_BUCKET, retry=True
        )
        found: list[Record] = answer.json()["results"]
        return found

    def get(self, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        document: Mapping[str, Any] = self.http.request("GET", path, params=params).json()
        return document

    def batch(self, obj: str, verb: str, body: Any, *, retry: bool, accept: Sequence[int] = ()) -> Answer:
        """POST .../batch/{verb}; a 2xx answer may still carry `errors`, whatever its status."""
        return self.http.request(
            "POST", f"{self.objects(obj)}/batch/{verb}", json=body, retry=retry, accept=accept
        )


def next_after(document: Mapping[str, Any]) -> str | None:
    """The cursor of the next page; None at the end."""
    following = (document.get("paging") or {}).get("next") or {}
    after = following.get("after")
    return None if after is None else str(after)
