"""expectations/: suites of expectations, in YAML of our own and in Great Expectations' own JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from tailrace.errors import Diagnostic, Location
from tailrace.project.files import YAML, walk
from tailrace.project.load_gx_suites import as_suite
from tailrace.project.load_parameters import read_parameters
from tailrace.project.placed_json import read_json
from tailrace.project.reader import SQL_NAME, Reader, hint
from tailrace.project.spec import Expectation, Marks, OnFail, Severity, Suite
from tailrace.project.yaml import Document, Path_, read_yaml

Places = Mapping[Path_, Location]

FOLDER = "expectations"
SUITE_KEYS = (
    *("suite", "model", "key", "max_quarantined", "owner", "description", "parameters"),
    *("gx_suite", "expectations"),
)
EXPECTATION_KEYS = ("type", "kwargs", "severity", "on_fail", "where", "description", "owner")
SEVERITIES = ("critical", "warning", "info")
ON_FAIL = ("block", "quarantine", "warn")
_SQUEEZED = re.compile(r"(type):(\w+)\Z")
_GX_WORDS = {
    "row_condition": "Write it as `where:`",
    "column": "It belongs under `kwargs:`",
    "expectation_type": "Write it as `type:`",
    "mostly": "It belongs under `kwargs:`",
}


def read_suites(root: Path, problems: list[Diagnostic]) -> tuple[tuple[Suite, ...], bool]:
    """Every suite of a project, by file, and whether each file could be read."""
    documents = {file: read_yaml(path, file, problems) for path, file in walk(root, FOLDER, YAML)}
    stored = {file: read_json(path, file, problems) for path, file in walk(root, FOLDER, (".json",))}
    taken_in = {name for name in map(_gx_file, documents.values()) if name}
    found = [
        read_suite(document, file, problems, stored)
        for file, document in documents.items()
        if document is not None
    ]
    found += [
        read_suite(as_suite(document, problems), file, problems)
        for file, document in stored.items()
        if document is not None and file not in taken_in
    ]
    return tuple(sorted(found, key=lambda suite: suite.path)), None not in (
        *documents.values(),
        *stored.values(),
    )


def read_suite(
    document: Document,
    file: str,
    problems: list[Diagnostic],
    stored: dict[str, Document | None] | None = None,
) -> Suite:
    """A suite; parts of it that are wrong are left empty, with a diagnostic. `stored` are the JSON files that it may take in."""
    reader = Reader(document.data, document.marks, problems, "a suite")
    reader.known(*SUITE_KEYS, fixes=dict.fromkeys(("where", "on_fail"), "It belongs to an expectation"))
    is_yaml = needs_items = not file.endswith(".json")  # of a stored suite, as_suite has said what it lacks
    if "gx_suite" in reader.data:
        reader, needs_items = _with_stored(reader, file, stored or {})
    key = reader.optional_text("key")
    share = reader.share("max_quarantined", 0.05)
    items = reader.items("expectations", required=needs_items)
    if (needs_items or not is_yaml) and reader.data.get("expectations") == []:
        reader.problem("expectations is an empty list", "Add one, or remove the suite", "expectations")
    expectations = tuple(_expectation(reader, index, "key" in reader.data) for index in range(len(items)))
    return Suite(
        reader.name("suite", required=is_yaml),
        _model(reader, required=is_yaml),
        key,
        expectations,
        reader.marks,
        file,
        max_quarantined=0.05 if share is None else share,
        owner=reader.text("owner"),
        description=reader.text("description"),
        parameters=read_parameters(reader, expectations),
    )


def _model(reader: Reader, *, required: bool) -> str:
    name = reader.data.get("model")
    schema, dot, plain = name.rpartition(".") if isinstance(name, str) else ("", "", "")
    if dot and SQL_NAME.match(plain) and SQL_NAME.match(schema):
        fix = f"Write {plain}; of a landed table, write a model that reads it"
        reader.problem("a suite judges a model or seed, by its plain name", fix, "model")
        return ""
    return reader.name("model", required=required, sql=True)


def _gx_file(document: Document | None) -> str:
    """The JSON file that a suite names, relative to the project; "" where it names none."""
    data = document.data if document else None
    name = data.get("gx_suite") if isinstance(data, dict) else None
    return f"{FOLDER}/{name}" if isinstance(name, str) else ""


def _with_stored(reader: Reader, file: str, stored: dict[str, Document | None]) -> tuple[Reader, bool]:
    """The suite with the stored expectations before its own, each placed in its own file; False where they cannot be read."""
    name = reader.text("gx_suite", required=True)
    path = f"{FOLDER}/{name}"
    if name and path not in stored:
        known = [known.removeprefix(f"{FOLDER}/") for known in stored]
        fix = hint(name, known) or f"Put Great Expectations' JSON into {FOLDER}/"
        reader.problem(f"there is no file {path}", fix, "gx_suite")
    document = stored.get(path)
    own = reader.data.get("expectations", [])
    if document is None or not isinstance(own, list):
        return reader, False
    taken = as_suite(document, reader.problems, named_by=file)
    items = taken.data.pop("expectations", [])
    data = {**taken.data, **reader.data, "expectations": [*items, *own]}
    return Reader(data, _joined(taken.marks, reader.marks, len(items)), reader.problems, reader.what), True


def _joined(first: Marks, second: Marks, count: int) -> Marks:
    """Expectations of the first and behind them those of the second; all else is the second's."""

    def joined(before: Places, places: Places) -> Places:
        found = {path: place for path, place in before.items() if path[:1] == ("expectations",)}
        for path, place in places.items():
            number = path[1] if len(path) > 1 and path[0] == "expectations" else None
            found[("expectations", number + count, *path[2:]) if isinstance(number, int) else path] = place
        return found

    return replace(second, places=joined(first.places, second.places), keys=joined(first.keys, second.keys))


def _expectation(suite: Reader, index: int, has_key: bool) -> Expectation:
    """`on_fail` defaults to block for a critical expectation, to warn for the others."""
    whole = suite.data["expectations"][index]
    if isinstance(whole, str) and (squeezed := _SQUEEZED.match(whole)):
        fix = f"Write {squeezed[1]}: {squeezed[2]}"
        suite.problem(f"no space behind {squeezed[1]}:", fix, "expectations", index)
        return Expectation("", {}, "critical", "block", index=index)
    reader = suite.under("an expectation", "expectations", index)
    reader.known(*EXPECTATION_KEYS, fixes=_GX_WORDS)
    severity = reader.choice("severity", SEVERITIES, "critical")
    on_fail = reader.choice("on_fail", ON_FAIL, "block" if severity == "critical" else "warn")
    if on_fail == "quarantine" and not has_key:
        fix = "Add `key:` with the column that names the model's rows"
        reader.problem("on_fail: quarantine needs the suite's key", fix, "on_fail")
    return Expectation(
        reader.name("type", sql=True),
        reader.mapping("kwargs"),
        cast("Severity", severity),
        cast("OnFail", on_fail),
        where=reader.optional_text("where"),
        description=reader.text("description"),
        index=index,
        owner=reader.text("owner"),
    )
