"""What a model's SQL says, kept as JSON per text: never a syntax tree, which costs more to read back than to parse again."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tailrace import __version__

FORMAT = 5
Table = tuple[str, str, str, int]
"""Catalog, schema and name as written ("" where missing), and the offset in the SQL."""
ColumnPart = str | tuple[str, str]
"""A column's name, or (schema, name) of the table of which all columns come here."""


@dataclass(frozen=True)
class Facts:
    """`sql` is what the target runs, with marks for the clock and for bare table names; `canonical` is its meaning's digest.

    `columns` are None where the SQL alone does not tell them. `unsure` names table functions, whose data nobody watches.
    """

    sql: str = ""
    canonical: str = ""
    tables: tuple[Table, ...] = ()
    columns: tuple[ColumnPart, ...] | None = None
    volatile: bool = False
    unsure: tuple[str, ...] = ()

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Facts:
        columns = kept["columns"]
        return cls(
            kept["sql"],
            kept["canonical"],
            tuple((str(c), str(s), str(n), int(o)) for c, s, n, o in kept["tables"]),
            None if columns is None else tuple(c if isinstance(c, str) else (c[0], c[1]) for c in columns),
            bool(kept["volatile"]),
            tuple(kept["unsure"]),
        )


@dataclass
class Cache:
    """A JSON file in a folder that may be deleted at any time; None keeps nothing.

    Only what the last compilation used stays in it. A file that was damaged counts as none.
    """

    folder: Path | None
    version: str
    file: str = "models.json"
    _kept: dict[str, Any] = field(default_factory=dict)
    _used: dict[str, Any] = field(default_factory=dict)
    _index: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.folder is not None:
            self._kept = _read(self.folder / self.file, self.version)

    def get(self, key: str) -> Any:
        """What was put under the key by this or the last compilation."""
        found = self._used.get(key) or self._kept.get(key)
        if found is not None:
            self._used[key] = found
        return found

    def alike(self, field_: str, value: str) -> Any:
        """An entry of the last compilation in which that field has this value."""
        if self._index is None:
            self._index = {
                entry[field_]: entry
                for entry in self._kept.values()
                if isinstance(entry, dict) and entry.get(field_)
            }
        return self._index.get(value)

    def put(self, key: str, value: Any) -> None:
        self._used[key] = value

    def save(self) -> None:
        """Written whole or not at all, and only where something is new."""
        if self.folder is None or self._used == self._kept:
            return
        body = orjson.dumps({"version": self.version, "kept": self._used})
        temporary = self.folder / f"{self.file}.{os.getpid()}.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(_seal(body) + b"\n" + body)
            temporary.replace(self.folder / self.file)
        except OSError:
            return  # a folder that cannot be written costs time at the next start and nothing else


def _read(path: Path, version: str) -> dict[str, Any]:
    try:
        seal, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return {}
    if seal != _seal(body):
        return {}
    document = orjson.loads(body)
    return dict(document["kept"]) if document["version"] == version else {}


def _seal(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def version_of(*settings: str) -> str:
    """What facts depend on besides the text: this program, the parser, the dialects."""
    found = importlib.util.find_spec("sqlglot")
    parser = Path(found.origin).with_name("_version.py") if found and found.origin else Path()
    # the parser's version is read as a file: asking for it would import it, or every installed package's metadata
    text = parser.read_text("utf-8") if parser.is_file() else ""
    return key_of(__version__, str(FORMAT), text, *settings)


def key_of(*parts: str) -> str:
    """A digest of texts in which no border can be moved."""
    found = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        found.update(b"%d:" % len(encoded))
        found.update(encoded)
    return found.hexdigest()[:40]
