"""What one Mailchimp account holds: a table per object, records flat in them and never changed in place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any

Record = dict[str, Any]
Key = tuple[str, ...]

KEYS: Mapping[str, tuple[str, ...]] = {
    "lists": ("id",),
    "merge_fields": ("list_id", "merge_id"),
    "members": ("list_id", "id"),
    "interest_categories": ("list_id", "id"),
    "interests": ("list_id", "category_id", "id"),
    "segments": ("list_id", "id"),
    "segment_members": ("list_id", "segment_id", "id"),
    "tags": ("list_id", "id"),
    "campaigns": ("id",),
    "reports": ("id",),
    "activity": ("campaign_id", "email_id", "action", "timestamp", "url", "ip"),
    "unsubscribes": ("campaign_id", "email_id"),
}
OBJECTS = tuple(KEYS)
OPTIONAL = frozenset({"url", "ip"})
"""Parts of a key that a record may leave out."""


class Table:
    """Records by key, in the order in which they came."""

    def __init__(self, name: str, records: Iterable[Record]) -> None:
        self.name, self._parts = name, KEYS[name]
        self._rows: dict[Key, Record] = {self.key(record): record for record in records}
        self._groups: dict[str, dict[str, list[Record]]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, record: Record) -> Key:
        """The parts of the record's key as texts; "" for one that is not there."""
        return tuple(str(record.get(part, "")) for part in self._parts)

    def all(self) -> list[Record]:
        return list(self._rows.values())

    def get(self, *parts: object) -> Record | None:
        """The record of a key."""
        return self._rows.get(tuple(map(str, parts)))

    def of(self, part: str, value: str) -> list[Record]:
        """The records with this value in a column; members are ordered by their last change."""
        if part not in self._groups:
            groups: dict[str, list[Record]] = {}
            for record in self._rows.values():
                groups.setdefault(str(record.get(part, "")), []).append(record)
            if self.name == "members":
                for rows in groups.values():
                    rows.sort(key=_changed)
            self._groups[part] = groups
        return self._groups[part].get(value, [])

    def put(self, record: Record) -> None:
        """Add a record or take the place of the one with its key."""
        self._rows[self.key(record)] = record
        self._groups.clear()

    def drop(self, record: Record) -> None:
        """Forget a record."""
        self._rows.pop(self.key(record), None)
        self._groups.clear()


class Account:
    """The tables by name; `writes` counts what the API wrote, `forgotten` are e-mails that were erased, by list."""

    def __init__(self, records: Mapping[str, list[Record]]) -> None:
        self.tables = {name: Table(name, records.get(name, ())) for name in OBJECTS}
        self.writes: dict[str, Counter[str]] = {name: Counter() for name in OBJECTS}
        self.forgotten: set[tuple[str, str]] = set()
        self.batches: dict[str, Record] = {}
        self.results: dict[str, bytes] = {}
        self.work: dict[str, Callable[[], list[tuple[Record, int]]]] = {}
        self._serial = count(1)

    def __getitem__(self, name: str) -> Table:
        """The table of an object; KeyError for an unknown one."""
        if name not in self.tables:
            raise KeyError(f"mailchimp has no {name}; it has {', '.join(OBJECTS)}")
        return self.tables[name]

    def serial(self) -> int:
        """A number never given before, for ids of what is made here."""
        return next(self._serial)

    def written(self, name: str, record: Record) -> None:
        """The API changed this record."""
        self[name].put(record)
        self.writes[name][str(record["id"])] += 1


def check(name: str, records: Iterable[Record]) -> None:
    """ValueError naming the first record that lacks a part of its key or stands there twice."""
    taken: set[Key] = set()
    for number, record in enumerate(records, start=1):
        for part in KEYS[name]:
            if part not in OPTIONAL and record.get(part) in (None, ""):
                raise ValueError(f"record {number} of {name} has no {part}")
        key = tuple(str(record.get(part, "")) for part in KEYS[name])
        if key in taken:
            raise ValueError(f"record {number} of {name}: {'/'.join(key)} is there more than once")
        taken.add(key)


def _changed(record: Record) -> tuple[str, int]:
    return str(record.get("last_changed") or ""), int(record.get("web_id") or 0)
