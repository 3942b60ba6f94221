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
from tailrace.project.load_parameters import HISTORY, HISTORY_KEYS, MOST_RUNS, PARAMETER, PARAMETER_KEYS, TAKE
from tailrace.project.load_suites import EXPECTATION_KEYS, ON_FAIL, SEVERITIES, SUITE_KEYS
from tailrace.validate.catalogue import UNAVAILABLE, Entry, entries
from tailrace.validate.kwargs import needs_one_of, takes_parameter, words_of

TAKES: dict[str, Schema] = {
    "text": TEXT,
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"},
    "list": {"type": "array"},
    "mapping": {"type": "object"},
}
SHARE = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
"""`mostly`: Great Expectations' own share, of 1."""
TAKEN = {
    "type": "object",
    "properties": {PARAMETER: SQL_NAMED},
    "required": [PARAMETER],
    "additionalProperties": False,
}
"""A parameter in the place of a value."""
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
        "description": about("what is wrong with a row or table that fails", TEXT),
        "owner": about("whose job it is; default: the suite's owner", TEXT),
    }
    expectation = mapping(EXPECTATION_KEYS, table, ("type",))
    expectation["allOf"] = [when("type", name, _of_type(entry, name)) for name, entry in known.items()]
    suite = {
        "suite": about("the suite's name", NAMED),
        "model": about("the model or seed that it checks", SQL_NAMED),
        "key": about("the column that names rows", FILLED),
        "max_quarantined": about("more than that blocks", SHARE_TEXT, default="5%"),
        "owner": about("whose job a failure is", TEXT),
        "description": about("what the suite is for", TEXT),
        "parameters": about(
            "values that expectations take from a query or from earlier runs",
            {
                "type": "object",
                "propertyNames": SQL_NAMED,
                "additionalProperties": {"$ref": "#/$defs/parameter"},
            },
        ),
        "gx_suite": about("a JSON file of Great Expectations' beside this one, taken in", FILLED),
        "expectations": {"type": "array", "items": {"$ref": "#/$defs/expectation"}},
    }
    found = {**mapping(SUITE_KEYS, suite, ("suite", "model")), **_key_for_quarantine()}
    filled = {"required": ["expectations"], "properties": {"expectations": {"minItems": 1}}}
    found["anyOf"] = [{"required": ["gx_suite"]}, filled]
    defs = {"expectation": expectation, "parameter": _parameter()}
    return document("tailrace: expectations/*.yml", found, defs)


def _parameter() -> Schema:
    number, count = {"type": "number"}, {"type": "integer", "minimum": 1, "maximum": MOST_RUNS}
    table = {
        "sql": about("a SELECT of one value", FILLED),
        "history": about("what earlier runs are asked for", word(HISTORY)),
        "of": about("of observed: the type of an expectation of this suite", FILLED),
        "column": about("of observed: its column", FILLED),
        "runs": about("how many runs back", count, default=14),
        "min_runs": about("with fewer, `default` stands in", count, default=1),
        "take": about("one number of many", word(TAKE), default="mean"),
        "times": about("times this", number, default=1),
        "plus": about("plus this", number, default=0),
        "stddevs": about("plus so many standard deviations", number, default=0),
        "default": about(
            "until then; without it the expectation passes", {"not": {"type": ["object", "null"]}}
        ),
    }
    of_history = [key for key in HISTORY_KEYS if key != "default"]
    no_history = {"properties": dict.fromkeys(of_history, False), "required": ["sql"]}
    observed = {"properties": {"history": {"const": "observed"}}, "required": ["history", "of"]}
    rows = {
        "properties": {"history": {"const": "rows"}, "of": False, "column": False, "sql": False},
        "required": ["history"],
    }
    observed["properties"]["sql"] = False  # type: ignore[index]
    whole = {**mapping(PARAMETER_KEYS, table), "anyOf": [no_history, observed, rows]}
    return {"anyOf": [FILLED, whole]}


def _key_for_quarantine() -> Schema:
    quarantines = {"properties": {"on_fail": {"const": "quarantine"}}, "required": ["on_fail"]}
    return {
        "if": {"properties": {"expectations": {"contains": quarantines}}, "required": ["expectations"]},
        "then": {"required": ["key"]},
    }


def _of_type(entry: Entry, name: str) -> Schema:
    properties = {kwarg: _kwarg(kwarg, entry, name) for kwarg in entry.kwargs}
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


def _kwarg(name: str, entry: Entry, kind: str) -> Schema:
    takes = entry.kwargs[name]
    if words := words_of(name, kind):
        return {"enum": [*words, None]}
    if name == "mostly":
        return {"anyOf": [SHARE, TAKEN]}
    found = [TAKES[one] for one in takes]
    if name not in entry.required:
        found.append({"type": "null"})
    if takes_parameter(name, takes):
        found.append(TAKEN)
    return {"anyOf": found} if takes else {}
