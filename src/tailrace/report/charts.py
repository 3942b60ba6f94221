"""Small drawings as SVG paths: geometry in whole numbers, and the same in words for whoever cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tailrace.report.document import KEPT, Check, Landed, Point, Suite, Volume
from tailrace.report.sentences import count, moment

STEP = 12
"""Pixels from one judgement to the next."""
WIDTH = KEPT * STEP
HEIGHT = 56
FLOOR = HEIGHT - 4
ROOM = HEIGHT - 16
"""Pixels that the highest value takes."""


@dataclass(frozen=True)
class Chart:
    """`good`, `bad` and `line` are SVG paths (`line` is drawn, the others filled or crossed by their kind).

    `title` and `text` say all of it; `caption` is what everybody reads; `low` and `high` label the scale.
    """

    kind: str
    title: str
    text: str
    caption: str
    good: str = ""
    bad: str = ""
    line: str = ""
    low: str = ""
    high: str = ""
    span: str = ""


def trend(check: Check) -> Chart | None:
    """What a check found in the last judgements, newest at the right; None where there are no two."""
    points = check.trend[-KEPT:]
    if len(points) < 2:
        return None
    failed = [point for point in points if not point.success]
    caption = f"Failed in {len(failed)} of the last {count(len(points), 'judgement')}"
    return _of_values(points, caption) if _are_numbers(points) else _of_counts(points, caption)


def _are_numbers(points: Sequence[Point]) -> bool:
    """Whether what was observed tells more than how many rows failed."""
    return all(point.unexpected is None for point in points) and any(
        point.number is not None for point in points
    )


def _of_counts(points: Sequence[Point], caption: str) -> Chart:
    """A bar for the failing rows of each; a pass is a tick on the floor, so that it is told by its shape, too."""
    highest = max((point.unexpected or 0 for point in points), default=0)
    good: list[str] = []
    bad: list[str] = []
    words = []
    for number, point in enumerate(points):
        left = _left(number, len(points))
        if point.success:
            good.append(f"M{left} {FLOOR - 2}h8v2h-8z")
            words.append(f"{moment(point.at)}: passed")
            continue
        height = max(6, round(ROOM * (point.unexpected or 0) / highest)) if highest else ROOM
        bad.append(f"M{left} {FLOOR - height}h8v{height}h-8z")
        rows = "" if point.unexpected is None else f", {count(point.unexpected, 'row')}"
        words.append(f"{moment(point.at)}: failed{rows}")
    high = count(highest, "row") if highest else ""
    return Chart("bars", "Failing rows per judgement", "; ".join(words), caption, "".join(good), "".join(bad),
                 high=high, span=_span(points))  # fmt: skip


def _of_values(points: Sequence[Point], caption: str) -> Chart:
    """A line of what was observed; a cross where it failed, a dot where it passed."""
    values = [point.number for point in points]
    heights, low, high = _scaled(values)
    good: list[str] = []
    bad: list[str] = []
    words = []
    for number, (point, height) in enumerate(zip(points, heights, strict=True)):
        x, y = _left(number, len(points)) + 4, FLOOR if height is None else FLOOR - 4 - height
        (good if point.success else bad).append(_dot(x, y) if point.success else _cross(x, y))
        shown = "no value" if point.number is None else f"{point.number:,.6g}"
        words.append(f"{moment(point.at)}: {'passed' if point.success else 'failed'}, {shown}")
    return Chart("values", "Observed value per judgement", "; ".join(words), caption, "".join(good), "".join(bad),
                 _line(heights, len(points)), _label(low), _label(high), _span(points))  # fmt: skip


def volume(suite: Suite) -> Chart | None:
    """Rows of each judgement; a cross where it was blocked."""
    points = suite.volume[-KEPT:]
    if len(points) < 2:
        return None
    heights, low, high = _scaled([point.rows for point in points])
    good: list[str] = []
    bad: list[str] = []
    words = []
    for number, (point, height) in enumerate(zip(points, heights, strict=True)):
        x, y = _left(number, len(points)) + 4, FLOOR - 4 - (height or 0)
        (bad if point.blocked else good).append(_cross(x, y) if point.blocked else _dot(x, y))
        words.append(f"{moment(point.at)}: {count(point.rows, 'row')}{', blocked' if point.blocked else ''}")
    judgements = count(len(points), "judgement")
    spread = f"{low:,.0f} to {high:,.0f}" if low != high else "the same"
    caption = f"{count(points[-1].rows, 'row')} now; {spread} in {judgements}"
    return Chart("values", f"Rows of {suite.model} per judgement", "; ".join(words), caption, "".join(good), "".join(bad),
                 _line(heights, len(points)), f"{low:,.0f}", f"{high:,.0f}", _span(points))  # fmt: skip


def reads(landed: Landed) -> Chart | None:
    """Rows read by each of the last runs, as bars of one line's height."""
    counts = landed.reads[-KEPT:]
    if len(counts) < 2:
        return None
    highest = max(counts)
    bars = []
    for number, rows in enumerate(counts):
        height = max(1, round(16 * rows / highest)) if highest else 1
        bars.append(f"M{4 * (KEPT - len(counts) + number)} {16 - height}h3v{height}h-3z")
    said = ", ".join(f"{rows:,}" for rows in counts)
    return Chart("reads", f"Rows read of {landed.name} per run", said, "", "".join(bars))


def _scaled(values: Sequence[float | None]) -> tuple[list[int | None], float, float]:
    """Heights in pixels from the lowest to the highest value, and these two; equal values lie in the middle."""
    there = [value for value in values if value is not None]
    low, high = min(there, default=0), max(there, default=0)
    if high == low:
        return [None if value is None else ROOM // 2 for value in values], low, high
    return (
        [None if value is None else round(ROOM * (value - low) / (high - low)) for value in values],
        low,
        high,
    )


def _label(value: float) -> str:
    """The end of a scale, to four digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _line(heights: Sequence[int | None], points: int) -> str:
    """From point to point, broken where there is no value."""
    parts, word = [], "M"
    for number, height in enumerate(heights):
        if height is None:
            word = "M"
            continue
        parts.append(f"{word}{_left(number, points) + 4} {FLOOR - 4 - height}")
        word = "L"
    return "".join(parts)


def _left(number: int, points: int) -> int:
    """The newest stands at the right edge, however few there are."""
    return (KEPT - points + number) * STEP + 2


def _dot(x: int, y: int) -> str:
    return f"M{x - 2} {y}a2 2 0 1 0 4 0a2 2 0 1 0-4 0z"


def _cross(x: int, y: int) -> str:
    return f"M{x - 4} {y - 4}l8 8M{x - 4} {y + 4}l8-8"


def _span(points: Sequence[Point] | Sequence[Volume]) -> str:
    """`23 Oct to 21 Nov`, or the times of the one day."""
    first, last = points[0].at, points[-1].at
    if first.date() == last.date():
        return f"{first.day} {first:%b, %H:%M} to {last:%H:%M} UTC"
    return f"{first.day} {first:%b} to {last.day} {last:%b}"
