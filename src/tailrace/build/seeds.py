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
from tailrace.build.seed_lines import ends_differ, misfit
from tailrace.build.seed_types import dbt_types
from tailrace.build.settings.model import Settings
from tailrace.errors import Diagnostic, Location, WarehouseError, near_miss
from tailrace.project.spec import SeedFile
from tailrace.warehouse.base import Warehouse

_DIALECT = "header = true, skip = 0, quote = '\"', escape = '\"'"
"""Nothing of it is guessed: a guess can take a ragged file's header for a title and leave it out."""
_TYPE = re.compile(r"[\w \t(),\[\]\"'.:]+")
_CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")


def seed_node(root: Path, seed: SeedFile, problems: list[Diagnostic], *, as_dbt: bool = False) -> ModelNode:
    """The seed as a node; what its file and configuration make wrong is added to `problems`.

    `as_dbt`: its types are found as dbt finds them, and `column_types` may name columns of other seeds.
    """
    types = dict(seed.config.get("column_types") or {})
    content = _read(root, seed, problems)
    columns = _header(content, _delimiter(seed.config)) if content else ()
    if content is not None:
        problems.extend(_header_problems(seed, columns))
    if not as_dbt:
        problems.extend(_type_problems(seed, types, columns))
    meaning = repr([sorted(types.items()), _delimiter(seed.config), as_dbt])
    digest = hashlib.sha256((content or "").encode() + meaning.encode()).hexdigest()
    return ModelNode(
        name=seed.name, kind="seed", schema=seed.schema, path=seed.path, materialized="seed", canonical=digest,
        columns=columns or None, tags=seed.tags, config=seed.config, settings=Settings("seed", as_dbt=as_dbt, places=seed.config_places),
        package=seed.package, documented=seed.columns,
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


def _delimiter(config: Mapping[str, Any]) -> str:
    return str(config.get("delimiter") or ",")


def _header(content: str, delimiter: str) -> tuple[str, ...]:
    try:
        rows = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
        return tuple(map(str.strip, next(rows, [])))
    except csv.Error:
        return ()  # a quote that is never closed: the engine names its line


def _header_problems(seed: SeedFile, columns: tuple[str, ...]) -> Iterator[Diagnostic]:
    """What the engine would name on its own, in its own way."""
    place = Location(seed.path)
    if not any(columns):
        yield Diagnostic(place, "the seed has no header", "Write the columns' names in its first line")
        return
    marks = (";", "\t", "|", ",")
    mark = next((mark for mark in marks if len(columns) == 1 and mark in columns[0]), None)
    if mark is not None:
        fix = "Separate them by commas, or configure its delimiter"
        yield Diagnostic(place, f"the columns are separated by {mark!r}", fix)
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
    columns = {column.lower(): column for column in node.columns or ()}
    named = {
        columns.get(str(name).lower()) or str(name): str(kind)
        for name, kind in types.items()
        if str(name).lower() in columns or not node.settings.as_dbt
    }
    if node.settings.as_dbt:
        found = {**dbt_types(_content(node, root), _delimiter(node.config)), **named}
        return (
            f"SELECT * FROM read_csv({_options(node, root)}, auto_detect = false, columns = {_pairs(found)})"
        )
    declared = f", types = {_pairs(named)}" if named else ""
    return f"SELECT * FROM read_csv({_options(node, root)}, sample_size = -1{declared})"


def _options(node: ModelNode, root: Path) -> str:
    """The file, and how it is written; strict, but where that refuses sound rows whose lines end in several ways."""
    content, delimiter = _content(node, root), _delimiter(node.config)
    strict = not ends_differ(content) or misfit(node.path, content, delimiter) is not None
    return f"{_path(node, root)}, {_DIALECT}, strict_mode = {strict}, delim = {_text(delimiter)}"


def _content(node: ModelNode, root: Path) -> str:
    return (root / node.path).read_bytes().decode("utf-8-sig")


def seed_error(warehouse: Warehouse, node: ModelNode, root: Path, error: WarehouseError) -> Diagnostic:
    """The engine's words, behind the line that they are about."""
    if wrong := _wrong_type(warehouse, node):
        return wrong
    said = str(error.__cause__ or error.message)
    if "when sniffing file" in said:
        # it names no line: reading all columns as texts, with nothing left to find out, fails at the line itself
        said = _text_error(warehouse, node, root) or "the file is not a CSV of one shape"
    found = _CSV_LINE.search(said)
    wrong = misfit(node.path, _content(node, root), _delimiter(node.config))
    if wrong is not None and (found is None or int(found[1]) == wrong.location.line):
        return wrong
    return Diagnostic(Location(node.path, int(found[1]) if found else 1), _plain(said))


def _wrong_type(warehouse: Warehouse, node: ModelNode) -> Diagnostic | None:
    """The first of `column_types` that the engine does not know."""
    for name, kind in (node.config.get("column_types") or {}).items():
        if not _TYPE.fullmatch(str(kind)):
            continue
        try:
            warehouse.query(f"SELECT CAST(NULL AS {kind})")
        except WarehouseError:
            places = node.settings.places
            place = places.get(f"column_types.{name}") or places.get("column_types") or Location(node.path)
            return Diagnostic(place, f"{kind} of {name} is no type", "Write an SQL type such as varchar")
    return None


def _text_error(warehouse: Warehouse, node: ModelNode, root: Path) -> str:
    texts = _pairs(dict.fromkeys(node.columns or (), "VARCHAR"))
    try:
        warehouse.query(
            f"SELECT count(*) FROM read_csv({_options(node, root)}, auto_detect = false, columns = {texts})"
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
