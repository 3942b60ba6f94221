"""The vendors' clock: UTC, and no two stamps alike, so that "modified after" never loses a change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

TICK = timedelta(milliseconds=1)


def utc_now() -> datetime:
    """The machine's time in UTC."""
    return datetime.now(UTC)


class Clock:
    """Time as the vendors see it, in whole milliseconds; `source` is the time it follows."""

    def __init__(self, source: Callable[[], datetime] = utc_now) -> None:
        self._source = source
        self._last = datetime.min.replace(tzinfo=UTC)
        self._held: datetime | None = None

    def now(self) -> datetime:
        """The time of day, never before the last stamp."""
        now = self._source()
        return max(now.replace(microsecond=now.microsecond // 1000 * 1000), self._last)

    def stamp(self) -> datetime:
        """A time for a change, at least one millisecond after every stamp before it; one for all of one moment."""
        if self._held is not None:
            return self._held
        self._last = max(self.now(), self._last + TICK)
        return self._last

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """What one request changes, it changes at one time: a big batch does not drive the clock ahead of the day."""
        self._held = self.stamp()
        try:
            yield
        finally:
            self._held = None


def iso(moment: datetime) -> str:
    """The vendors' spelling: milliseconds and a Z, 2026-01-31T09:30:00.000Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
