"""expectations/*.json: suites as Great Expectations stores them, read as if they were written in tailrace's own YAML.

tailrace's own words stand under `meta: {tailrace: {...}}` of the suite and of each expectation. Every place stays that of the JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tailrace.errors import Diagnostic, Location
from tailrace.project.gx_conditions import Unclear, as_where
from tailrace.project.reader import NAME, SQL_NAME, Reader
from tailrace.project.spec import Marks
from tailrace.project.yaml import Document, Path_

GX_SUITE_KEYS = (
    *("name", "expectation_suite_name", "expectations", "meta", "notes", "id", "ge_cloud_id"),
    *("suite_parameters", "evaluation_parameters", "data_asset_type"),
)
GX_EXPECTATION_KEYS = (
    *("type", "expectation_type", "kwargs", "meta", "severity", "description", "notes", "id", "ge_cloud_id"),
    *("rendered_content", "expectation_context", "success_on_last_run"),
)
META_KEYS = ("model", "key", "max_quarantined", "owner", "parameters")
EXPECTATION_META_KEYS = ("on_fail", "where", "owner")
HARMLESS = ("result_format", "catch_exceptions", "batch_id", "include_config")
"""Kwargs that say how the package reports a result, or on which batch: both are decided here."""
_OLD_AND_OFF = ("auto", "profiler_config", "parse_strings_as_datetimes", "allow_cross_type_comparisons")
"""Kwargs of 0.18 that are gone; without a value, or false, they said nothing."""
_CONDITION = ("row_condition", "condition_parser")
_RENAMED = {
    "expect_column_pair_values_A_to_be_greater_than_B": "expect_column_pair_values_a_to_be_greater_than_b"
}
_PARAMETER = "$PARAMETER"
_MOVED: Mapping[Path_, Path_] = {("name",): ("suite",), ("expectation_suite_name",): ("suite",)}


def as_suite(document: Document, problems: list[Diagnostic], named_by: str = "") -> Document:
    """The suite's document. `named_by` is the YAML file that takes it in with `gx_suite:`, and says its name, model and key."""
    reader = Reader(document.data, document.marks, problems, "a suite of Great Expectations")
    reader.known(*GX_SUITE_KEYS, fixes=dict.fromkeys(META_KEYS, "Write it under `meta: {tailrace: {...}}`"))
    ours = _ours(reader, META_KEYS)
    if named_by and ours:
        message = f"{named_by} names this file with gx_suite, and says its model and key"
        reader.key_problem(message, "Remove tailrace from meta", "meta", "tailrace")
    data: dict[str, Any] = {}
    if not named_by:
        data |= {**_named(reader, ours), **ours}
    if isinstance(notes := reader.data.get("notes"), str) and notes.strip():
        data["description"] = notes
    known = _values(reader)
    items = reader.items("expectations", required=True)
    if isinstance(reader.data.get("expectations"), list):
        data["expectations"] = [
            _expectation(reader, index, known) if isinstance(item, Mapping) else item
            for index, item in enumerate(items)
        ]
    return Document(data, _moved(document.marks), templated=False)


def _named(reader: Reader, ours: Mapping[str, Any]) -> dict[str, str]:
    """The suite's name, and the model of that name where it names no other."""
    key = next((key for key in ("name", "expectation_suite_name") if key in reader.data), "name")
    name = reader.text(key, required=True)
    stands_alone = f"or name the file in a YAML suite: `gx_suite: {reader.marks.file.partition('/')[2]}`"
    if name and not NAME.match(name):
        fix = f"Use letters, digits, _ and -, and no digit first, {stands_alone}"
        reader.problem(f"{key}: {name[:60]!r} is not a name", fix, key)
    elif name and "model" not in ours and not SQL_NAME.match(name):
        fix = f'Add "tailrace": {{"model": ...}} under meta, {stands_alone}'
        reader.problem(f"suite {name} names no model", fix, key)
    return {
        "suite": name if NAME.match(name) else "",
        **({"model": name} if SQL_NAME.match(name) and "model" not in ours else {}),
    }


