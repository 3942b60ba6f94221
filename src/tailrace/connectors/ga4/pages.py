"""A report's pages, of one state of the report: GA4 goes on counting while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tailrace.connectors.sdk.paging import by_offset
from tailrace.errors import Unavailable

Document = Mapping[str, Any]
ATTEMPTS = 3
HELD_ROWS = 100_000
"""Rows kept back while the report may still prove to have moved; a longer one is handed on as it comes."""


def steady(fetch: Callable[[int], Document], place: str) -> Iterator[Document]:
    """Pages by offset whose `rowCount` agree; where it moves between two of them, all are asked for again.

    Unavailable where it moves each time, or once rows were handed on.
    """
    for _ in range(ATTEMPTS):
        held: list[Document] = []
        waiting, first = 0, None
        for page in by_offset(fetch, rows_of, total_of):
            first = total_of(page) if first is None else first
            if total_of(page) != first:
                break
            held.append(page)
            waiting += rows_of(page)
            if waiting > HELD_ROWS:
                yield from held
                held = []
        else:
            yield from held
            return
        if waiting > HELD_ROWS:
            break
    raise Unavailable(f"{place}: the report changed while its pages were read", "run again")


def rows_of(page: Document) -> int:
    """Rows of one page; a page without rows has no such key."""
    return len(page.get("rows") or [])


def total_of(page: Document) -> int:
    """Rows of the whole report."""
    return int(page.get("rowCount") or 0)
