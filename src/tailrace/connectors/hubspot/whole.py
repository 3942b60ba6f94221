"""Short lists that are read whole, object by object, and handed on only where something in them differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tailrace.connectors.hubspot.api import Api, Record
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.unchanged import Window
from tailrace.errors import AuthError
from tailrace.events import Notice, emit
from tailrace.records import Checkpoint, Page, Scope

Rows = Callable[[str], list[Record]]


def chosen(resource: ResourceSpec, default: Sequence[str] | Mapping[str, Any]) -> Sequence[str] | Objects:
    """The objects that the resource names; else all that the token may read of the default."""
    return list(resource.options.get("objects") or ()) or Objects(default)


class Objects(list[str]):
    """Objects that nobody named: one that the token may not read is left out."""


def read_whole(
    api: Api, name: str, objects: Sequence[str], rows: Rows, position: Mapping[str, Any] | None
) -> Iterator[Page | Checkpoint]:
    """All rows of all objects, each object a scope; rows carry `updatedAt`. AuthError where a named object is refused."""
    window = Window((position or {}).get("digest"))
    reading = _Reading(api, name, objects, rows)
    for found in window.pages(reading.pages()):
        yield Page(found, [row["updatedAt"] for row in found])
    yield Checkpoint({"digest": window.digest}, window.covered((reading.scope(),), reading.place))


class _Reading:
    """Reads object by object; `refused` are those that the token may not read."""

    def __init__(self, api: Api, name: str, objects: Sequence[str], rows: Rows) -> None:
        self.place = f"{api.http.context.connection}.{name}"
        self._objects, self._rows = objects, rows
        self._refused: list[str] = []

    def pages(self) -> Iterator[list[Record]]:
        for obj in self._objects:
            try:
                found = self._rows(obj)
            except AuthError:
                self._refused.append(obj)
                if not isinstance(self._objects, Objects) or len(self._refused) == len(self._objects):
                    raise
                continue
            yield found
        if self._refused:
            names = ", ".join(self._refused)
            emit(Notice("warning", f"{self.place}: the token may not read {names}; left out"))

    def scope(self) -> Scope:
        """What was read completely: of a refused object nothing is known, so its rows stay."""
        read = tuple(name for name in self._objects if name not in self._refused)
        return Scope({"object": read}) if self._refused else Scope()
