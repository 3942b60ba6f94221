"""expectations/*.yml, in JSON Schema: Great Expectations' types with their arguments, from the catalogue."""

from __future__ import annotations

from tailrace.plan.json_schema.values import (
    FILLED,
    NAMED,
    SHARE_TEXT,
    SQL_NAMED,
    TEXT,
    Schema,
    about,
    document,
    mapping,
    when,
    word,
)
from tailrace.project.load_suites import EXPECTATION_KEYS, ON_FAIL, SEVERITIES, SUITE_KEYS
from tailrace.validate.catalogue import UNAVAILABLE, Entry, entries
from tailrace.validate.suite import needs_one_of

TAKES: dict[str, Schema] = {
    "text": TEXT,
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"},
    "list": {"type": "array"},
    "mapping": {"type": "object"},
}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
"""`mostly`: Great Expectations' own share, of 1."""
NO_ROWS = [word for word in ON_FAIL if word != "quarantine"]


def expectations() -> Schema:
    """A suite. An expectation's `kwargs` are those of its type."""
    known = {name: entry for name, entry in sorted(entries().items()) if name not in UNAVAILABLE}
    table = {
        "type": about("Great Expectations' own name", word(list(known))),
        "kwargs": about("its own arguments", {"type": "object"}),
        "severity": about("how bad a failure is", word(SEVERITIES), default="critical"),
        "on_fail": about("what a failure does; default: block if critical, else warn", word(ON_FAIL)),
        "where": about("SQL: the rows that it looks at", FILLED),
        "description": TEXT,
    }
    expectation = mapping(EXPECTATION_KEYS, table, ("type",))
    expectation["allOf"] = [when("type", name, _of_type(entry, name)) for name, entry in known.items()]
    suite = {
        "suite": about("the suite's name", NAMED),
        "model": about("the model or seed that it checks", SQL_NAMED),
        "key": about("the column that names rows", FILLED),
        "max_quarantined": about("more than that blocks", SHARE_TEXT, default="5%"),
        "expectations": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/expectation"}},
    }
    found = {**mapping(SUITE_KEYS, suite, ("suite", "model", "expectations")), **_key_for_quarantine()}
    return document("tailrace: expectations/*.yml", found, {"expectation": expectation})


def _key_for_quarantine() -> Schema:
    quarantines = {"properties": {"on_fail": {"const": "quarantine"}}, "required": ["on_fail"]}
    return {
        "if": {"properties": {"expectations": {"contains": quarantines}}, "required": ["expectations"]},
        "then": {"required": ["key"]},
    }


def _of_type(entry: Entry, name: str) -> Schema:
    properties = {kwarg: _kwarg(kwarg, takes) for kwarg, takes in entry.kwargs.items()}
    kwargs: Schema = {
        "properties": properties,
        "required": list(entry.required),
        "additionalProperties": False,
    }
    either = needs_one_of(name, entry)
    if either:
        kwargs["anyOf"] = [
            {"required": [kwarg], "not": {"properties": {kwarg: {"type": "null"}}}} for kwarg in either
        ]
    found: Schema = {"properties": {"kwargs": kwargs}}
    if not entry.by_row:
        found["properties"]["on_fail"] = word(NO_ROWS)
    if entry.required or either:
        found["required"] = ["kwargs"]
    return found


def _kwarg(name: str, takes: tuple[str, ...]) -> Schema:
    if name == "mostly":
        return SHARE
    return {"anyOf": [*(TAKES[kind] for kind in takes), {"type": "null"}]} if takes else {}
