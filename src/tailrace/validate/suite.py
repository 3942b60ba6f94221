"""What can be known about a suite without data and without Great Expectations, which takes seconds to import."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tailrace.project.reader import hint
from tailrace.project.spec import EMPTY, Expectation, Suite
from tailrace.validate.catalogue import UNAVAILABLE, Entry, columns_of, entries, unknown_type
from tailrace.validate.column_types import wrong_with_type
from tailrace.validate.entry import Problem
from tailrace.validate.kwargs import wrong_with_kwargs
from tailrace.validate.own.registry import wrong_with as wrong_with_own
from tailrace.validate.where import wrong_with

Judge = Callable[[str, set[str] | None], list[tuple[str, str]]]

RULES = 3
"""Raised whenever the same suite and data could be judged otherwise than before; earlier verdicts then no longer hold."""


def check_suite(
    suite: Suite,
    columns: set[str] | None,
    judge: Judge = wrong_with,
    types: Mapping[str, str] = EMPTY,
) -> list[Problem]:
    """(path, message, fix) of everything that is wrong; paths are keys of the suite's file, columns the model's if known.

    `judge` tells what is wrong with a `where:`, and the fix; one that remembers saves parsing it. `types` are the SQL types of columns,
    as far as they are declared.
    """
    problems: list[Problem] = []
    if suite.key and columns is not None and suite.key.lower() not in _lower(columns):
        message = f"model {suite.model} has no column {suite.key}"
        problems.append((("key",), message, hint(suite.key, sorted(columns))))
    declared = {column.lower(): kind for column, kind in types.items()}
    for expectation in suite.expectations:
        place = ("expectations", expectation.index)
        problems += [
            ((*place, *path), message, fix)
            for path, message, fix in _expectation(suite, expectation, columns, judge, declared)
        ]
    return [*problems, *_repeated(suite)]


def _repeated(suite: Suite) -> Iterator[Problem]:
    """Judged twice, a row would be told twice; and of two decisions on the same, nobody could say which one holds."""
    first: dict[str, int] = {}
    for item in suite.expectations:
        same = json.dumps(
            [item.type, item.kwargs, (item.where or "").strip()], sort_keys=True, default=_plain
        )
        index = first.setdefault(same, item.index)
        if index != item.index and item.type:
            place = suite.marks.at("expectations", index)
            yield (
                ("expectations", item.index),
                f"the same expectation stands at {place}",
                "Remove one of the two",
            )


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


def _plain(value: Any) -> Any:
    return (
        dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else str(value)
    )


def _lower(columns: set[str]) -> set[str]:
    return {column.lower() for column in columns}


def _expectation(
    suite: Suite,
    item: Expectation,
    columns: set[str] | None,
    judge: Judge,
    types: Mapping[str, str],
) -> Iterator[Problem]:
    if not item.type:
        return  # the loader has said so
    entry = entries().get(item.type)
    if entry is None:
        yield ("type",), *unknown_type(item.type)
        return
    if item.type in UNAVAILABLE:
        compares = "comparison_data_source_name" in entry.kwargs
        why = (
            "compares two data sources, and here is one"
            if compares
            else "has no SQL: it works on pandas only"
        )
        yield ("type",), f"{item.type} {why}", UNAVAILABLE[item.type]
        return
    yield from wrong_with_kwargs(suite, item, entry)
    yield from wrong_with_own(item)
    yield from wrong_with_type(item, types)
    yield from _columns(suite, item, columns)
    yield from _quarantine(suite, item, entry)
    if item.where is not None:
        for message, fix in judge(item.where, columns):
            yield ("where",), message, fix
        if entry.kind == "query":
            yield ("where",), f"{item.type} has a query of its own", "Put the condition into it"


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
