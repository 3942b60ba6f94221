"""Expected and actual rows side by side: what is missing, what should not be there, which cells changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tailrace.build.testing.outcome import Samples

Row = tuple[Any, ...]
MARK = "row"
SHOWN = 20


def difference(columns: Sequence[str], missing: Sequence[Row], unexpected: Sequence[Row]) -> Samples:
    """One line for each row that differs; a changed cell reads `expected -> actual`."""
    pairs, gone, extra = _paired(missing, unexpected)
    lines = [("changed", *_cells(before, after)) for before, after in pairs]
    lines += [("missing", *map(shown, row)) for row in gone]
    lines += [("unexpected", *map(shown, row)) for row in extra]
    return Samples((MARK, *columns), tuple(lines))


def _paired(
    missing: Sequence[Row], unexpected: Sequence[Row]
) -> tuple[list[tuple[Row, Row]], list[Row], list[Row]]:
    """Rows that agree in the most cells belong together, the most alike first."""
    likeness = sorted(
        (
            (-_alike(before, after), i, j)
            for i, before in enumerate(missing)
            for j, after in enumerate(unexpected)
            if _alike(before, after)
        ),
    )
    left, right = set(range(len(missing))), set(range(len(unexpected)))
    pairs: list[tuple[int, int]] = []
    for _, i, j in likeness:
        if i in left and j in right:
            pairs.append((i, j))
            left.discard(i)
            right.discard(j)
    found = [(missing[i], unexpected[j]) for i, j in sorted(pairs)]
    return found, [missing[i] for i in sorted(left)], [unexpected[j] for j in sorted(right)]


def _alike(before: Row, after: Row) -> int:
    """Equal cells that hold something; equal NULLs say little."""
    return sum(a == b and a is not None for a, b in zip(before, after, strict=True))


def _cells(before: Row, after: Row) -> list[str]:
    return [
        shown(a) if a == b and type(a) is type(b) else f"{shown(a)} -> {shown(b)}"
        for a, b in zip(before, after, strict=True)
    ]


def shown(value: Any) -> str:
    """A cell in words; NULL is no text, and an empty text is seen."""
    if value is None:
        return "NULL"
    return "''" if value == "" else str(value)
