"""Text and tables that fit the terminal they are shown on."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

from tailrace.cli.render import table

USUAL, NARROWEST, WIDEST = 120, 60, 160
LEAST = 12
"""Characters that a shortened cell keeps at least."""


def width() -> int:
    """Columns of the terminal; of a file, what reads well."""
    found = shutil.get_terminal_size((USUAL, 24)).columns
    return max(NARROWEST, min(found, WIDEST))


def wrapped(text: str, indent: str) -> str:
    """Lines no longer than the terminal, all but the first a little further in."""
    return "\n".join(
        textwrap.wrap(
            text, width(), initial_indent=indent, subsequent_indent=indent + "  ",
            break_long_words=False, break_on_hyphens=False,
        )
    ) or indent.rstrip()  # fmt: skip


def fitted(headers: Sequence[str], rows: Sequence[Sequence[Any]], *, indent: str = "") -> str:
    """A table whose longest texts are cut until it fits; columns that cannot fit at all are left out and counted."""
    headers, rows = list(headers), [[_cell(value) for value in row] for row in rows]
    kept = len(headers)
    while (
        kept > 1
        and sum(min(LEAST, one) for one in _widths(headers[:kept], rows)) + _gaps(kept, indent) > width()
    ):
        kept -= 1
    hidden = len(headers) - kept
    headers, rows = headers[:kept], [row[:kept] for row in rows]
    widths = _widths(headers, rows)
    while sum(widths) + _gaps(kept, indent) > width() and max(widths) > LEAST:
        widths[widths.index(max(widths))] -= 1
    cut = [[_cut(value, most) for value, most in zip(row, widths, strict=True)] for row in rows]
    found = table(
        [str(_cut(name, most)) for name, most in zip(headers, widths, strict=True)], cut, indent=indent
    )
    return f"{found}\n{indent}and {hidden} more column{'s' if hidden > 1 else ''}" if hidden else found


def _gaps(columns: int, indent: str) -> int:
    return 2 * (columns - 1) + len(indent)


def _widths(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[int]:
    return [
        max(
            [
                len(name),
                *(len(f"{row[at]:g}" if isinstance(row[at], float) else str(row[at])) for row in rows),
            ]
        )
        for at, name in enumerate(headers)
    ]


def _cell(value: Any) -> Any:
    """Numbers as they are; other values as one line of text, NULL as a dash."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return "-" if value is None else " ".join(str(value).split())


def _cut(value: Any, most: int) -> Any:
    return value if not isinstance(value, str) or len(value) <= most else value[: max(1, most - 3)] + "..."
