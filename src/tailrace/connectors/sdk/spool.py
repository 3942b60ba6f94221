"""Pages on their way from a source to landing, in a temporary file: memory stays flat, however much was pulled."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import orjson

Kind = Literal["rows", "ended", "state"]
"""Rows as they are, rows that are tombstones, and the source's state once all before it was handed over."""


class Spool:
    """Written once, read once. The file has no name, so that nothing of it outlives the process."""

    def __init__(self, root: Path) -> None:
        folder = root / ".tailrace"  # where there is room for the warehouse, there is room for its rows
        self._file = tempfile.TemporaryFile(dir=folder if folder.is_dir() else None)  # noqa: SIM115 -- until close()

    def write(self, kind: Kind, content: Any) -> None:
        self._file.write(orjson.dumps([kind, content]))
        self._file.write(b"\n")

    def entries(self) -> Iterator[tuple[Kind, Any]]:
        """What was written, in its order."""
        self._file.seek(0)
        for line in self._file:
            kind, content = orjson.loads(line)
            yield kind, content

    def close(self) -> None:
        self._file.close()
