"""What `{{ }}` may print: an object's address, or a set's order, would be other SQL each time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableSet
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from jinja2 import Undefined

from tailrace.build.template.column import Column
from tailrace.build.template.failures import NotText
from tailrace.build.template.limits import check_size, measure
from tailrace.build.template.moment import Moment
from tailrace.build.template.relation import Relation


class Distinct(MutableSet[Any]):
    """A set in the order in which its items came."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._items = dict.fromkeys(items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, value: Any) -> None:
        self._items[value] = None

    def discard(self, value: Any) -> None:
        self._items.pop(value, None)

    def update(self, *others: Iterable[Any]) -> None:
        for other in others:
            self._items.update(dict.fromkeys(other))

    def union(self, *others: Iterable[Any]) -> Distinct:
        found = Distinct(self)
        found.update(*others)
        return found

    def intersection(self, *others: Iterable[Any]) -> Distinct:
        kept = [set(other) for other in others]
        return Distinct(item for item in self if all(item in other for other in kept))

    def difference(self, *others: Iterable[Any]) -> Distinct:
        gone = set().union(*others)
        return Distinct(item for item in self if item not in gone)

    def issubset(self, other: Iterable[Any]) -> bool:
        return set(self) <= set(other)

    def issuperset(self, other: Iterable[Any]) -> bool:
        return set(self) >= set(other)

    def __repr__(self) -> str:
        return "{" + ", ".join(map(repr, self)) + "}" if self else "set()"


PLAIN = (
    str, int, float, list, tuple, dict, Decimal, date, time, timedelta, tzinfo, Undefined, Distinct, Relation, Column,
)  # fmt: skip


class Truth:
    """True or false, known when it is read; subclasses say how."""

    def __bool__(self) -> bool:
        raise TypeError(type(self).__name__)

    def __eq__(self, other: object) -> bool:
        return bool(self) == other

    def __hash__(self) -> int:
        return hash(bool(self))

    def __str__(self) -> str:
        return str(bool(self))


def printed(value: Any) -> Any:
    """The value, if it always prints alike."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, Moment):
        return value.mark
    if not isinstance(value, (*PLAIN, Truth)):
        raise NotText("a function" if callable(value) else f"a {type(value).__name__}")
    check_size(measure(value))
    return value
