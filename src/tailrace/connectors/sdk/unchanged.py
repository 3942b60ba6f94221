"""Holds back a window that was read again and found as it was, so that an idle run lands nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from tailrace.events import Notice, emit
from tailrace.records import Scope

Row = dict[str, Any]
EMPTIED = "emptied"
HELD_ROWS = 100_000
"""Rows kept in memory while the window may still prove unchanged; a longer one is handed on as it comes."""


class Window:
    """A complete re-read of something without cursors. `known` is the digest that the last committed position holds.

    After `pages` is exhausted, `same` says that nothing was handed on because all rows together are what `known` says,
    and `digest` is to be remembered: that of the rows of which `again` says that the next read shows them again
    (default: all). The order of the rows does not matter. `emptied`: there were rows, and now there is none.
    """

    def __init__(
        self, known: str | None, again: Callable[[Row], bool] | None = None, held_rows: int = HELD_ROWS
    ) -> None:
        self._known, self._again, self._held_rows = known, again, held_rows
        self._all, self._next = _Sum(), _Sum()
        self.same = False

    @property
    def digest(self) -> str:
        return EMPTIED if self.emptied else (self._all if self._again is None else self._next).text()

    @property
    def emptied(self) -> bool:
        count = (self._known or "").partition(":")[0]
        return not self._all.count and count.isdigit() and int(count) > 0

    def covered(self, scopes: tuple[Scope, ...], what: str) -> tuple[Scope, ...]:
        """The scopes to claim: none where nothing was handed on, and none for an answer that is suddenly empty.

        A lost permission or a broken answer looks so; where the next read is empty, too, its rows are gone.
        """
        if self.emptied:
            text = f"{what}: the vendor shows no row where there were some; nothing is removed unless the next read says so, too"
            emit(Notice("warning", text))
        return () if self.same or self.emptied else scopes

    def pages(self, pages: Iterable[list[Row]]) -> Iterator[list[Row]]:
        """The pages, late: none at all where the window is as it was."""
        held: list[list[Row]] = []
        holding = self._known is not None
        for page in filter(None, pages):
            self._add(page)
            held.append(page)
            if not holding or self._all.count > self._held_rows:
                holding = False
                yield from held
                held = []
        self.same = holding and self._all.text() == self._known
        if not self.same:
            yield from held

    def _add(self, page: list[Row]) -> None:
        for row in page:
            text = _text(row)
            number = int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")
            self._all.add(number)
            if self._again is not None and self._again(row):
                self._next.add(number)


def _text(row: Row) -> bytes:
    try:
        return orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a whole number of more than 64 bits
        return json.dumps(row, sort_keys=True).encode()


class _Sum:
    """Numbers of 128 bits added up: the same for any order."""

    def __init__(self) -> None:
        self.count, self._total = 0, 0

    def add(self, number: int) -> None:
        self.count += 1
        self._total = (self._total + number) & ((1 << 128) - 1)

    def text(self) -> str:
        return f"{self.count}:{self._total:032x}"
