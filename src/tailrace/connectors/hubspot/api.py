"""HubSpot's paths in each API version, and its listings, searches and batches as plain calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tailrace.connectors.hubspot.batches import document_of, entries, match_key, unanswered
from tailrace.connectors.hubspot.offers import STANDARD
from tailrace.connectors.sdk.http import Answer, Http, plain_message
from tailrace.connectors.sdk.paging import by_cursor, chunks
from tailrace.errors import FatalError, Unavailable, near_miss

LIST_PAGE, SEARCH_PAGE, BATCH_READ = 100, 200, 100
SEARCH_BUCKET = "search"
NO_SUCH_OBJECT = (400, 404)
"""What HubSpot answers about an object type that the account has not."""
Record = dict[str, Any]


class CursorExpired(Exception):
    """HubSpot no longer takes a listing's cursor; the text is its reason."""


@dataclass(frozen=True)
class Listed:
    """A page of a listing; `after` is the cursor of the next one, None on the last."""

    records: list[Record]
    after: str | None


@dataclass(frozen=True)
class Api:
    """One account at one API version. Paths: vendor-apis.md 1.2 (HubSpot's specs)."""

    http: Http
    version: str
    _names: dict[str, str] = field(default_factory=dict)
    _placed: set[str] = field(default_factory=set)

    def path(self, area: str, rest: str = "") -> str:
        """/crm/v3/objects/... or /crm/objects/2026-09/..."""
        base = f"/crm/v3/{area}" if self.version == "v3" else f"/crm/{area}/{self.version}"
        return f"{base}/{rest}" if rest else base

    def objects(self, obj: str) -> str:
        return self.path("objects", self._names.get(obj, obj))

    def associations(self, one: str, other: str) -> str:
        base = "/crm/v4/associations" if self.version == "v3" else self.path("associations")
        return f"{base}/{self._names.get(one, one)}/{self._names.get(other, other)}"

    def place(self, obj: str) -> None:
        """Learn how paths call an object that is not a standard one; FatalError where the account has none of that name."""
        if obj not in STANDARD and obj not in self._placed:
            self.properties(obj)

    def properties(self, obj: str) -> list[Record]:
        """Every property that the object has now, as HubSpot describes it.

        A custom object may go by its bare name, which only the account's schemas turn into a path. FatalError where the
        account has no such object.
        """
        name = self._names.get(obj, obj)
        accept = () if obj in STANDARD else NO_SUCH_OBJECT
        answer = self.http.request("GET", self.path("properties", name), accept=accept)
        if answer.status in NO_SUCH_OBJECT:
            self._names[obj] = self._type_id(obj, plain_message(answer))
            return self.properties(obj)
        self._placed.add(obj)
        return [found for found in self.results(self._mapping(answer)) if not found.get("archived")]

    def _type_id(self, obj: str, said: str) -> str:
        schemas = [] if obj in self._names else self.schemas()
        found = next((one["objectTypeId"] for one in schemas if obj in _called(one)), None)
        if found is None:
            known = [*STANDARD, *(str(one["name"]) for one in schemas)]
            what = f"{self.http.context.connection}: the account has no object {obj!r}"
            raise FatalError(what if schemas or not said else f"{what} ({said})", near_miss(obj, known))
        return str(found)

    def schemas(self) -> list[Record]:
        """The account's custom objects; none where the token may not see them."""
        try:
            document = self.get(f"/crm-object-schemas/{self.version}/schemas", {})
        except FatalError:
            return []
        return [found for found in self.results(document) if not found.get("archived")]

    def listing(
        self, obj: str, properties: Sequence[str], *, archived: bool = False, after: str | None = None
    ) -> Iterator[Listed]:
        """Every record by ascending id, 100 a page, from the cursor `after` on. CursorExpired where it is refused."""
        wanted = {"properties": ",".join(properties), "archived": str(archived).lower()}
        return self.pages(self.objects(obj), wanted, after=after)

    def pages(self, path: str, params: Mapping[str, str], *, after: str | None = None) -> Iterator[Listed]:
        """The pages of any listing, 100 records each."""
        wanted = {"limit": str(LIST_PAGE), **params}

        def fetch(cursor: str | None) -> Mapping[str, Any]:
            behind = cursor or after
            if behind is None:
                return self.get(path, wanted)
            answer = self.http.request("GET", path, params={**wanted, "after": behind}, accept=(400,))
            if answer.status == 400:
                raise CursorExpired(self.http.scrub(plain_message(answer)))
            return self._mapping(answer)

        for document in by_cursor(fetch, next_after):
            yield Listed(self.results(document), next_after(document))

    def search(
        self, obj: str, filters: Sequence[Mapping[str, str]], sort: str, properties: Sequence[str]
    ) -> list[Record]:
        """The first 200 records that meet every filter, ascending by `sort`."""
        more = {
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": list(properties),
            "limit": SEARCH_PAGE,
        }
        return self.results(self._searched(obj, filters, more))

    def holding(self, obj: str, name: str, values: Sequence[str]) -> Iterator[list[Record]]:
        """Every record whose property has one of the values (lower case), 200 a page."""
        filters = [{"propertyName": name, "operator": "IN", "values": list(values)}]

        def fetch(cursor: str | None) -> Mapping[str, Any]:
            more: dict[str, Any] = {"properties": [name], "limit": SEARCH_PAGE}
            return self._searched(obj, filters, {**more, "after": cursor} if cursor else more)

        for document in by_cursor(fetch, next_after):
            yield self.results(document)

    def total(self, obj: str, filters: Sequence[Mapping[str, str]]) -> int:
        """How many records meet every filter."""
        return int(self._searched(obj, filters, {"limit": 1}).get("total") or 0)

    def _searched(
        self, obj: str, filters: Sequence[Mapping[str, Any]], more: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        body = {"filterGroups": [{"filters": list(filters)}], **more}
        return self._mapping(
            self.http.request(
                "POST", f"{self.objects(obj)}/search", json=body, bucket=SEARCH_BUCKET, retry=True
            )
        )

    def read(self, obj: str, ids: Sequence[str], properties: Sequence[str]) -> Iterator[list[Record]]:
        """The records of those ids that live; unknown and archived ones are left out."""
        for some in chunks(ids, BATCH_READ):
            body = {"inputs": [{"id": key} for key in some], "properties": list(properties)}
            document = self.batch(obj, "read", body, retry=True, accept=(404,)).json() or {}
            yield [record for record in document.get("results") or [] if not record.get("archived")]

    def found(
        self, obj: str, id_property: str | None, keys: Sequence[str], wanted: Mapping[str, Any]
    ) -> dict[str, Record]:
        """One batch read: records by the keys asked for, as `match_key` makes them; None: the keys are record ids.

        A key that HubSpot calls unknown is absent; Unavailable where the answer says nothing of one: that it is not there
        must not follow from silence. Merged records and second e-mails come under another key, so they are asked for alone.
        """
        asked = {match_key(key): str(key) for key in keys}
        body: dict[str, Any] = {"inputs": [{"id": key} for key in asked.values()], **wanted}
        if id_property:
            body["idProperty"] = id_property
        answer = self.batch(obj, "read", body, retry=True, accept=(404,))
        by_key: dict[str, Record] = {}
        others: list[Record] = []
        for record in entries(document_of(answer), "results"):
            key = match_key(_name(record, id_property))
            if key in asked:
                by_key[key] = dict(record)
            else:
                others.append(dict(record))
        left = unanswered(asked, by_key, answer)
        if len(left) > len(others) or (left and len(asked) == 1 and len(others) > 1):
            what = f"{self.http.context.connection}: HubSpot's answer says nothing of {len(left)} of {len(asked)} {obj}"
            raise Unavailable(what, "run again")
        if left and len(asked) == 1:
            return dict.fromkeys(left, others[0])
        for key in left:
            by_key |= self.found(obj, id_property, [asked[key]], wanted)
        return by_key

    def get(self, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        return self._mapping(self.http.request("GET", path, params=params))

    def _mapping(self, answer: Answer) -> Mapping[str, Any]:
        document = answer.json()
        if not isinstance(document, Mapping):
            raise Unavailable(f"{self.http.context.connection}: the answer is no JSON object", "run again")
        return document

    def results(self, document: Mapping[str, Any]) -> list[Record]:
        """The records in an answer; Unavailable where it has none, not even an empty list."""
        found = document.get("results")
        if not isinstance(found, list):
            raise Unavailable(f"{self.http.context.connection}: the answer has no results", "run again")
        return found

    def batch(self, obj: str, verb: str, body: Any, *, retry: bool, accept: Sequence[int] = ()) -> Answer:
        """POST .../batch/{verb}; a 2xx answer may still carry `errors`, whatever its status."""
        return self.http.request(
            "POST", f"{self.objects(obj)}/batch/{verb}", json=body, retry=retry, accept=accept
        )


def _name(record: Mapping[str, Any], id_property: str | None) -> str:
    values = record.get("properties")
    named = record.get("id") if id_property is None else (values or {}).get(id_property)
    return "" if named is None else str(named)


def next_after(document: Mapping[str, Any]) -> str | None:
    """The cursor of the next page; None at the end."""
    following = (document.get("paging") or {}).get("next") or {}
    after = following.get("after")
    return None if after is None else str(after)


def through(pages: Iterator[Listed], what: str) -> Iterator[list[Record]]:
    """The records of a listing that cannot be taken up again: an expired cursor ends it with Unavailable."""
    try:
        for page in pages:
            if page.records:
                yield page.records
    except CursorExpired as expired:
        raise Unavailable(f"HubSpot's cursor through {what} has expired ({expired})", "run again") from None


def _called(schema: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(schema.get(name)) for name in ("name", "fullyQualifiedName", "objectTypeId"))
