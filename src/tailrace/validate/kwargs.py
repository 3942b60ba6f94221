"""The kwargs of an expectation, judged without data: their names, kinds and sense. What can only ever fail, or only pass, is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tailrace.project.load_parameters import PARAMETER
from tailrace.project.reader import hint, kind_of, parse_share
from tailrace.project.spec import Expectation, Suite
from tailrace.validate.entry import Entry, Problem
from tailrace.validate.kwargs_nested import (
    is_number,
    wrong_with_pairs,
    wrong_with_partition,
    wrong_with_quantiles,
    wrong_with_set,
)
from tailrace.validate.patterns import patterns_in, wrong_with_like, wrong_with_regex

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)?)?\Z")
QUERY = "unexpected_rows_query"
EXACT = 2**53
"""Integers up to here are the same as a float."""
ROUNDED = {
    "expect_column_values_to_be_between": ("min_value", "max_value"),
    "expect_multicolumn_sum_to_equal": ("sum_total",),
}
"""Numbers that the package makes floats of and the engine compares rows with."""
_OF_SHARES = re.compile("expect_column_proportion_of_")
_KINDS = {
    "text": "text",
    "number": "a number",
    "bool": "true or false",
    "date": "a date",
    "list": "a list",
    "mapping": "a mapping",
}
_ELSEWHERE = {
    **dict.fromkeys(
        ("row_condition", "condition_parser"),
        ("{} is not for SQL", "Write the condition as `where:` beside `kwargs:`"),
    ),
    "windows": (
        "windows reads earlier runs",
        "Write a parameter with `history:`, and {{$PARAMETER: name}} here",
    ),
    **dict.fromkeys(
        ("result_format", "catch_exceptions", "batch_id", "include_config"),
        ("{} is not set in a suite", "Remove it: failing rows are always counted, and some of them kept"),
    ),
    **dict.fromkeys(
        ("severity", "on_fail", "where", "description", "owner"),
        ("{} is no argument of an expectation", "Write it beside `kwargs:`"),
    ),
}
"""Kwargs of Great Expectations', and words of ours, that people write where they have no place: what is wrong, the fix."""
_NEEDS_ONE_OF = {
    "expect_column_values_to_be_in_type_list": ("type_list",),
    "expect_column_values_to_match_regex": ("regex",),
    "expect_table_columns_to_match_ordered_list": ("column_list",),
    "expect_table_columns_to_match_set": ("column_set",),
    "expect_column_kl_divergence_to_be_less_than": ("threshold",),
}
"""What may be left out as far as the package's own signature goes, and then checks nothing."""
_ALSO_NEEDS = {"expect_column_kl_divergence_to_be_less_than": ("partition_object",)}
"""Without it, data is compared with itself."""
_OTHER_WORDS = {
    "min": "min_value",
    "max": "max_value",
    "values": "value_set",
    "pattern": "regex",
    "columns": "column_list",
    "to": "table",
    "field": "to_column",
}
"""Words of other tools for kwargs."""
_PAIR = ("both_values_are_missing", "either_value_is_missing", "neither")
_SEVERAL = ("all_values_are_missing", "any_value_is_missing", "never")
_VARIES = ("number", "date", "list")
_AHEAD = ("column_list", "column_set", "type_list", "regex_list", "like_pattern_list", "by")
"""Lists that are judged ahead of the data, and therefore cannot be parameters."""


def wrong_with_kwargs(suite: Suite, item: Expectation, entry: Entry) -> Iterator[Problem]:
    """Everything that is wrong with an expectation's kwargs but the columns that they name."""
    for name, value in item.kwargs.items():
        if name not in entry.kwargs:
            message, fix = _ELSEWHERE.get(name, (f"{item.type} has no {name}", _meant(name, entry)))
            yield ("kwargs", name), message.format(name), fix.format()
        elif isinstance(value, Mapping) and PARAMETER in value:
            yield from _parameter(suite, item.type, name, value, entry.kwargs[name])
        elif _holds_parameter(value):
            fix = f"Write {name}: {{{PARAMETER}: name}}, and let its SQL give the whole list"
            yield (
                ("kwargs", name),
                f"{name}: a parameter stands for a whole argument, not for a part of one",
                fix,
            )
        else:
            yield from _value(item, name, value, entry)
    for name in (*entry.required, *_ALSO_NEEDS.get(item.type, ())):
        if item.kwargs.get(name) is None:
            yield ("kwargs",), f"{item.type} needs {name}", f"Add `{name}: ...` under kwargs"
    either = needs_one_of(item.type, entry)
    if either and all(item.kwargs.get(kwarg) is None for kwarg in either):
        needed = " or ".join(either)
        yield ("kwargs",), f"{item.type} needs {needed}", f"Add `{either[0]}: ...` under kwargs"
    yield from _span(item)


def _meant(name: str, entry: Entry) -> str:
    """The kwarg that was meant; braces are doubled, as in all these texts."""
    other = _OTHER_WORDS.get(name)
    return f"Write {other}" if other in entry.kwargs else hint(name, sorted(entry.kwargs))


def _holds_parameter(value: Any) -> bool:
    if isinstance(value, Mapping):
        return PARAMETER in value or any(map(_holds_parameter, value.values()))
    return isinstance(value, list | tuple) and any(map(_holds_parameter, value))


def needs_one_of(name: str, entry: Entry) -> tuple[str, ...]:
    """The kwargs of which an expectation of that type needs one with a value; () where it needs none."""
    return _NEEDS_ONE_OF.get(name) or (("min_value", "max_value") if "min_value" in entry.kwargs else ())


