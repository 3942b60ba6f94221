"""The records of one vendor object: by id, in id order, in order of modification, and by unique values.

A record is a plain dict that is never changed in place: a write puts a new one. So a table can hold the world's own
records, and a reset costs no copy.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

Record = dict[str, Any]
Key = Callable[[Record], str | None]
_STATES = count()
"""Numbers every state of every table: a table put in another's place never looks like it."""


class Table:
    """Records with decimal ids; `modified` gives a record's time of modification in epoch milliseconds."""

    def __init__(self, records: Iterable[Record], modified: Callable[[Record], int]) -> None:
        self.version = next(_STATES)
        self.writes: Counter[str] = Counter()
        self._modified = modified
        self._rows: dict[str, Record] = {record["id"]: record for record in records}
        self._live = sorted(int(key) for key, record in self._rows.items() if not record["archived"])
        self._archived = sorted(int(key) for key, record in self._rows.items() if record["archived"])
        self._by_time: list[tuple[int, int]] | None = None
        self._unique: dict[str, tuple[Key, dict[str, str]]] = {}

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Record]:
        """The live records in id order."""
        rows = self._rows
        return (rows[str(number)] for number in self._live)

    def all(self) -> list[Record]:
        """Live and archived records, in id order."""
        return [self._rows[str(number)] for number in sorted(self._live + self._archived)]

    def get(self, key: str) -> Record | None:
        """The record of an id, archived or not."""
        return self._rows.get(key)

    def live(self, key: str) -> Record | None:
        """The record of an id unless it is archived."""
        record = self._rows.get(key)
        return None if record is None or record["archived"] else record

    def largest_id(self) -> int:
        """The highest id ever given here, 0 in an empty table."""
        return max(self._live[-1] if self._live else 0, self._archived[-1] if self._archived else 0)

    def page(self, after: int, limit: int, archived: bool = False) -> tuple[list[Record], bool]:
        """Up to `limit` records with ids above `after`, and whether more follow."""
        ids = self._archived if archived else self._live
        start = bisect_right(ids, after)
        rows = self._rows
        return [rows[str(number)] for number in ids[start : start + limit]], start + limit < len(ids)

    def modified_from(self, moment: int) -> list[Record]:
        """Live records modified at or after a time (epoch ms), oldest first, ids breaking ties."""
        view = self._time_view()
        rows = self._rows
        return [rows[str(number)] for _, number in view[bisect_left(view, (moment, -1)) :]]

    def unique(self, name: str, key: Key) -> dict[str, str]:
        """An index from a value to a live record's id, kept up to date from the first call on."""
        if name not in self._unique:
            self._unique[name] = (key, {value: row["id"] for row in self if (value := key(row)) is not None})
        return self._unique[name][1]

    def put(self, record: Record) -> None:
        """Add a record or take the place of the one with its id."""
        self.drop(record["id"])
        self._rows[record["id"]] = record
        number = int(record["id"])
        insort(self._archived if record["archived"] else self._live, number)
        if record["archived"]:
            return
        if self._by_time is not None:
            insort(self._by_time, (self._modified(record), number))
        for key, index in self._unique.values():
            if (value := key(record)) is not None:
                index[value] = record["id"]

    def drop(self, key: str) -> bool:
        """Forget a record altogether; False where there is none."""
        self.version = next(_STATES)
        record = self._rows.pop(key, None)
        if record is None:
            return False
        number = int(key)
        _take_out(self._archived if record["archived"] else self._live, number)
        if not record["archived"]:
            self._forget_live(record, number)
        return True

    def _forget_live(self, record: Record, number: int) -> None:
        if self._by_time is not None:
            _take_out(self._by_time, (self._modified(record), number))
        for key, index in self._unique.values():
            value = key(record)
            if value is not None and index.get(value) == record["id"]:
                del index[value]

    def _time_view(self) -> list[tuple[int, int]]:
        if self._by_time is None:
            self._by_time = sorted((self._modified(record), int(record["id"])) for record in self)
        return self._by_time


def _take_out(ordered: list[Any], item: Any) -> None:
    """Remove one item from a sorted list."""
    del ordered[bisect_left(ordered, item)]
