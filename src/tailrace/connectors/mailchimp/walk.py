"""Members by ascending last_changed, each page asked for from the last stamp seen.

Offsets would skip members who slide forward when one before them is edited or deleted meanwhile. Stamps are whole seconds;
whether since_last_changed shows the second itself is nowhere written, so the second before it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from tailrace.connectors.mailchimp.api import COUNT, Api, Record
from tailrace.errors import Unavailable

SECOND = timedelta(seconds=1)
MOST_TRIES = 5


def moment(text: str) -> datetime:
    """Mailchimp's time: 2021-11-23T22:51:57+00:00."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def iso(at: datetime) -> str:
    """Mailchimp's spelling, whole seconds in UTC."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat()


def stamp(record: Record) -> datetime | None:
    """When the member was changed last; None where the record does not say."""
    text = record.get("last_changed")
    return moment(text) if isinstance(text, str) and text else None


@dataclass
class Walk:
    """One pass over the members of a list. `total` is how many the first answer said there are."""

    api: Api
    list_id: str
    params: dict[str, str]
    total: int = 0

    def pages(self, since: datetime | None, before: datetime | None = None) -> Iterator[list[Record]]:
        """Members whose last change is at or after `since` and before `before`, each state of them once."""
        low, given, first = since, set[tuple[str, str]](), True
        while True:
            rows, total = self._ask(low - SECOND if low else None, before, 0)
            self.total, first = total if first else self.total, False
            yield from self._fresh(rows, given, since, before)
            top = self._top(rows)
            if len(rows) >= total:
                return
            if not rows:
                name = f"{self.api.connection}: Mailchimp"
                raise Unavailable(f"{name} shows none of {total} members of list {self.list_id}", "run again")
            if top is None or (low is not None and top < low - SECOND):
                raise self._unsorted()
            if low is not None and top <= low:
                for tied in self._tied(low):
                    yield from self._fresh(tied, given, since, before)
                top = low + SECOND
            low = top
            given = {(key, at) for key, at in given if moment(at) >= low - 2 * SECOND}

    def _tied(self, at: datetime) -> Iterator[list[Record]]:
        """The members of one second that fill more than a page: by offset, again from the start where one has left it."""
        for _ in range(MOST_TRIES):
            offset, most = 0, 0
            while True:
                rows, total = self._ask(at - SECOND, at + SECOND, offset)
                yield rows
                most, offset = max(most, total), offset + len(rows)
                if total < most or not rows or offset >= total:
                    break
            if total == most and offset >= total:
                return
        raise Unavailable(
            f"{self.api.connection}: the members of list {self.list_id} keep moving", "run again"
        )

    def _ask(self, since: datetime | None, before: datetime | None, offset: int) -> tuple[list[Record], int]:
        params = {"sort_field": "last_changed", "sort_dir": "ASC", "count": str(COUNT), "offset": str(offset)}
        params |= self.params
        if since is not None:
            params["since_last_changed"] = iso(since)
        if before is not None:
            params["before_last_changed"] = iso(before)
        return self.api.page(f"/lists/{self.list_id}/members", "members", params)

    def _fresh(
        self, rows: list[Record], given: set[tuple[str, str]], since: datetime | None, before: datetime | None
    ) -> Iterator[list[Record]]:
        fresh = []
        for record in rows:
            at, state = stamp(record), (str(record.get("id")), str(record.get("last_changed") or ""))
            early = since is not None and at is not None and at < since
            late = before is not None and at is not None and at >= before
            if early or late or state in given:
                continue
            if at is not None and record.get("id"):
                given.add(state)
            fresh.append(record)
        if fresh:
            yield fresh

    def _top(self, rows: list[Record]) -> datetime | None:
        """The last stamp of a page that is in order."""
        stamps = [at for at in map(stamp, rows) if at is not None]
        if any(one > other for one, other in pairwise(stamps)):
            raise self._unsorted()
        return stamps[-1] if stamps else None

    def _unsorted(self) -> Unavailable:
        name = f"{self.api.connection}: Mailchimp's members of list {self.list_id}"
        return Unavailable(f"{name} are not sorted by last_changed", "run again")
