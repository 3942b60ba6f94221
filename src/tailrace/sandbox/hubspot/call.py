"""One routed API call, and how records are shown in its answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tailrace.sandbox.clock import iso
from tailrace.sandbox.hubspot.errors import Refusal, invalid
from tailrace.sandbox.hubspot.kinds import (
    DEFAULT_PROPERTIES,
    SINGULAR,
    created_property,
    modified_property,
)
from tailrace.sandbox.hubspot.portal import Portal
from tailrace.sandbox.store import Record
from tailrace.sandbox.vendor import RowError
from tailrace.sandbox.wire import Request, Response


@dataclass(frozen=True)
class Call:
    """A request with its route's arguments (percent-decoded) and the API version of its path."""

    request: Request
    version: str
    args: dict[str, str]
    row_errors: list[RowError] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        """The JSON object in the body; Refusal where there is none."""
        try:
            document = self.request.json()
        except orjson.JSONDecodeError as error:
            raise invalid(f"Invalid input JSON on line 1: {error}") from error
        if not isinstance(document, dict):
            raise invalid("Invalid input JSON: an object is expected")
        return document

    def listed(self, name: str) -> list[str]:
        """A list in the query, whether its key is repeated or its values are joined by commas."""
        return [item for value in self.request.params(name) for item in value.split(",") if item]

    def flag(self, name: str) -> bool:
        """A boolean in the query, false where absent."""
        return (self.request.param(name) or "").lower() == "true"

    def limit(self, default: int, most: int) -> int:
        """The page size; Refusal where it is no number or above `most`."""
        text = self.request.param("limit")
        if not text:
            return default
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise invalid(f"Invalid limit {text}: it must be between 1 and {most}")
        return int(text)

    def after(self) -> int:
        """The paging cursor, 0 at the start."""
        text = self.request.param("after")
        if not text:
            return 0
        if not text.isdigit():
            raise invalid(f"Invalid paging cursor: {text}")
        return int(text)


@dataclass(frozen=True)
class View:
    """What is shown of each record."""

    names: tuple[str, ...]
    with_history: tuple[str, ...] = ()
    associations: tuple[str, ...] = ()


def view_of(
    portal: Portal,
    obj: str,
    properties: Iterable[str],
    with_history: Iterable[str] = (),
    associations: Iterable[str] = (),
) -> View:
    """The properties asked for that are defined, or the object's own choice; ids and times always."""
    schema = portal.schemas[obj]
    always = (created_property(obj), modified_property(obj), "hs_object_id")
    history = tuple(name for name in with_history if schema.live(name))
    asked = [name for name in (*properties, *history) if schema.live(name)]
    names = {*always, *(asked or ([] if any(properties) else DEFAULT_PROPERTIES.get(obj, ())))}
    targets = tuple(portal.object_type(target) for target in associations)
    return View(tuple(sorted(names)), history, targets)


def show(portal: Portal, obj: str, record: Record, view: View) -> dict[str, Any]:
    """A record as an answer has it; a property asked for that has no value is null."""
    values = record["properties"]
    shown = {
        "id": record["id"],
        "properties": {name: values.get(name) for name in view.names},
        "createdAt": record["createdAt"],
        "updatedAt": record["updatedAt"],
        "archived": record["archived"],
    }
    if record["archived"]:
        shown["archivedAt"] = record["archivedAt"]
    if view.with_history:
        shown["propertiesWithHistory"] = {
            name: portal.histories.of(obj, record, name) for name in view.with_history
        }
    if view.associations:
        shown["associations"] = _associations(portal, obj, record["id"], view.associations)
    return shown


def show_written(obj: str, record: Record, changes: Iterable[str]) -> dict[str, Any]:
    """A record as the answer to a write has it: what was written and the object's own choice, without nulls."""
    values = record["properties"]
    always = (created_property(obj), modified_property(obj), "hs_object_id")
    names = sorted({*always, *DEFAULT_PROPERTIES.get(obj, ()), *changes})
    return {
        "id": record["id"],
        "properties": {name: values[name] for name in names if name in values},
        "createdAt": record["createdAt"],
        "updatedAt": record["updatedAt"],
        "archived": record["archived"],
    }


def _associations(portal: Portal, obj: str, key: str, targets: tuple[str, ...]) -> dict[str, Any]:
    found = {}
    for target in targets:
        name = f"{SINGULAR.get(obj, obj)}_to_{SINGULAR.get(target, target)}"
        linked = portal.links.of(obj, key, target)
        if linked:
            found[target] = {"results": [{"id": target_id, "type": name} for target_id, _ in linked]}
    return found


def inputs_of(document: dict[str, Any], most: int) -> list[dict[str, Any]]:
    """The `inputs` of a batch; Refusal where they are none, malformed, or more than `most`."""
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(item, dict) for item in inputs):
        raise invalid("Invalid input JSON: inputs must be a list of objects")
    if not inputs:
        raise invalid("Some required fields were not set: [inputs]")
    if len(inputs) > most:
        raise Refusal(
            400, "VALIDATION_ERROR", f"The maximum number of inputs supported in a batch request is {most}"
        )
    return inputs


def batch_answer(
    portal: Portal,
    status: int,
    results: list[dict[str, Any]],
    errors: list[dict[str, Any]],
    started: str | None = None,
) -> Response:
    """The answer to a batch: 207 instead of `status` where rows were refused."""
    now = iso(portal.clock.now())
    document: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": started or now,
        "completedAt": now,
    }
    if not errors:
        return Response.of(status, document)
    return Response.of(207, {**document, "numErrors": len(errors), "errors": errors})
