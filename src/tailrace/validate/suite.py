"""What can be known about a suite without data and without Great Expectations, which takes seconds to import."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tailrace.project.load_parameters import PARAMETER
from tailrace.project.reader import hint, kind_of
from tailrace.project.spec import Expectation, Suite
from tailrace.validate.catalogue import UNAVAILABLE, Entry, columns_of, entries
from tailrace.validate.where import same_for_same_rows, wrong_with

Problem = tuple[tuple[str | int, ...], str, str]
Judge = Callable[[str, set[str] | None], list[tuple[str, str]]]

RULES = 2
"""Raised whenever the same suite and data could be judged otherwise than before; earlier verdicts then no longer hold."""

_WORDS = {
    "text": "text",
    "number": "a number",
    "bool": "true or false",
    "date": "a date",
    "list": "a list",
    "mapping": "a mapping",
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?Z?\Z")
_NOT_RE2 = re.compile(r"(?<!\\)(?:\\\\)*(\(\?<?[=!]|\\[1-9])")


_QUERY = "unexpected_rows_query"


def check_suite(suite: Suite, columns: set[str] | None, judge: Judge = wrong_with) -> list[Problem]:
    """(path, message, fix) of everything that is wrong; paths are keys of the suite's file, columns the model's if known.

    `judge` tells what is wrong with a `where:`, and the fix; one that remembers saves parsing it.
    """
    problems: list[Problem] = []
    if suite.key and columns is not None and suite.key.lower() not in _lower(columns):
        message = f"model {suite.model} has no column {suite.key}"
        problems.append((("key",), message, hint(suite.key, sorted(columns))))
    for expectation in suite.expectations:
        place = ("expectations", expectation.index)
        problems += [
            ((*place, *path), message, fix)
            for path, message, fix in _expectation(suite, expectation, columns, judge)
        ]
    return problems


def suite_hash(suite: Suite) -> str:
    """Changes with anything that a verdict depends on but the data: the suite, the rules, the package's version."""
    import hashlib

    parts = [
        [item.type, item.kwargs, item.severity, item.on_fail, item.where, item.description, item.owner]
        for item in suite.expectations
    ]
    from importlib.metadata import version

    parameters = [vars(suite.parameters[name]) for name in sorted(suite.parameters)]
    about = [suite.model, suite.key, suite.max_quarantined, suite.owner, parameters]
    whole = [RULES, version("great_expectations"), *about, parts]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=_plain).encode()).hexdigest()[:32]


def reads_more_than_its_model(suite: Suite) -> bool:
    """Whether an expectation's own query reads more than the rows it judges: the same rows may then be judged otherwise."""
    known = entries()
    return any(
        not same_for_same_rows(str(item.kwargs.get(_QUERY, "")))
        for item in suite.expectations
        if item.type in known and known[item.type].kind == "query"
    )


def _plain(value: Any) -> Any:
    return (
        dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else str(value)
    )


def _lower(columns: set[str]) -> set[str]:
    return {column.lower() for column in columns}


def _expectation(
    suite: Suite, item: Expectation, columns: set[str] | None, judge: Judge
) -> Iterator[Problem]:
    if not item.type:
        return  # the loader has said so
    entry = entries().get(item.type)
    if entry is None:
        yield ("type",), f"Great Expectations has no {item.type}", _type_hint(item.type)
        return
    if item.type in UNAVAILABLE:
        yield ("type",), f"{item.type} has no SQL: it works on pandas only", UNAVAILABLE[item.type]
        return
    yield from _kwargs(suite, item, entry)
    yield from _columns(suite, item, columns)
    yield from _quarantine(suite, item, entry)
    if item.where is not None:
        for message, fix in judge(item.where, columns):
            yield ("where",), message, fix
        if entry.kind == "query":
            yield ("where",), f"{item.type} has a query of its own", "Put the condition into it"


def _type_hint(name: str) -> str:
    known = sorted(set(entries()) - set(UNAVAILABLE))
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return f"Write {snake}" if snake in known else hint(name, known)


def _kwargs(suite: Suite, item: Expectation, entry: Entry) -> Iterator[Problem]:
    for name, value in item.kwargs.items():
        if name in ("row_condition", "condition_parser"):
            yield (
                ("kwargs", name),
                f"{name} is not for SQL",
                "Write the condition as `where:` beside `kwargs:`",
            )
        elif name not in entry.kwargs:
            yield ("kwargs", name), f"{item.type} has no {name}", hint(name, sorted(entry.kwargs))
        elif isinstance(value, Mapping) and PARAMETER in value:
            yield from _parameter(suite, item.type, name, value, entry.kwargs[name])
        else:
            yield from _value(name, value, entry.kwargs[name])
    for name in entry.required:
        if name not in item.kwargs:
            yield ("kwargs",), f"{item.type} needs {name}", f"Add `{name}: ...` under kwargs"
    either = needs_one_of(item.type, entry)
    if either and all(item.kwargs.get(kwarg) is None for kwarg in either):
        needed = " or ".join(either)
        yield ("kwargs",), f"{item.type} needs {needed}", f"Add `{either[0]}: ...` under kwargs"


