"""FilterExpression: and, or, not, and the leaf filters on dimensions (text) and metrics (numbers)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from tailrace.sandbox.google import ApiError

Test = Callable[[Callable[[str], Any]], bool]

# enumerations may come as names or, from Google's Python client, as numbers
MATCH_TYPES = (
    "MATCH_TYPE_UNSPECIFIED",
    "EXACT",
    "BEGINS_WITH",
    "ENDS_WITH",
    "CONTAINS",
    "FULL_REGEXP",
    "PARTIAL_REGEXP",
)
OPERATIONS = (
    "OPERATION_UNSPECIFIED",
    "EQUAL",
    "LESS_THAN",
    "LESS_THAN_OR_EQUAL",
    "GREATER_THAN",
    "GREATER_THAN_OR_EQUAL",
)
TEXT_FILTERS, NUMBER_FILTERS = (
    ("stringFilter", "inListFilter", "emptyFilter"),
    ("numericFilter", "betweenFilter"),
)


def enum(value: Any, names: tuple[str, ...], default: str) -> str:
    """An enumeration's name, given by name or number; ApiError 400 for what is neither."""
    if value is None:
        return default
    if isinstance(value, int) and 0 <= value < len(names):
        name = names[value]
        return default if name.endswith("UNSPECIFIED") else name
    if value in names:
        return default if value.endswith("UNSPECIFIED") else str(value)
    raise ApiError(400, f"Invalid value (one of {', '.join(names)}), {value!r}")


def compile_filter(expression: Any, known: Collection[str], *, numeric: bool) -> Test:
    """A test that gets a function from a field's name to its value; ApiError 400 where the expression is malformed."""
    if not isinstance(expression, dict) or len(expression) != 1:
        raise ApiError(
            400, "A FilterExpression has exactly one of andGroup, orGroup, notExpression and filter."
        )
    kind, content = next(iter(expression.items()))
    if kind == "notExpression":
        inner = compile_filter(content, known, numeric=numeric)
        return lambda value: not inner(value)
    if kind in ("andGroup", "orGroup"):
        parts = [compile_filter(part, known, numeric=numeric) for part in content.get("expressions", [])]
        combine = all if kind == "andGroup" else any
        return lambda value: combine(part(value) for part in parts)
    if kind == "filter":
        return _leaf(content, known, numeric=numeric)
    raise ApiError(400, f'Invalid JSON payload received. Unknown name "{kind}" at filter: Cannot find field.')


def _leaf(content: dict[str, Any], known: Collection[str], *, numeric: bool) -> Test:
    field = content.get("fieldName")
    if not isinstance(field, str) or field not in known:
        what = "metric" if numeric else "dimension"
        raise ApiError(400, f"Field {field} is not a valid {what} to filter by in this request.")
    kinds = [kind for kind in (*TEXT_FILTERS, *NUMBER_FILTERS) if kind in content]
    if len(kinds) != 1 or (kinds[0] in NUMBER_FILTERS) != numeric:
        wanted = NUMBER_FILTERS if numeric else TEXT_FILTERS
        raise ApiError(400, f"The filter on {field} needs exactly one of {', '.join(wanted)}.")
    passes = _MAKERS[kinds[0]](content[kinds[0]])
    return lambda value: passes(value(field))


def _string(content: dict[str, Any]) -> Callable[[Any], bool]:
    how = enum(content.get("matchType"), MATCH_TYPES, "EXACT")
    wanted, sensitive = str(content.get("value", "")), bool(content.get("caseSensitive"))
    if how.endswith("REGEXP"):
        try:
            pattern = re.compile(wanted, 0 if sensitive else re.IGNORECASE)
        except re.error as error:
            raise ApiError(400, f"Invalid regular expression: {error}") from error
        find = pattern.fullmatch if how == "FULL_REGEXP" else pattern.search
        return lambda text: find(text) is not None
    fold = str if sensitive else str.lower
    wanted = fold(wanted)
    tests: dict[str, Callable[[str], bool]] = {
        "EXACT": lambda text: text == wanted,
        "BEGINS_WITH": lambda text: text.startswith(wanted),
        "ENDS_WITH": lambda text: text.endswith(wanted),
        "CONTAINS": lambda text: wanted in text,
    }
    test = tests[how]
    return lambda text: test(fold(text))


def _in_list(content: dict[str, Any]) -> Callable[[Any], bool]:
    fold = str if content.get("caseSensitive") else str.lower
    values = {fold(str(value)) for value in content.get("values", [])}
    if not values:
        raise ApiError(400, "inListFilter needs values.")
    return lambda text: fold(text) in values


def _empty(_: dict[str, Any]) -> Callable[[Any], bool]:
    return lambda text: text in ("", "(not set)")


def number(content: Any) -> float:
    """A NumericValue: an int64 as a string, or a double."""
    try:
        return float(content["int64Value"] if "int64Value" in content else content["doubleValue"])
    except (KeyError, TypeError, ValueError) as error:
        raise ApiError(400, "A numeric value needs int64Value or doubleValue.") from error


def _numeric(content: dict[str, Any]) -> Callable[[Any], bool]:
    how, limit = enum(content.get("operation"), OPERATIONS, "EQUAL"), number(content.get("value"))
    tests: dict[str, Callable[[float], bool]] = {
        "EQUAL": lambda value: value == limit,
        "LESS_THAN": lambda value: value < limit,
        "LESS_THAN_OR_EQUAL": lambda value: value <= limit,
        "GREATER_THAN": lambda value: value > limit,
        "GREATER_THAN_OR_EQUAL": lambda value: value >= limit,
    }
    return tests[how]


def _between(content: dict[str, Any]) -> Callable[[Any], bool]:
    low, high = number(content.get("fromValue")), number(content.get("toValue"))
    return lambda value: low <= value <= high


_MAKERS: dict[str, Callable[[dict[str, Any]], Callable[[Any], bool]]] = {
    "stringFilter": _string,
    "inListFilter": _in_list,
    "emptyFilter": _empty,
    "numericFilter": _numeric,
    "betweenFilter": _between,
}
