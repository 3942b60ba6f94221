"""A report's pages, of one state of the report: GA4 goes on counting while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tailrace.connectors.sdk.paging import by_offset
from tailrace.errors import Unavailable

Document = Mapping[str, Any]
METADATA: Mapping[str, type] = {"dimensions": list, "metrics": list}
REPORT: Mapping[str, type] = {
    "rows": list,
    "dimensionHeaders": list,
    "metricHeaders": list,
    "metadata": Mapping,
    "propertyQuota": Mapping,
    "rowCount": int,
    "kind": str,
}
"""What the parts of an answer are, where it has them: an empty report has no rows and no rowCount."""
SIGNS = ("metadata", "kind", "metricHeaders")
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


def is_report(document: Any) -> bool:
    """An answer of runReport, an empty one too; `{}` is none."""
    if not is_shaped(document, REPORT) or not any(document.get(name) for name in SIGNS):
        return False
    rows = document.get("rows") or []
    headers = document.get("metricHeaders") or []
    return all(map(_is_row, rows)) and all(isinstance(head, Mapping) and "name" in head for head in headers)


def _is_row(row: Any) -> bool:
    if not isinstance(row, Mapping):
        return False
    cells = [row.get(name) for name in ("dimensionValues", "metricValues")]
    return all(isinstance(of, list) and all(isinstance(cell, Mapping) for cell in of) for of in cells)


def is_shaped(document: Any, parts: Mapping[str, type]) -> bool:
    """An object whose parts, where it has them, are of these types."""
    if not isinstance(document, Mapping):
        return False
    return all(isinstance(document[name], kind) for name, kind in parts.items() if document.get(name))


def rows_of(page: Document) -> int:
    """Rows of one page; a page without rows has no such key."""
    return len(page.get("rows") or [])


def total_of(page: Document) -> int:
    """Rows of the whole report."""
    return int(page.get("rowCount") or 0)