def takes_parameter(kwarg: str, takes: tuple[str, ...]) -> bool:
    """Whether `{$PARAMETER: x}` may stand for that kwarg: numbers, dates and sets may vary; columns, types and patterns are judged ahead."""
    return kwarg not in _AHEAD and any(kind in _VARIES for kind in takes)


def words_of(kwarg: str, kind: str) -> tuple[str, ...]:
    """The words that a kwarg may be; () where it is none of a few."""
    if kwarg == "match_on":
        return ("any", "all")
    if kwarg == "ignore_row_if":
        return _PAIR if "_pair_" in kind else _SEVERAL
    return ()


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


def _value(item: Expectation, name: str, value: Any, entry: Entry) -> Iterator[Problem]:
    path, takes = ("kwargs", name), entry.kwargs[name]
    words = words_of(name, item.type)
    if value is None:
        return
    if takes and not any(_is(value, kind) for kind in takes):
        wanted = " or ".join(_KINDS[kind] for kind in takes)
        fix = f"Write {wanted}"
        if name in ("mostly", "min_value", "max_value") and isinstance(value, str):
            share = parse_share(value)
            fix = fix if share is None else f"Write {share:g}"
        yield path, f"{name} must be {wanted}, not {kind_of(value)}", fix
    elif name == "mostly" and not 0 < value <= 1:
        what = (
            f"mostly must be a share from 0 to 1, not {kind_of(value)}"
            if value
            else "mostly: 0 lets every row fail"
        )
        yield path, what, "Write 0.95 for 95%"
    elif name == QUERY and "{batch}" not in value:
        yield (
            path,
            f"{name} does not read {{batch}}, the rows to judge",
            "Write SELECT * FROM {batch} WHERE ...",
        )
    elif name in ("min_value", "max_value") and _OF_SHARES.match(item.type) and not 0 <= value <= 1:
        fix = f"Write {value / 100:g}" if 1 < value <= 100 else "Write one such as 0.5"
        yield path, f"{name} must be a share from 0 to 1, not {kind_of(value)}", fix
    elif name in ROUNDED.get(item.type, ()) and isinstance(value, int) and abs(value) > EXACT:
        fix = "Compare it in the query of an unexpected_rows_expectation"
        yield path, f"{name} {value} is too large to be compared exactly", fix
    elif words and value not in words:
        yield path, f"{name} cannot be {value[:60]}", hint(value, words)
    elif name == "value_set":
        yield from wrong_with_set(path, value)
    elif name == "value_pairs_set":
        yield from wrong_with_pairs(path, value)
    elif name == "quantile_ranges":
        yield from wrong_with_quantiles(path, value)
    elif name == "partition_object":
        yield from wrong_with_partition(path, value)
    elif name == "column_list":
        yield from _column_list(path, item.type, value)
    elif name == "escape" and len(value) != 1:
        yield path, f"escape must be one character, not {kind_of(value)}", "Write one such as '!'"
    yield from _patterns(item, name, value)


def _is(value: Any, kind: str) -> bool:
    if kind == "date":
        return isinstance(value, str) and _moment(value) is not None
    if kind == "number":
        return is_number(value)
    plain = {"text": str, "bool": bool, "list": (list, tuple), "mapping": Mapping}[kind]
    return isinstance(value, plain)  # type: ignore[arg-type]


def _moment(text: str) -> datetime | None:
    """A date, or a date and time, as ISO 8601 writes it, in UTC; None where it is none."""
    if not _MOMENT.match(text):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def _patterns(item: Expectation, name: str, value: Any) -> Iterator[Problem]:
    if name in ("regex", "regex_list"):
        for path, pattern in patterns_in(name, value):
            for message, fix in wrong_with_regex(pattern):
                yield ("kwargs", *path), f"{name}: {message}", fix
    elif name in ("like_pattern", "like_pattern_list"):
        for path, pattern in patterns_in(name, value):
            for message, fix in wrong_with_like(pattern, item.kwargs.get("escape")):
                yield ("kwargs", *path), f"{name}: {message}", fix


def _span(item: Expectation) -> Iterator[Problem]:
    """A span in which nothing lies."""
    low, high = (_comparable(item.kwargs.get(name)) for name in ("min_value", "max_value"))
    if low is None or high is None:
        return
    path, shown = ("kwargs", "min_value"), f"{item.kwargs['min_value']} and {item.kwargs['max_value']}"
    if type(low) is not type(high):
        yield path, f"min_value and max_value are a date and a number: {shown}", "Write both as one kind"
    elif low > high:  # type: ignore[operator]
        yield path, f"nothing lies between {shown}", "Let min_value be at most max_value"
    elif low == high and (item.kwargs.get("strict_min") or item.kwargs.get("strict_max")):
        yield path, f"nothing lies strictly between {shown}", "Remove strict_min and strict_max"


def _comparable(value: Any) -> float | datetime | None:
    if _is(value, "number"):
        return float(value)
    return _moment(value) if isinstance(value, str) else None


def _column_list(path: tuple[str, ...], kind: str, value: Any) -> Iterator[Problem]:
    least = 1 if kind == "expect_table_columns_to_match_ordered_list" else 2
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        yield path, f"column_list must be a list of columns, not {kind_of(value)}", "Write [one, two]"
    elif len(value) < least:
        yield path, f"column_list must name {least} columns or more", "Write [one, two]"
