"""Walks the pages of a listing, and refuses to walk in circles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from tailrace.errors import Unavailable

T = TypeVar("T")
Document = Mapping[str, Any]


def by_cursor(
    fetch: Callable[[str | None], Document], next_of: Callable[[Document], str | None]
) -> Iterator[Document]:
    """Documents until `next_of` names no cursor; a cursor that comes twice would loop for ever: Unavailable."""
    cursor: str | None = None
    walked: set[str] = set()
    while True:
        document = fetch(cursor)
        yield document
        following = next_of(document)
        if following is None:
            return
        if following in walked:
            raise Unavailable(
                f"the vendor repeats the page cursor {following!r}", "run again; if it stays, tell the vendor"
            )
        walked.add(following)
        cursor = following


def by_offset(
    fetch: Callable[[int], Document], rows_of: Callable[[Document], int], total_of: Callable[[Document], int]
) -> Iterator[Document]:
    """Documents until as many rows came as the newest document says there are; an empty page before that: Unavailable."""
    offset = 0
    while True:
        document = fetch(offset)
        rows, total = rows_of(document), total_of(document)
        yield document
        offset += rows
        if offset >= total:
            return
        if rows == 0:
            raise Unavailable(
                f"the vendor answered {offset} of {total} rows and then an empty page", "run again"
            )


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Consecutive slices of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
