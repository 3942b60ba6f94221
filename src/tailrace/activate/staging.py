"""A delivery's file: the rows to send in a fixed order, read back batch by batch without the warehouse."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tailrace.activate.mapping import as_sent, literal
from tailrace.activate.texts import document_sql, exact_sql
from tailrace.connectors.sdk.writing import Link
from tailrace.errors import FatalError
from tailrace.state.journal import Delivery

if TYPE_CHECKING:
    import duckdb

SUFFIX = ".parquet"
COLUMNS = (
    "primary_key", "match_key", "remote_id", "lookup", "hash", "vals", "l_acked_values", "links", "previous_key",
    "updated_at", "l_acked_at", "attempts",
)  # fmt: skip
PAGE = 2_000
"""Rows read at a time, one page ahead of the senders."""


@dataclass(frozen=True)
class SentField:
    """A mapped field as the delivery was staged with it; its value is the file's column `v<number>`, of engine type `type`."""

    field: str
    if_null: str
    conflict: str
    type: str = ""


@dataclass(frozen=True)
class StagedRow:
    """One row to send. `ordinal` is its place in the file; `values` are typed, in the order of the fields.

    `document` and `acked` are JSON texts: what is wanted and what was last accepted, at `acked_at`. Times are UTC, without a zone.
    `attempts`: runs that have tried the row since it was accepted last.
    """

    ordinal: int
    primary_key: str
    key: str | None
    remote_id: str | None
    lookup: bool
    hash: str
    document: str | None
    acked: str | None
    links: tuple[Link, ...]
    previous_key: str | None
    updated_at: datetime | None
    acked_at: datetime | None
    values: tuple[Any, ...]
    attempts: int = 0


@dataclass(frozen=True)
class StagedBatch:
    """Rows of one operation that go out in one request."""

    seq: int
    operation: str
    by_id: bool
    rows: tuple[StagedRow, ...]

    @property
    def first(self) -> int:
        return self.rows[0].ordinal

    @property
    def n(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class StagedTexts:
    """The same where no row needs more than its key and its fields as texts: rows `first` to `first + n - 1` of the file."""

    seq: int
    operation: str
    first: int
    keys: tuple[str, ...]
    documents: tuple[str, ...]

    @property
    def n(self) -> int:
        return len(self.keys)


Batch = StagedBatch | StagedTexts


@dataclass(frozen=True)
class _Segment:
    """Rows of one kind of request, one behind the other in the file; `plain`: each can go as key and texts."""

    operation: str
    by_id: bool
    first: int
    rows: int
    plain: bool


class StagedFile:
    """Hands out batches to several threads, each batch once, in the file's order; a thread of its own reads ahead.

    `texts`: the destination takes rows as texts, and no field needs a look at the vendor first.
    """

    def __init__(
        self, delivery: Delivery, fields: Sequence[SentField], size: int, *, texts: bool = False
    ) -> None:
        self._path = delivery.stage
        self._fields = fields
        self._size = size
        self._texts = texts
        self._guard = threading.Lock()
        self._held: deque[Batch] = deque()
        self._pages = self._read()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="stage")
        self._ahead: Future[list[Batch]] = self._reader.submit(next, self._pages, [])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.shutdown(cancel_futures=True)
        self._pages.close()

    def next(self) -> Batch | None:
        with self._guard:
            if not self._held:
                self._held.extend(self._ahead.result())
                self._ahead = self._reader.submit(next, self._pages, [])
            return self._held.popleft() if self._held else None

    def _read(self) -> Generator[list[Batch]]:
        import duckdb

        con = duckdb.connect(
            config={
                "memory_limit": "100MB",
                "threads": 1,
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            }
        )
        try:
            con.execute("SET enable_progress_bar = false")
            yield from _File(con, self._path, self._fields, self._size, self._texts).pages()
        except duckdb.Error as error:
            raise FatalError(
                f"cannot read the staged rows {self._path}: {str(error).splitlines()[0]}",
                "run again: they are staged anew",
            ) from error
        finally:
            con.close()


