"""The kwargs of an expectation, judged without data: their names, kinds and sense. What can only ever fail, or only pass, is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tailrace.project.load_parameters import PARAMETER
from tailrace.project.reader import hint, kind_of
from tailrace.project.spec import Expectation, Suite
from tailrace.validate.entry import Entry, Problem
from tailrace.validate.patterns import patterns_in, wrong_with_like, wrong_with_regex

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)?)?\Z")
QUERY = "unexpected_rows_query"
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
_PAIR = ("both_values_are_missing", "either_value_is_missing", "neither")
_SEVERAL = ("all_values_are_missing", "any_value_is_missing", "never")
_VARIES = ("number", "date", "list")
_AHEAD = ("column_list", "column_set", "type_list", "regex_list", "like_pattern_list", "by")
"""Lists that are judged ahead of the data, and therefore cannot be parameters."""


def wrong_with_kwargs(suite: Suite, item: Expectation, entry: Entry) -> Iterator[Problem]:
    """Everything that is wrong with an expectation's kwargs but the columns that they name."""
    for name, value in item.kwargs.items():
        if name not in entry.kwargs:
            message, fix = _ELSEWHERE.get(
                name, (f"{item.type} has no {name}", hint(name, sorted(entry.kwargs)))
            )
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
    for name in entry.required:
        if item.kwargs.get(name) is None:
            yield ("kwargs",), f"{item.type} needs {name}", f"Add `{name}: ...` under kwargs"
    either = needs_one_of(item.type, entry)
    if either and all(item.kwargs.get(kwarg) is None for kwarg in either):
        needed = " or ".join(either)
        yield ("kwargs",), f"{item.type} needs {needed}", f"Add `{either[0]}: ...` under kwargs"
    yield from _span(item)


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
        yield path, f"{name} must be {wanted}, not {kind_of(value)}", f"Write {wanted}"
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
    elif words and value not in words:
        yield path, f"{name} cannot be {value[:60]}", hint(value, words)
    elif name == "value_set":
        yield from _set(path, value)
    elif name == "value_pairs_set":
        yield from _pairs(path, value)
    elif name == "quantile_ranges":
        yield from _quantiles(path, value)
    elif name == "column_list":
        yield from _column_list(path, item.type, value)
    elif name == "escape" and len(value) != 1:
        yield path, f"escape must be one character, not {kind_of(value)}", "Write one such as '!'"
    yield from _patterns(item, name, value)


def _is(value: Any, kind: str) -> bool:
    if kind == "date":
        return isinstance(value, str) and _moment(value) is not None
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
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


def _set(path: tuple[str, ...], values: Any) -> Iterator[Problem]:
    if not values:
        yield path, "value_set is empty", "Write the values, or remove the expectation"
        return
    kinds: dict[str, int] = {}
    for place, value in enumerate(values):
        if value is None:
            fix = "Remove it: use expect_column_values_to_not_be_null, or `where:`"
            yield (*path, place), "value_set holds a NULL, which is equal to nothing", fix
        else:
            kinds.setdefault(_kind(value), place)
    if len(kinds) > 1:
        place = max(kinds.values())
        fix = "Write all values as the column's type; put quotes around a text"
        yield (*path, place), f"value_set mixes {' and '.join(sorted(kinds))}", fix


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true and false"
    if isinstance(value, int | float):
        return "numbers"
    return "texts" if isinstance(value, str) else "lists or mappings"


def _pairs(path: tuple[str, ...], values: Any) -> Iterator[Problem]:
    if not values:
        yield path, "value_pairs_set is empty", "Write the pairs, or remove the expectation"
    for place, pair in enumerate(values):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            yield (*path, place), f"a pair must be a list of two, not {kind_of(pair)}", "Write [a, b]"


def _quantiles(path: tuple[str, ...], value: Any) -> Iterator[Problem]:
    found = value if isinstance(value, Mapping) else {}
    shares, spans = found.get("quantiles"), found.get("value_ranges")
    fix = "Write {quantiles: [0.5], value_ranges: [[10, 20]]}"
    if (
        not isinstance(shares, list)
        or not isinstance(spans, list)
        or set(found) != {"quantiles", "value_ranges"}
    ):
        yield path, "quantile_ranges must hold quantiles and value_ranges, each a list", fix
    elif len(shares) != len(spans) or not shares:
        yield (
            path,
            f"{len(shares)} quantiles and {len(spans)} value_ranges",
            "Write one range for each quantile",
        )
    elif not all(_is(share, "number") and 0 <= share <= 1 for share in shares):
        yield (*path, "quantiles"), "quantiles must be shares from 0 to 1", fix
    else:
        for place, span in enumerate(spans):
            ends = [end for end in span if end is not None] if isinstance(span, list) else []
            if (
                not isinstance(span, list)
                or len(span) != 2
                or not all(_is(end, "number") for end in ends)
                or ends != sorted(ends)
            ):
                yield (*path, "value_ranges", place), "a range must be its lowest and highest number", fix


def _column_list(path: tuple[str, ...], kind: str, value: Any) -> Iterator[Problem]:
    least = 1 if kind == "expect_table_columns_to_match_ordered_list" else 2
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        yield path, f"column_list must be a list of columns, not {kind_of(value)}", "Write [one, two]"
    elif len(value) < least:
        yield path, f"column_list must name {least} columns or more", "Write [one, two]"