_PARAMETERS_STAND_FOR = ("number", "date", "list")
_NAMES_OR_PATTERNS = ("column_list", "column_set", "type_list", "regex_list", "like_pattern_list")


def takes_parameter(kwarg: str, takes: tuple[str, ...]) -> bool:
    """Whether `{$PARAMETER: x}` may stand for that kwarg: numbers, dates and sets may vary; columns, types and patterns are checked ahead."""
    return kwarg not in _NAMES_OR_PATTERNS and any(kind in _PARAMETERS_STAND_FOR for kind in takes)


def _parameter(
    suite: Suite, kind: str, kwarg: str, value: Mapping[str, Any], takes: tuple[str, ...]
) -> Iterator[Problem]:
    path, name = ("kwargs", kwarg), value[PARAMETER]
    if len(value) > 1 or not isinstance(name, str):
        yield path, f"{kwarg}: a parameter is its name alone", f"Write {{{PARAMETER}: name}}"
    elif not takes_parameter(kwarg, takes):
        yield path, f"{kwarg} of {kind} cannot be a parameter", "Write the value itself"
    elif name not in suite.parameters:
        fix = hint(name, sorted(suite.parameters)) if suite.parameters else "Declare it under `parameters:`"
        yield path, f"suite {suite.name} has no parameter {name[:60]}", fix


_NEEDS_ONE_OF = {
    "expect_column_values_to_be_in_type_list": ("type_list",),
    "expect_column_values_to_match_regex": ("regex",),
    "expect_table_columns_to_match_ordered_list": ("column_list",),
    "expect_table_columns_to_match_set": ("column_set",),
    "expect_column_kl_divergence_to_be_less_than": ("threshold",),
}
"""What may be left out as far as the package's own signature goes, and then checks nothing."""


def needs_one_of(name: str, entry: Entry) -> tuple[str, ...]:
    """The kwargs of which an expectation of that type needs one with a value; () where it needs none."""
    return _NEEDS_ONE_OF.get(name) or (("min_value", "max_value") if "min_value" in entry.kwargs else ())


def _value(name: str, value: Any, takes: tuple[str, ...]) -> Iterator[Problem]:
    path = ("kwargs", name)
    if takes and value is not None and not any(_is(value, kind) for kind in takes):
        wanted = " or ".join(_WORDS[kind] for kind in takes)
        yield path, f"{name} must be {wanted}, not {kind_of(value)}", f"Write {wanted}"
    elif name == "mostly" and not (isinstance(value, int | float) and 0 <= value <= 1):
        yield path, f"mostly must be a share from 0 to 1, not {kind_of(value)}", "Write 0.95 for 95%"
    elif name == _QUERY and "{batch}" not in value:
        yield (
            path,
            f"{name} does not read {{batch}}, the rows to judge",
            "Write SELECT * FROM {batch} WHERE ...",
        )
    for pattern in _patterns(name, value):
        if found := _NOT_RE2.search(pattern):
            why = f"{found[1]} is not known to the warehouse's regular expressions (RE2)"
            yield path, f"{name}: {why}", "Write it without look-around and back references"


def _is(value: Any, kind: str) -> bool:
    if kind == "date":
        return isinstance(value, str) and bool(_DATE.match(value))
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    plain = {"text": str, "bool": bool, "list": (list, tuple), "mapping": Mapping}[kind]
    return isinstance(value, plain)  # type: ignore[arg-type]


def _patterns(name: str, value: Any) -> list[str]:
    if name == "regex" and isinstance(value, str):
        return [value]
    return (
        [item for item in value if isinstance(item, str)]
        if name == "regex_list" and isinstance(value, list)
        else []
    )


def _columns(suite: Suite, item: Expectation, columns: set[str] | None) -> Iterator[Problem]:
    ordered = item.type == "expect_table_columns_to_match_ordered_list"  # names what should be, not what is
    if columns is None or ordered:
        return
    for path, column in columns_of(item.kwargs):
        if column.lower() not in _lower(columns):
            message = f"model {suite.model} has no column {column}"
            yield ("kwargs", *path), message, hint(column, sorted(columns))


def _quarantine(suite: Suite, item: Expectation, entry: Entry) -> Iterator[Problem]:
    if item.on_fail != "quarantine":
        return
    if not entry.by_row:
        why = "judges the table as a whole" if entry.kind != "rows" else "does not name its rows"
        yield ("on_fail",), f"{item.type} {why}: no row can be quarantined by it", "Write block or warn"
    elif suite.key is None:
        fix = "Add `key:` with the column that names the model's rows"
        yield ("on_fail",), "on_fail: quarantine needs the suite's key", fix
