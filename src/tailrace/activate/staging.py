"""A delivery's file: the rows to send in a fixed order, read back batch by batch without the warehouse."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tailrace.errors import FatalError
from tailrace.state.journal import Delivery

SUFFIX = ".parquet"
COLUMNS = ("primary_key", "match_key", "operation", "by_id", "remote_id", "lookup", "vals", "l_acked_values")


@dataclass(frozen=True)
class SentField:
    """A mapped field as the delivery was staged with it; its value is the file's column `v<number>`."""

    field: str
    if_null: str
    conflict: str
    type: str = ""
    """The engine type of its values."""


@dataclass(frozen=True)
class StagedRow:
    """One row to send. `ordinal` is its place in the file; `values` are typed, in the order of the fields."""

    ordinal: int
    key: str | None
    remote_id: str | None
    lookup: bool
    document: str | None
    acked: str | None
    values: tuple[Any, ...]
    acked_at: datetime | None = None
    updated_at: datetime | None = None


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


class StagedFile:
    """Hands out batches to several threads, one at a time, in the file's order."""

    def __init__(self, delivery: Delivery, fields: Sequence[SentField], size: int) -> None:
        self._path = delivery.stage
        self._fields = fields
        self._size = size
        self._guard = threading.Lock()
        self._batches = self._read()

    def next(self) -> StagedBatch | None:
        with self._guard:
            return next(self._batches, None)

    def _read(self) -> Iterator[StagedBatch]:
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
            columns = ", ".join([*COLUMNS, *(f"v{number}" for number in range(len(self._fields)))])
            con.execute(
                f"SELECT file_row_number, {columns} FROM read_parquet(?, file_row_number = true)",
                [str(self._path)],
            )
            yield from self._cut(iter(lambda: con.fetchmany(self._size), []))
        except duckdb.Error as error:
            raise FatalError(
                f"cannot read the staged rows {self._path}: {str(error).splitlines()[0]}",
                "run again: they are staged anew",
            ) from error
        finally:
            con.close()

    def _cut(self, pages: Iterator[list[tuple[Any, ...]]]) -> Iterator[StagedBatch]:
        seq, kind, held = 0, ("", False), list[StagedRow]()
        expected = 0
        for page in pages:
            for row in page:
                if row[0] != expected:
                    raise FatalError(f"{self._path}: row {row[0]} came where {expected} belongs")
                expected += 1
                if held and ((row[3], row[4]) != kind or len(held) == self._size):
                    yield StagedBatch(seq, *kind, tuple(held))
                    seq, held = seq + 1, []
                kind = (row[3], row[4])
                held.append(_row(row))
        if held:
            yield StagedBatch(seq, *kind, tuple(held))


def _row(row: tuple[Any, ...]) -> StagedRow:
    from tailrace.activate.mapping import as_sent

    ordinal, _, key, _, _, remote_id, lookup, document, acked, *values = row
    return StagedRow(
        ordinal, key, remote_id, lookup, document, acked, tuple(as_sent(value) for value in values)
    )


def fields_of(meta: Mapping[str, Any]) -> tuple[SentField, ...]:
    return tuple(SentField(*each) for each in meta["fields"])


def remove_garbage(folder: Path, wanted: Sequence[Path]) -> int:
    """Delete what a killed run staged and never entered in the journal."""
    gone = [path for path in folder.glob(f"*{SUFFIX}*") if path not in wanted] if folder.is_dir() else []
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)
