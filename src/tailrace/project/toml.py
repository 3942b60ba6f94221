"""`[tool.tailrace]` of pyproject.toml, with the place of every key (tomllib keeps none)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tailrace.errors import Diagnostic, Location
from tailrace.project.reader import NAME, Reader, kind_of
from tailrace.project.spec import EMPTY, Keeping, Marks
from tailrace.project.yaml import read_text

FILE = "pyproject.toml"
_SECTION = ("tool", "tailrace")
SETTINGS_KEYS = ("name", "profile", "dialect", "vars", "models", "lint", "validation")
VALIDATION_KEYS = ("keep_results", "keep_rows", "samples")
MOST_SAMPLES = 100
DIALECTS = ("duckdb", "bigquery")
_DAY = 86400.0
_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""(\s*)((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_INNER_KEY = re.compile(r"""([{,]\s*)([\w-]+|"[^"]*"|'[^']*')\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_TRIPLE = re.compile(r"\"{3}|'{3}")
_AT = re.compile(
    r"(?P<what>.*?) \(at (?:line (?P<line>\d+), column (?P<col>\d+)|end of document)\)\Z", re.DOTALL
)

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Settings:
    """What `[tool.tailrace]` says; `models` are the raw defaults per model folder, placed at `marks.at("models", ...)`; `lint` is the linter's own.

    `keeping` is its `validation` table.
    """

    name: str
    profile: str
    dialect: str
    vars: Mapping[str, Any]
    models: Mapping[str, Any]
    marks: Marks
    lint: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    keeping: Keeping = field(default_factory=Keeping)


def has_settings(root: Path) -> bool:
    """Whether pyproject.toml holds a `[tool.tailrace]`; beside a dbt_project.yml it may be another program's alone."""
    try:
        text = (root / FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"^\s*\[\s*tool\s*\.\s*tailrace\b|^\s*tool\.tailrace\b", text, re.MULTILINE) is not None


def read_settings(root: Path, problems: list[Diagnostic]) -> Settings | None:
    """The project's settings, or None and a diagnostic where there is no project."""
    if not (root / FILE).is_file():
        fix = "Run this in a project's folder, name it with --project DIR, or make one: tailrace init DIR"
        problems.append(Diagnostic(Location(FILE), "this folder holds no project: the file is missing", fix))
        return None
    text = read_text(root / FILE, FILE, problems)
    data = None if text is None else _parse(text, problems)
    if text is None or data is None:
        return None
    tool = data.get("tool")
    if not isinstance(tool, dict) or "tailrace" not in tool:
        fix = "Add it with a name and a profile, or make a project: tailrace init DIR"
        problems.append(Diagnostic(Location(FILE), "there is no [tool.tailrace] in this file", fix))
        return None
    places = _places(text, data)
    reader = Reader(tool["tailrace"], Marks(FILE, places, places, _SECTION), problems, "[tool.tailrace]")
    reader.known(*SETTINGS_KEYS)
    name = reader.name("name")
    profile = reader.name("profile", required=False) if "profile" in reader.data else name
    return Settings(
        name,
        profile,
        reader.choice("dialect", DIALECTS, "duckdb"),
        _vars(reader),
        reader.mapping("models"),
        reader.marks,
        lint=reader.mapping("lint"),
        keeping=_keeping(reader),
    )


def _keeping(settings: Reader) -> Keeping:
    """How long results of validation are kept."""
    if "validation" not in settings.data:
        return Keeping()
    reader = settings.under("[tool.tailrace.validation]", "validation")
    reader.known(*VALIDATION_KEYS)
    default = Keeping()
    samples = reader.get("samples")
    if samples is not None and (type(samples) is not int or not 0 <= samples <= MOST_SAMPLES):
        what = f"samples must be a whole number from 0 to {MOST_SAMPLES}, not {kind_of(samples)}"
        reader.problem(what, "Write one such as 10", "samples")
        samples = None
    return Keeping(
        _days(reader, "keep_results", default.results_days),
        _days(reader, "keep_rows", default.rows_days),
        default.samples if samples is None else samples,
    )


def _days(reader: Reader, key: str, default: float) -> float:
    seconds = reader.duration(key)
    if seconds is not None and seconds < _DAY:
        reader.problem(f"{key} must be at least a day", "Write one such as 30d", key)
        return default
    return default if seconds is None else seconds / _DAY


def _vars(reader: Reader) -> Mapping[str, Any]:
    found = reader.mapping("vars")
    for key in found:
        if not NAME.match(key):
            reader.key_problem(f"{key!r} cannot name a variable", "Use letters, digits and _", "vars", key)
    return found


def _parse(text: str, problems: list[Diagnostic]) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = _AT.match(str(error))
        if found and found["line"]:
            place = Location(FILE, int(found["line"]), int(found["col"]))
        else:
            place = Location(FILE, text.count("\n") + 1 if found else 1)
        problems.append(Diagnostic(place, f"not TOML: {found['what'] if found else error}"))
        return None


def _places(text: str, data: Mapping[str, Any]) -> dict[Path_, Location]:
    """Where tables and keys begin: a scan by line that believes only what the parsed data confirms."""
    places: dict[Path_, Location] = {}
    table: Path_ = ()
    for number, line in _lines_outside_texts(text):
        if header := _HEADER.match(line):
            path = _parts(header[1])
            if _exists(data, path):
                table = path
                places.setdefault(path, Location(FILE, number, len(line) - len(line.lstrip()) + 1))
        elif found := _KEY.match(line):
            parts = _parts(found[2])
            for length in range(1, len(parts) + 1):
                if _exists(data, path := table + parts[:length]):
                    places.setdefault(path, Location(FILE, number, len(found[1]) + 1))
            places = _inline(line, found.end(), data, table + parts, number) | places
    return places


def _inline(
    line: str, start: int, data: Mapping[str, Any], path: Path_, number: int
) -> dict[Path_, Location]:
    """Keys of a table that stands in braces behind its name."""
    if not line[start:].lstrip().startswith("{"):
        return {}
    return {
        inner: Location(FILE, number, found.start(2) + 1)
        for found in _INNER_KEY.finditer(line, start)
        if _exists(data, inner := (*path, *_parts(found[2])))
    }


def _lines_outside_texts(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines, but those that lie inside a text of several lines."""
    closing = ""
    for number, line in enumerate(text.split("\n"), 1):
        rest = line
        if closing:
            _, closed, rest = line.partition(closing)
            if not closed:
                continue
        else:
            yield number, line
        closing = ""
        while opened := _TRIPLE.search(rest):
            _, closed, rest = rest[opened.end() :].partition(opened[0])
            if not closed:
                closing = opened[0]
                break


def _parts(dotted: str) -> Path_:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _exists(data: Any, path: Path_) -> bool:
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return bool(path)
