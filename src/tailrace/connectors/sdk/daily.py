"""Numbers per day of several accounts, in a window that the vendor still restates: read whole, account by account.

A position is {"through": {account: last day read}, "digest": {account: of the rows read again next time}, "asked": [...]}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from tailrace.connectors.sdk.accounts import one_by_one
from tailrace.connectors.sdk.days import Lookback, Stride
from tailrace.connectors.sdk.unchanged import Row, Window
from tailrace.events import Notice, emit
from tailrace.records import Checkpoint, Page, Scope


class Feed(Protocol):
    """What a vendor adds: `accounts` with numbers, the date there, and all rows of some days (both ends included)."""

    def accounts(self) -> Sequence[str]: ...

    def today(self, account: str) -> date: ...

    def rows(self, account: str, first: date, last: date) -> list[Row]: ...


@dataclass(frozen=True)
class Columns:
    """Where a row names its account and its day (YYYY-MM-DD)."""

    account: str
    day: str


@dataclass
class _Held:
    """A position in the making."""

    asked: list[str]
    through: dict[str, str] = field(default_factory=dict)
    digest: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, position: Mapping[str, Any] | None, asked: list[str]) -> _Held:
        """What is asked for otherwise than last time begins anew."""
        if position is None or position.get("asked") != asked:
            return cls(asked)
        return cls(asked, dict(position["through"]), dict(position["digest"]))

    def position(self) -> dict[str, Any]:
        return {"through": dict(self.through), "digest": dict(self.digest), "asked": self.asked}


class Daily:
    """Reads one resource. `stride` makes the first one for each account; `asked` is what the rows depend on.

    `place` is the resource in messages; `empty` what else an account's window without rows may mean at this vendor.
    """

    def __init__(
        self,
        feed: Feed,
        columns: Columns,
        lookback: Lookback,
        stride: Callable[[], Stride],
        asked: Sequence[str],
        place: str,
        empty: str = "",
    ) -> None:
        self._feed, self._columns, self._lookback = feed, columns, lookback
        self._stride, self._asked = stride, list(asked)
        self._place, self._empty = place, empty

    def read(self, position: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
        """Each account's window, a Checkpoint behind each; in the middle of a long first one too."""
        held = _Held.of(position, self._asked)
        yield from one_by_one(self._feed.accounts(), lambda account: self._account(account, held))
        yield Checkpoint(held.position())

    def backfill(self, first: date, last: date) -> Iterator[Page | Checkpoint]:
        """The days first to last of every account."""

        def days(account: str) -> Iterator[Page | Checkpoint]:
            for rows in filter(None, self._slices(account, first, last, [])):
                yield Page(rows)
            yield Checkpoint(None, (self._scope(account, first, last),))

        yield from one_by_one(self._feed.accounts(), days)
        yield Checkpoint(None)

    def _account(self, account: str, held: _Held) -> Iterator[Page | Checkpoint]:
        today = self._feed.today(account)
        first = self._lookback.first_day(held.through.get(account), today)
        known = held.digest.get(account)
        covered: list[date] = []
        following = self._lookback.first_day(today.isoformat(), today).isoformat()
        window = Window(known, lambda row: str(row[self._columns.day]) >= following)
        for rows in window.pages(self._slices(account, first, today, covered)):
            yield Page(rows)
            if known is None:  # nothing is held back: the page is all of the days covered so far
                held.through[account] = covered[-1].isoformat()
                yield Checkpoint(held.position(), (self._scope(account, first, covered[-1]),))
        scopes = window.covered((self._scope(account, first, today),), f"{self._place}: account {account}")
        if window.emptied:  # the next read begins where this one did, for what it may remove
            if self._empty:
                emit(Notice("warning", f"{self._place}: account {account}: {self._empty}"))
        else:
            held.through[account] = max(held.through.get(account, ""), today.isoformat())
        held.digest[account] = window.digest
        yield Checkpoint(held.position(), scopes)

    def _slices(self, account: str, first: date, last: date, covered: list[date]) -> Iterator[list[Row]]:
        """The rows of a few days at a time; `covered` grows by each slice's last day."""
        stride = self._stride()
        for begin, end in stride.windows(first, last):
            rows = self._feed.rows(account, begin, end)
            stride.took(len(rows))
            covered.append(end)
            yield rows

    def _scope(self, account: str, first: date, last: date) -> Scope:
        between = (self._columns.day, first.isoformat(), last.isoformat())
        return Scope({self._columns.account: (account,)}, between)
