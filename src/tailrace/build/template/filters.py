"""Filters that dbt adds, and Jinja's own where one of them could eat the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from jinja2 import filters, pass_environment
from jinja2.environment import Environment
from jinja2.exceptions import SecurityError

from tailrace.build.template.limits import LONGEST, check_size, formatted_size, joined, measure, replaced_size


def _random(*_args: Any) -> Any:
    raise SecurityError("random gives other SQL each time")


def _same(value: Any) -> Any:
    """As in dbt, the as_... filters only matter where a value is wanted; SQL is text."""
    return value


@pass_environment
def _join(
    environment: Environment, value: Iterable[Any], d: str = "", attribute: str | int | None = None
) -> str:
    if attribute is not None:
        value = map(filters.make_attrgetter(environment, attribute), value)
    return joined(value, str(d))


@pass_environment
def _sum(
    environment: Environment, iterable: Iterable[Any], attribute: str | int | None = None, start: Any = 0
) -> Any:
    if attribute is not None:
        iterable = map(filters.make_attrgetter(environment, attribute), iterable)
    for item in iterable:
        start = start + item
        check_size(len(start) if hasattr(start, "__len__") else 0)
    return start


def _string(value: Any) -> str:
    check_size(measure(value))
    return filters.FILTERS["string"](value)  # type: ignore[no-any-return]


def _checked(name: str, size: Callable[..., float]) -> Callable[..., Any]:
    """Jinja's filter, once `size` of its arguments is bearable."""
    inner = filters.FILTERS[name]
    skip = 1 if hasattr(inner, "jinja_pass_arg") else 0

    @wraps(inner)
    def checked(*args: Any, **kwargs: Any) -> Any:
        check_size(size(*args[skip:], **kwargs))
        return inner(*args, **kwargs)

    return checked


def _widest(value: Any, *args: Any, **kwargs: Any) -> float:
    """Every number given is a width, for every line."""
    widths = [abs(arg) for arg in (*args, *kwargs.values()) if isinstance(arg, int)]
    return max(widths, default=0) * (str(value).count("\n") + 1)


def _indented(value: Any, width: Any = 4, *_flags: Any, **_more: Any) -> float:
    one = width if isinstance(width, int) else len(str(width))
    return one * (str(value).count("\n") + 1)


def _wrapped(value: Any, *args: Any, **kwargs: Any) -> float:
    signs = [len(arg) for arg in (*args, *kwargs.values()) if isinstance(arg, str)]
    return len(str(value)) * max(signs, default=1)


def _precise(_value: Any, precision: Any = 0, *_method: Any, **_more: Any) -> float:
    return LONGEST + 1 if isinstance(precision, int) and abs(precision) > 1000 else 0


def _jsoned(value: Any, indent: Any = None) -> float:
    return measure(value) * (1 + (indent if isinstance(indent, int) else 0))


def _sliced(_value: Any, slices: Any, *_fill: Any, **_more: Any) -> float:
    """Even an empty slice is a list."""
    return slices * 10 if isinstance(slices, int) else 0


def _filled(_value: Any, linecount: Any, fill_with: Any = None) -> float:
    return linecount * 10 if isinstance(linecount, int) and fill_with is not None else 0


def _formatted(value: Any, *args: Any, **kwargs: Any) -> float:
    return formatted_size(str(value), (*args, *kwargs.values()), "%")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "as_text": _same, "as_bool": _same, "as_native": _same, "as_number": _same,
    "is_list": lambda value: isinstance(value, list),
    "tailrace_concat": joined, "join": _join, "sum": _sum, "string": _string, "random": _random,
    "center": _checked("center", _widest), "indent": _checked("indent", _indented),
    "replace": _checked("replace", replaced_size), "format": _checked("format", _formatted),
    "wordwrap": _checked("wordwrap", _wrapped), "tojson": _checked("tojson", _jsoned),
    "round": _checked("round", _precise), "slice": _checked("slice", _sliced), "batch": _checked("batch", _filled),
}  # fmt: skip
