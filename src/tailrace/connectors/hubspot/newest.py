"""How far a reading came: the highest time met, and the rows near it that the next overlap will show again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

REMEMBERED = 10_000
"""Rows near the highest time that a position names; beyond it they are handed on again, which does no harm."""


def moment(text: str | datetime) -> datetime:
    """A vendor's time: ISO 8601, or milliseconds since 1970 in digits."""
    if isinstance(text, datetime):
        return text
    if text.isdigit():
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def iso(at: datetime) -> str:
    """HubSpot's spelling, milliseconds and a Z, so that times compare as texts."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Newest:
    """Collects (id, time) of the rows whose time is less than `overlap` before the highest; times are compared as text."""

    def __init__(
        self, overlap: timedelta, floor: str | None = None, near: Mapping[str, str] | None = None
    ) -> None:
        """`floor` and `near`: what an earlier `until` gave, where its reading is taken up again."""
        self._overlap = overlap
        self._top = floor
        self._cut = ""
        self._near: list[tuple[str, str]] = [(time, key) for key, time in (near or {}).items()]
        if floor is not None:
            self._raise(floor)

    def add(self, rows: Sequence[tuple[str, str]]) -> None:
        """Takes a page's (id, time) into account."""
        if not rows:
            return
        top = max(time for _, time in rows)
        if self._top is None or top > self._top:
            self._raise(top)
        cut = self._cut
        self._near += [(time, key) for key, time in rows if time >= cut]
        if len(self._near) > 4 * REMEMBERED:
            self._prune()

    def until(self, limit: datetime | None) -> tuple[str | None, dict[str, str]]:
        """The highest time, but none beyond `limit`, and {id: time} of what lies in the overlap before it."""
        if self._top is None:
            return None, {}
        top = moment(self._top)
        if limit is not None and top > limit:
            top = limit
        self._cut = iso(top - self._overlap)
        self._prune()
        return iso(top), {key: time for time, key in self._near}

    def _raise(self, top: str) -> None:
        self._top = top
        self._cut = iso(moment(top) - self._overlap)

    def _prune(self) -> None:
        # once each: pages overlap, and where they do differs from read to read, while an idle position must not
        kept = sorted({item for item in self._near if item[0] >= self._cut})
        self._near = kept[-REMEMBERED:]
