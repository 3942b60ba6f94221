"""Where things stand in a person's files: each key and value has its line and column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tailrace.errors import Location

EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Marks:
    """Places of a document's keys and values, by path: `at("fields", "score")`. Paths start behind `prefix`."""

    file: str
    places: Mapping[tuple[str | int, ...], Location] = field(default_factory=dict, repr=False)
    keys: Mapping[tuple[str | int, ...], Location] = field(default_factory=dict, repr=False)
    prefix: tuple[str | int, ...] = ()

    def at(self, *path: str | int) -> Location:
        """Where the value of `path` stands (a mapping's or list's: its key), else its nearest parent that is known."""
        return self._nearest(self.places, path)

    def key(self, *path: str | int) -> Location:
        """Where the key itself stands, for messages about the key and not its value."""
        place = self.keys.get(self.prefix + path)
        return place if place is not None else self.at(*path)

    def under(self, *path: str | int) -> Marks:
        """The same places with shorter paths: `marks.under("resources", "deals").at("properties", 0)`."""
        return Marks(self.file, self.places, self.keys, self.prefix + path)

    def _nearest(
        self, places: Mapping[tuple[str | int, ...], Location], path: tuple[str | int, ...]
    ) -> Location:
        whole = self.prefix + path
        while whole and whole not in places:
            whole = whole[:-1]
        return places.get(whole, Location(self.file))