def _ours(reader: Reader, keys: tuple[str, ...]) -> Mapping[str, Any]:
    """What stands under `meta: {tailrace: ...}`; the rest of meta is the user's own."""
    meta = reader.data.get("meta")
    if not isinstance(meta, Mapping) or "tailrace" not in meta:
        return {}
    found = reader.under("tailrace under meta", "meta", "tailrace")
    found.known(*keys)
    return {key: value for key, value in found.data.items() if key in keys}


def _values(reader: Reader) -> Mapping[str, Any]:
    """Fixed values of parameters, by name."""
    found: dict[str, Any] = {}
    for key in ("evaluation_parameters", "suite_parameters"):
        if reader.data.get(key) is not None:
            found |= reader.mapping(key)
    return found


def _expectation(suite: Reader, index: int, values: Mapping[str, Any]) -> dict[str, Any]:
    reader = suite.under("an expectation", "expectations", index)
    ours = "Write it under `meta: {tailrace: {...}}`"
    reader.known(*GX_EXPECTATION_KEYS, fixes=dict.fromkeys(EXPECTATION_META_KEYS, ours))
    kind = reader.data.get("type", reader.data.get("expectation_type"))
    found: dict[str, Any] = {"type": _RENAMED.get(kind, kind) if isinstance(kind, str) else kind}
    if kind is None:
        del found["type"]
    for key in ("severity", "description"):
        if reader.data.get(key) is not None:
            found[key] = reader.data[key]
    kwargs = reader.data.get("kwargs")
    found["kwargs"] = _kwargs(kwargs, values) if isinstance(kwargs, Mapping) else kwargs
    if kwargs is None:
        del found["kwargs"]
    found |= _ours(reader, EXPECTATION_META_KEYS)
    if isinstance(kwargs, Mapping) and kwargs.get("row_condition") is not None:
        _condition(reader, kwargs, found)
    return found


def _kwargs(kwargs: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _value(value, values)
        for name, value in kwargs.items()
        if not (
            name in (*HARMLESS, *_CONDITION)
            or (name in _OLD_AND_OFF and not value)
            or (name == "windows" and value is None)
        )
    }


def _value(value: Any, values: Mapping[str, Any]) -> Any:
    """The value of a parameter that the file itself fixes; nothing is handed in here when a suite is judged."""
    name = value.get(_PARAMETER) if isinstance(value, Mapping) else None
    if not isinstance(name, str):
        return value
    return value.get(f"{_PARAMETER}.{name}", values.get(name, value))


def _condition(reader: Reader, kwargs: Mapping[str, Any], found: dict[str, Any]) -> None:
    path = ("kwargs", "row_condition")
    if "where" in found:
        fix = "Keep the one under meta.tailrace"
        reader.key_problem("a row_condition beside a where", fix, *path)
        return
    try:
        found["where"] = as_where(kwargs["row_condition"], kwargs.get("condition_parser"))
    except Unclear as why:
        fix = 'Write it as SQL: "meta": {"tailrace": {"where": ...}}, and remove row_condition'
        reader.key_problem(f"this row_condition cannot be read as SQL: {why}", fix, *path)


def _moved(marks: Marks) -> Marks:
    """The places of what the YAML reader will ask for."""
    return Marks(marks.file, _places(marks.places), _places(marks.keys))


def _places(places: Mapping[Path_, Location]) -> dict[Path_, Location]:
    found: dict[Path_, Location] = {}
    for path, place in places.items():
        found.setdefault(_where_it_goes(path), place)
    return found


def _where_it_goes(path: Path_) -> Path_:
    if path[:2] == ("meta", "tailrace"):
        return path[2:] or path
    if path in _MOVED:
        return _MOVED[path]
    if len(path) < 3 or path[0] != "expectations":
        return path
    head, rest = path[:2], path[2:]
    if rest == ("expectation_type",):
        return (*head, "type")
    if rest == ("kwargs", "row_condition"):
        return (*head, "where")
    return (*head, *rest[2:]) if rest[:2] == ("meta", "tailrace") and rest[2:] else path
