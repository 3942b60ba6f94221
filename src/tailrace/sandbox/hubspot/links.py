"""Associations between records, kept in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from tailrace.sandbox.hubspot.kinds import ALONG_WITH, INVERSE, PRIMARY

Association = tuple[str, str, str, str, int]
Pair = tuple[str, str]
Types = frozenset[int]


@cache
def _brought_by(kind: int) -> Types:
    return frozenset({kind, ALONG_WITH[kind]} if kind in ALONG_WITH else {kind})


@cache
def _inverse(kinds: Types) -> Types:
    return frozenset(INVERSE.get(kind, kind) for kind in kinds)


@cache
def _shared(kinds: Types) -> Types:
    """One object per set of type ids: there are few, and hundreds of thousands of associations."""
    return kinds


class Links:
    """Which record is associated with which, and by what type ids."""

    def __init__(self, associations: Iterable[Association] = ()) -> None:
        self._links: dict[Pair, dict[str, dict[str, Types]]] = {}
        for source, source_id, target, target_id, kind in associations:
            self.add(source, source_id, target, target_id, kind)

    def add(self, source: str, source_id: str, target: str, target_id: str, kind: int) -> None:
        """Associate two records; a primary association brings the unlabeled one along, and every one its inverse."""
        kinds = _brought_by(kind)
        there = self._of(source, source_id, target)
        there[target_id] = _shared(there.get(target_id, kinds) | kinds)
        back = self._of(target, target_id, source)
        inverse = _inverse(kinds)
        back[source_id] = _shared(back.get(source_id, inverse) | inverse)

    def remove(
        self, source: str, source_id: str, target: str, target_id: str, kinds: Types | None = None
    ) -> bool:
        """Take away all types between two records, or only some; False where there was none."""
        there = self._of(source, source_id, target).get(target_id)
        if there is None:
            return False
        gone = there if kinds is None else kinds & there
        self._take(source, source_id, target, target_id, gone)
        self._take(target, target_id, source, source_id, _inverse(gone))
        return bool(gone)

    def of(self, source: str, source_id: str, target: str) -> list[tuple[str, list[int]]]:
        """The associated records of one type in id order, each with its type ids."""
        found = self._links.get((source, target), {}).get(source_id, {})
        return [(key, sorted(found[key])) for key in sorted(found, key=lambda key: (len(key), key))]

    def primary(self, source: str, source_id: str, target: str) -> str | None:
        """The id of the primary associated record."""
        return next(
            (key for key, kinds in self.of(source, source_id, target) if PRIMARY.keys() & kinds), None
        )

    def forget(self, source: str, source_id: str) -> list[Association]:
        """Take away everything of one record; what was taken comes back, for a restoration or a merge."""
        taken: list[Association] = []
        for obj, target in list(self._links):
            if obj != source:
                continue
            for target_id, kinds in self.of(source, source_id, target):
                taken += [(source, source_id, target, target_id, kind) for kind in kinds]
                self.remove(source, source_id, target, target_id)
        return taken

    def __iter__(self) -> Iterator[Association]:
        """Every association, both directions."""
        for (source, target), by_source in sorted(self._links.items()):
            for source_id, targets in by_source.items():
                for target_id, kinds in targets.items():
                    for kind in sorted(kinds):
                        yield source, source_id, target, target_id, kind

    def _of(self, source: str, source_id: str, target: str) -> dict[str, Types]:
        return self._links.setdefault((source, target), {}).setdefault(source_id, {})

    def _take(self, source: str, source_id: str, target: str, target_id: str, kinds: Types) -> None:
        there = self._of(source, source_id, target)
        left = there.get(target_id, kinds) - kinds
        if left:
            there[target_id] = _shared(left)
        else:
            there.pop(target_id, None)
