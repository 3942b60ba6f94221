"""Seeds: a CSV file with a header, separated by commas, as a table; its bytes and declared types are its meaning."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tailrace.build.graph import ModelNode
from tailrace.errors import Diagnostic, Location, WarehouseError, near_miss
from tailrace.project.spec import SeedFile
from tailrace.warehouse.base import Warehouse

_DIALECT = "header = true, skip = 0, delim = ',', quote = '\"', escape = '\"', strict_mode = true"
"""Nothing of it is guessed: a guess can take a ragged file's header for a title and leave it out."""
_CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")


def seed_node(root: Path, seed: SeedFile, problems: list[Diagnostic]) -> ModelNode:
    """The seed as a node; what its file and configuration make wrong is added to `problems`."""
    types = seed.config.get("column_types") or {}
    content = _read(root, seed, problems)
    columns = _header(content) if content else ()
    if content is not None:
        problems.extend(_header_problems(seed, columns))
    problems.extend(_type_problems(seed, types, columns))
    digest = hashlib.sha256((content or "").encode() + repr(sorted(types.items())).encode()).hexdigest()
    return ModelNode(
        name=seed.name, kind="seed", schema=seed.schema, path=seed.path, materialized="seed", canonical=digest,
        columns=columns or None, tags=seed.tags, config=seed.config,
    )  # fmt: skip


def _read(root: Path, seed: SeedFile, problems: list[Diagnostic]) -> str | None:
    """The file's text; None where it cannot be read, which is a diagnostic then."""
    content = b""
    try:
        content = (root / seed.path).read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = Location(seed.path, content.count(b"\n", 0, error.start) + 1)
        problems.append(Diagnostic(place, "the file is not UTF-8", "Save it as UTF-8"))
    except OSError as error:
        problems.append(Diagnostic(Location(seed.path), f"the file cannot be read: {error.strerror}"))
    return None


def _header(content: str) -> tuple[str, ...]:
    try:
        return tuple(map(str.strip, next(csv.reader(io.StringIO(content, newline="")), [])))
    except csv.Error:
        return ()  # a quote that is never closed: the engine names its line


def _header_problems(seed: SeedFile, columns: tuple[str, ...]) -> Iterator[Diagnostic]:
    """What the engine would name on its own, in its own way."""
    place = Location(seed.path)
    if not any(columns):
        yield Diagnostic(place, "the seed has no header", "Write the columns' names in its first line")
        return
    mark = next((mark for mark in (";", "\t", "|") if len(columns) == 1 and mark in columns[0]), None)
    if mark is not None:
        yield Diagnostic(place, f"the columns are separated by {mark!r}", "Separate them by commas")
    seen: set[str] = set()
    for column in columns:
        if not column.strip():
            yield Diagnostic(place, "a column has no name", "Name every column of the first line")
        elif column.casefold() in seen:
            yield Diagnostic(place, f"two columns are called {column}", "Rename one of them")
        seen.add(column.casefold())


def _type_problems(
    seed: SeedFile, types: Mapping[str, Any], columns: tuple[str, ...]
) -> Iterator[Diagnostic]:
    known = {column.lower() for column in columns}
    for name in types if columns else ():
        if name.lower() not in known:
            place = seed.config_places.get("column_types", Location(seed.path))
            fix = near_miss(name, columns)
            message = f"column_types names {name}, and {seed.path} has no such column"
            yield Diagnostic(place, message, fix[:1].upper() + fix[1:])


def seed_select(node: ModelNode, root: Path) -> str:
    """Its rows; types are found in the whole file but for the columns that `column_types` names."""
    types = node.config.get("column_types") or {}
    declared = ""
    if isinstance(types, Mapping) and types:
        columns = {column.lower(): column for column in node.columns or ()}
        named = {columns.get(str(name).lower()) or str(name): kind for name, kind in types.items()}
        declared = f", types = {_pairs(named)}"
    return f"SELECT * FROM read_csv({_path(node, root)}, {_DIALECT}, sample_size = -1{declared})"


def seed_error(warehouse: Warehouse, node: ModelNode, root: Path, error: WarehouseError) -> Diagnostic:
    """The engine's words, behind the line that they are about."""
    said = str(error.__cause__ or error.message)
    if "when sniffing file" in said:
        # it names no line: reading all columns as texts, with nothing left to find out, fails at the line itself
        said = _text_error(warehouse, node, root) or "the file is not a CSV of one shape"
    found = _CSV_LINE.search(said)
    return Diagnostic(Location(node.path, int(found[1]) if found else 1), _plain(said))


def _text_error(warehouse: Warehouse, node: ModelNode, root: Path) -> str:
    texts = _pairs(dict.fromkeys(node.columns or (), "VARCHAR"))
    try:
        warehouse.query(
            f"SELECT count(*) FROM read_csv({_path(node, root)}, {_DIALECT}, auto_detect = false, columns = {texts})"
        )
    except WarehouseError as error:
        return str(error.__cause__ or error)
    return ""


def _plain(said: str) -> str:
    """Without the engine's own names and options, and without the row, which the file shows."""
    said = re.split(r"\s*(?:Possible (?:fixes|Solution)|Column \S+ is being converted|file = )", said)[0]
    said = re.sub(
        r"^(?:Conversion|Invalid Input) Error: |CSV Error on Line: \d+\s|Original Line: .*\n", "", said
    )
    return " ".join(said.split()).rstrip(". ")


def _path(node: ModelNode, root: Path) -> str:
    return _text(re.sub(r"([*?\[])", r"[\1]", str((root / node.path).resolve())))


def _pairs(types: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in types.items()) + "}"


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
