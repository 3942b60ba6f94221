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
        self._file.write(_line([kind, content]))
        self._file.write(b"\n")

    def entries(self) -> Iterator[tuple[Kind, Any]]:
        """What was written, in its order."""
        self._file.seek(0)
        for line in self._file:
            kind, content = orjson.loads(line)
            yield kind, content

    def close(self) -> None:
        self._file.close()


def _line(entry: Any) -> bytes:
    try:
        return orjson.dumps(entry)
    except TypeError:  # half a surrogate pair, which no UTF-8 has
        return orjson.dumps(_escaped(entry))


def _escaped(value: Any) -> Any:
    """As landing writes such a text: the half by its number."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_escaped(key): _escaped(inner) for key, inner in value.items()}
    return [_escaped(inner) for inner in value] if isinstance(value, list) else value
