"""Holds back a window that was read again and found as it was, so that an idle run lands nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

Rows = list[dict[str, Any]]
HELD_ROWS = 100_000
"""Rows kept in memory while the window may still prove unchanged; a longer one is handed on as it comes."""


class Window:
    """A complete re-read of something without cursors. `known` is the digest that the last committed position holds.

    After `pages` is exhausted, `digest` is the window's own and `same` says that nothing was handed on because it equals
    `known`. The digest does not depend on the order of the rows.
    """

    def __init__(self, known: str | None, held_rows: int = HELD_ROWS) -> None:
        self._known, self._held_rows = known, held_rows
        self._sum, self._count = 0, 0
        self.same = False

    @property
    def digest(self) -> str:
        return f"{self._count}:{self._sum:032x}"

    def pages(self, pages: Iterable[Rows]) -> Iterator[Rows]:
        """The pages, late: none at all where the window is as it was."""
        held: list[Rows] = []
        holding = self._known is not None
        for page in pages:
            self._add(page)
            held.append(page)
            if not holding or self._count > self._held_rows:
                holding = False
                yield from held
                held = []
        self.same = holding and self.digest == self._known
        if not self.same:
            yield from held

    def _add(self, page: Rows) -> None:
        self._count += len(page)
        for row in page:
            text = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
            self._sum += int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")
        self._sum &= (1 << 128) - 1