class _File:
    """The open file; batches are numbered from 0 and never mix kinds of requests."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, path: Path, fields: Sequence[SentField], size: int, texts: bool
    ) -> None:
        self._con, self._path, self._fields, self._size = con, path, fields, size
        # the path is no parameter: to bind one, DuckDB imports pandas where it is installed
        self._source = f"read_parquet({literal(str(path))}, file_row_number = true)"
        found = con.execute(f"DESCRIBE SELECT * FROM {self._source}").fetchall()
        self._kinds = {str(row[0]): str(row[1]) for row in found}
        self._texts = texts
        self._seq = 0

    def pages(self) -> Iterator[list[Batch]]:
        for segment in self._segments():
            yield from self._plain(segment) if segment.plain else self._typed(segment)

    def _segments(self) -> list[_Segment]:
        typed = [(f"v{number}", self._kinds[f"v{number}"]) for number in range(len(self._fields))]
        plain = exact_sql(typed) if self._texts else "false"
        rows = self._con.execute(
            "SELECT operation, by_id, min(file_row_number), max(file_row_number), count(*), bool_and("
            "operation IN ('update', 'upsert') AND NOT by_id AND match_key IS NOT NULL AND links IS NULL"
            f" AND previous_key IS NULL AND {plain}) FROM {self._source} GROUP BY operation, by_id ORDER BY 3"
        ).fetchall()
        if any(last - first + 1 != n for _, _, first, last, n, _ in rows):
            raise FatalError(
                f"{self._path}: kinds of requests lie mixed in it", "run again: they are staged anew"
            )
        return [_Segment(operation, by_id, first, n, plain) for operation, by_id, first, _, n, plain in rows]

    def _plain(self, segment: _Segment) -> Iterator[list[Batch]]:
        document = document_sql(
            [(each.field, f"v{n}", self._kinds[f"v{n}"], each.if_null) for n, each in enumerate(self._fields)]
        )
        batches: list[Batch] = []
        for rows in self._batches(segment, f"match_key, {document}"):
            _, keys, documents = zip(*rows, strict=True)
            batches.append(StagedTexts(self._seq, segment.operation, rows[0][0], keys, documents))
            self._seq += 1
            if len(batches) * self._size >= PAGE:
                yield batches
                batches = []
        if batches:
            yield batches

    def _typed(self, segment: _Segment) -> Iterator[list[Batch]]:
        columns = ", ".join([*COLUMNS, *(f"v{number}" for number in range(len(self._fields)))])
        for rows in self._batches(segment, columns):
            staged = tuple(_row(row) for row in rows)
            yield [StagedBatch(self._seq, segment.operation, segment.by_id, staged)]
            self._seq += 1

    def _batches(self, segment: _Segment, columns: str) -> Iterator[list[tuple[Any, ...]]]:
        self._con.execute(
            f"SELECT file_row_number, {columns} FROM {self._source}"
            f" WHERE file_row_number BETWEEN {segment.first} AND {segment.first + segment.rows - 1}"
        )
        expected = segment.first
        while rows := self._con.fetchmany(self._size):
            if [row[0] for row in rows] != list(range(expected, expected + len(rows))):
                raise FatalError(f"{self._path}: row {expected} is not where it belongs", "run again")
            expected += len(rows)
            yield rows


def _row(row: tuple[Any, ...]) -> StagedRow:
    (
        ordinal,
        primary,
        key,
        remote_id,
        lookup,
        digest,
        document,
        acked,
        links,
        previous,
        updated,
        acked_at,
        attempts,
        *values,
    ) = row
    return StagedRow(
        ordinal, primary, key, remote_id, lookup, digest, document, acked, _links(links, acked), previous, updated, acked_at,
        tuple(as_sent(value) for value in values), attempts,
    )  # fmt: skip


def _links(text: str | None, acked: str | None) -> tuple[Link, ...]:
    """The row's associations, each with the key that was accepted last."""
    if not text:
        return ()
    before = json.loads(acked) if acked else {}
    return tuple(
        Link(**each, before=before.get(f"associations.{each['object']}")) for each in json.loads(text)
    )


def fields_of(meta: Mapping[str, Any]) -> tuple[SentField, ...]:
    return tuple(SentField(*each) for each in meta["fields"])


def remove_garbage(folder: Path, wanted: Sequence[Path]) -> int:
    """Delete what a killed run staged and never entered in the journal."""
    gone = [path for path in folder.glob(f"*{SUFFIX}*") if path not in wanted] if folder.is_dir() else []
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)
