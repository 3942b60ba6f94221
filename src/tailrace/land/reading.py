"""A source's pages on their way to raw batches: typed, freed of what is known, numbered, cut at checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from tailrace.errors import FatalError, TailraceError
from tailrace.events import Progress, emit
from tailrace.land.aside import Aside
from tailrace.land.batches import Losses, Rows, batch_rows, build_batch, numbered
from tailrace.land.known import find_news
from tailrace.land.layout import Layout
from tailrace.land.schema import Plan
from tailrace.land.scopes import Seen, may_have_rows
from tailrace.land.template import INFERRED
from tailrace.land.unasked import Passed, Unasked, Waiting
from tailrace.records import Checkpoint, Page
from tailrace.warehouse.base import Warehouse

COMMIT_ROWS = 250_000
"""New rows after which the next checkpoint is committed; the last one always is."""
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Request:
    """What is read (`items` begins the reading), and what it is turned into."""

    items: Callable[[], Iterator[Page | Checkpoint]]
    plan: Plan
    shape: int
    run_id: str
    now: Callable[[], datetime]
    widen: Callable[[Layout], None]


@dataclass(frozen=True)
class Mark:
    """A checkpoint: the last raw row before it, and the position that holds once this row is applied."""

    raw_seq: int
    position: Mapping[str, Any] | None


class Reading:
    """One read. `segments` end at checkpoints; `mark` is the last one passed, `error` what ended the read early."""

    def __init__(
        self,
        warehouse: Warehouse,
        layout: Layout,
        request: Request,
        raw_done: int,
        seen_at: datetime | None,
    ) -> None:
        self._warehouse, self._request, self.layout = warehouse, request, layout
        self.seen = Seen(warehouse, layout, landed=raw_done > 0)
        self.rows_in, self.pages, self.losses = 0, 0, Losses()
        self.mark: Mark | None = None
        self.error: TailraceError | None = None
        self.ended = False
        self.last_seen = seen_at or datetime(1970, 1, 1)  # noqa: DTZ001 -- stored in UTC without a zone
        self._keys_known = raw_done > 0 and may_have_rows(warehouse, layout.keys)
        near = not self._keys_known or warehouse.keep_near(layout.keys)
        self._unasked = None if near else Unasked(warehouse)
        self._number, self._cut = raw_done, raw_done
        self._size = batch_rows(len(request.plan.slots))
        self._pending: list[tuple[Page, datetime]] = []
        self._waiting = 0
        self._later: tuple[int, Mapping[str, Any] | None] | None = None
        self._returned = Aside()
        self._items = self._read()

    def segment(self) -> Iterator[pa.Table]:
        """Raw batches up to a checkpoint worth a transaction, or to the end. Nothing is raised: see `error`."""
        for item in self._items:
            if item is None:
                return
            yield item
        self.ended = True

    def committed(self) -> None:
        """What was handed over is in the warehouse.

        A first load goes on without asking which keys are known: it would ask a growing table about rows that are all new.
        """
        self._cut = self._number

    def close(self) -> None:
        """What was kept for the length of the read goes."""
        self.seen.close()
        self._returned.close()
        if self._unasked is not None:
            self._unasked.close()

    def _read(self) -> Iterator[pa.Table | None]:
        """What a checkpoint passed stands, whatever broke behind it."""
        yield from self._guarded(self._walked())
        yield from self._guarded(self._settled())
        if self._unasked is not None:
            self._unasked.forget_unmarked()
            yield from self._guarded(self._asked())

    def _walked(self) -> Iterator[pa.Table | None]:
        for item in self._request.items():
            if isinstance(item, Page):
                yield from self._page(item)
            else:
                yield from self._checkpoint(item)
        yield from self._settled()
        yield from self._asked()
        if self._waiting or self.mark is None or self.mark.raw_seq != self._number:
            raise FatalError(f"{self.layout.name}: the source ended without a checkpoint", "report this")

    def _guarded(self, items: Iterator[pa.Table | None]) -> Iterator[pa.Table | None]:
        try:
            yield from items
        except TailraceError as error:
            self.error = self.error or error
        except Exception as error:  # noqa: BLE001 -- a connector's bug fails its resource, not the run
            self.error = self.error or FatalError(
                f"{self.layout.name}: the connector broke ({type(error).__name__}: {error})"
            )
            self.error.__cause__ = self.error.__cause__ or error

    def _page(self, page: Page) -> Iterator[pa.Table | None]:
        if not page.rows:
            return
        if self._pending and _kind(self._pending[0][0]) != _kind(page):
            yield from self._settled()
            yield from self._flush()
        self._pending.append((page, self._arrival()))
        self._waiting += len(page.rows)
        self.pages += 1
        emit(Progress("land", self.layout.name, self.rows_in + self._waiting, None, "rows", self.pages))
        if self._waiting >= self._size:
            yield from self._settled()
        if self._waiting >= self._size:
            yield from self._flush()

    def _arrival(self) -> datetime:
        """Now, but always later than what arrived before: where the vendor has no time, the order is the version."""
        now = self._request.now().astimezone(UTC).replace(tzinfo=None)
        self.last_seen = max(now, self.last_seen + MICROSECOND)
        return self.last_seen

    def _checkpoint(self, checkpoint: Checkpoint) -> Iterator[pa.Table | None]:
        """One without scopes waits for a batch worth building: a source may make one after each small page."""
        if self._pending and not checkpoint.scopes:
            self._later = (len(self._pending), checkpoint.position)
            return
        self._later = None
        yield from self._flush()
        if checkpoint.scopes:
            yield from self._asked()
        for erased in (False, True):
            scopes = [scope for scope in checkpoint.scopes if scope.erased is erased]
            gone = self.seen.missing(self.layout, scopes) if scopes else None
            if gone is not None:
                self._arrival()
                yield self._numbered(self._tombstones(gone, erased=erased))
        for returned in self._returned.take() if checkpoint.scopes else ():
            back = self.seen.back(self.layout, checkpoint.scopes, returned)
            if back.num_rows:
                yield self._numbered(back)
        yield from self._passed(checkpoint.position)

    def _passed(self, position: Mapping[str, Any] | None) -> Iterator[pa.Table | None]:
        """Behind batches that wait it waits, too."""
        if self._unasked is None or not self._unasked.rows:
            yield from self._marked(position)
            return
        self._unasked.mark(position)
        if self._unasked.rows >= COMMIT_ROWS:
            yield from self._asked()

    def _asked(self) -> Iterator[pa.Table | None]:
        """What waited, freed of what is known."""
        if self._unasked is None:
            return
        for one in self._unasked.take(self.layout):
            if isinstance(one, Passed):
                yield from self._marked(one.position)
            else:
                yield from self._news(one)

    def _marked(self, position: Mapping[str, Any] | None) -> Iterator[None]:
        self.mark = Mark(self._number, position)
        if self._number - self._cut >= COMMIT_ROWS:
            yield None

    def _settled(self) -> Iterator[pa.Table | None]:
        """Hands over what lies before the checkpoint that waits, if one does; the pages behind it stay."""
        if self._later is None:
            return
        (count, position), self._later = self._later, None
        behind, self._pending = self._pending[count:], self._pending[:count]
        yield from self._flush()
        self._pending, self._waiting = behind, sum(len(page.rows) for page, _ in behind)
        yield from self._passed(position)

    def _flush(self) -> Iterator[pa.Table]:
        if not self._pending:
            return
        rows, versioned, deleted = (
            self._rows(),
            self._pending[0][0].versions is not None,
            self._pending[0][0].deleted,
        )
        self.rows_in += len(rows.rows)
        self._pending, self._waiting = [], 0
        batch = build_batch(self.layout.name, self._request.plan, rows, self.losses)
        del rows
        self.seen.add(batch.keys)
        self._widen({name: self._warehouse.dialect.type(kind) for name, kind in batch.variants.items()})
        if not batch.table.num_rows:
            return
        if not self._keys_known:
            yield self._numbered(batch.table)
        elif self._unasked is None:
            yield from self._news(Waiting(batch.table, deleted, versioned, self.layout))
        else:
            self._unasked.put(batch.table, self.layout, deleted=deleted, versioned=versioned)

    def _news(self, batch: Waiting) -> Iterator[pa.Table]:
        news = find_news(
            self._warehouse, batch.layout, batch.table, deleted=batch.deleted, versioned=batch.versioned
        )
        if news.returned.num_rows:
            self._returned.put(news.returned)
        if news.rows.num_rows:
            yield self._numbered(news.rows)

    def _rows(self) -> Rows:
        rows: list[dict[str, Any]] = []
        versions: list[Any] = []
        arrivals: list[datetime] = []
        for page, arrived in self._pending:
            rows.extend(page.rows)
            arrivals.extend([arrived] * len(page.rows))
            if page.versions is None:
                versions.extend([arrived] * len(page.rows))
            else:
                versions.extend(arrived if version is None else version for version in page.versions)
        request, first = self._request, self._pending[0][0]
        merged = [key for page, _ in self._pending for key in page.merged_into or [None] * len(page.rows)]
        return Rows(
            rows,
            versions,
            arrivals,
            first.deleted,
            request.shape,
            request.run_id,
            merged if any(merged) else (),
            first.erased,
        )

    def _widen(self, variants: Mapping[str, str]) -> None:
        new = {name: kind for name, kind in variants.items() if name not in self.layout.columns}
        if new:
            self.layout = self.layout.widened(new)
            self._request.widen(self.layout)

    def _tombstones(self, gone: pa.Table, *, erased: bool) -> pa.Table:
        count, request = gone.num_rows, self._request
        ends = (
            gone.append_column("_deleted", pa.repeat(pa.scalar(True), count))
            .append_column("_shape", pa.repeat(pa.scalar(INFERRED, pa.int64()), count))
            .append_column("_seen_at", pa.repeat(pa.scalar(self.last_seen, pa.timestamp("us")), count))
            .append_column("_run_id", pa.repeat(pa.scalar(request.run_id, pa.string()), count))
        )
        return ends.append_column("_erased", pa.repeat(pa.scalar(True), count)) if erased else ends

    def _numbered(self, table: pa.Table) -> pa.Table:
        first = self._number + 1
        self._number += table.num_rows
        return numbered(table, first)


def _kind(page: Page) -> tuple[bool, bool]:
    """Pages of one kind may share a batch."""
    return page.deleted, page.erased
