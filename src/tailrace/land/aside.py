"""Tables put aside on the disk until a checkpoint says whether they count: rows may be wide and many."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa


class Aside:
    """A folder of Arrow files, made when the first table comes and gone with `close`."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._waiting: list[Path] = []

    def put(self, table: pa.Table) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="tailrace-aside-")
        path = Path(self._folder.name) / f"{len(self._waiting)}.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
            out.write_table(table)
        self._waiting.append(path)

    def take(self) -> Iterator[pa.Table]:
        """Each table once, in the order in which they came."""
        waiting, self._waiting = self._waiting, []
        for path in waiting:
            with pa.OSFile(str(path)) as source:
                yield pa.ipc.open_file(source).read_all()

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
