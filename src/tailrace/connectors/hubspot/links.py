"""Associations: which records belong together. HubSpot has no time for them, so each read is the whole table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tailrace.connectors.hubspot.api import Api, next_after, through
from tailrace.connectors.hubspot.batches import is_not_found
from tailrace.connectors.hubspot.offers import ASSOCIATION_KEY
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.unchanged import Window
from tailrace.events import Notice, emit
from tailrace.records import Checkpoint, Column, Page, Schema, Scope

SCHEMA = Schema(
    columns=(
        Column("from_id"),
        Column("to_id"),
        Column("type_id", "bigint"),
        Column("category"),
        Column("label"),
    ),
    primary_key=ASSOCIATION_KEY,
)
DEFAULT_BATCH = 1000


def read(
    api: Api, resource: ResourceSpec, ends: tuple[str, str], position: Mapping[str, Any] | None
) -> Iterator[Page | Checkpoint]:
    """Every association of the two objects, or nothing where they are as they were."""
    reading = _Links(api, *ends, int(resource.options.get("batch") or DEFAULT_BATCH))
    window = Window((position or {}).get("digest"))
    for rows in window.pages(reading.pages()):
        yield Page(rows)
    if reading.refused:
        text = f"{api.http.context.connection}.{resource.name}: not all associations were read ({reading.refused})"
        emit(Notice("warning", f"{text}; none is taken for deleted"))
        yield Checkpoint({})
        return
    what = f"{api.http.context.connection}.{resource.name}"
    yield Checkpoint({"digest": window.digest}, window.covered((Scope(),), what))


class _Links:
    """`refused` is HubSpot's reason where it left out some records for another cause than having no association."""

    def __init__(self, api: Api, one: str, other: str, size: int) -> None:
        self._api, self._one, self._size = api, one, size
        self._path = f"{api.associations(one, other)}/batch/read"
        self.refused = ""

    def pages(self) -> Iterator[list[dict[str, Any]]]:
        waiting: list[dict[str, str]] = []
        for records in through(self._api.listing(self._one, ["hs_object_id"]), self._one):
            waiting += [{"id": record["id"]} for record in records]
            while len(waiting) >= self._size:
                yield from self._asked(waiting[: self._size])
                waiting = waiting[self._size :]
        if waiting:
            yield from self._asked(waiting)

    def _asked(self, inputs: Sequence[Mapping[str, str]]) -> Iterator[list[dict[str, Any]]]:
        while inputs:
            answer = self._api.http.request("POST", self._path, json={"inputs": list(inputs)}, retry=True)
            document = answer.json() or {}
            results = self._api.results(document)
            rows = [row for result in results for row in _rows(result)]
            if rows:
                yield rows
            self._judge(document.get("errors") or [])
            more = [(result["from"]["id"], next_after(result)) for result in results]
            inputs = [{"id": str(key), "after": after} for key, after in more if after is not None]

    def _judge(self, errors: Sequence[Mapping[str, Any]]) -> None:
        for error in errors:
            if not is_not_found(error):
                self.refused = str(error.get("message") or error.get("category"))


def _rows(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    start = str(result["from"]["id"])
    for end in result.get("to") or []:
        for kind in end.get("associationTypes") or []:
            yield {
                "from_id": start,
                "to_id": str(end["toObjectId"]),
                "type_id": kind.get("typeId"),
                "category": kind.get("category"),
                "label": kind.get("label"),
            }
