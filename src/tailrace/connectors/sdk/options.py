"""Checks options against their declaration and fills in defaults, offline: `check`, `plan` and `open` share it."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tailrace.connectors.sdk.base import (
    Declaration,
    ObjectType,
    Option,
    ResourceType,
)
from tailrace.errors import FatalError, near_miss

Problem = tuple[tuple[str | int, ...], str, str]
"""Where inside the options, what is wrong, and the fix."""

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw]?)")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
EXAMPLES = {
    "text": "a text",
    "integer": "a whole number",
    "number": "a number",
    "bool": "true or false",
    "texts": "a list of texts",
    "names": "a text or a list of texts",
    "mapping": "a mapping",
    "duration": "a duration like 90s, 15m, 24h or 30d",
}


class Unfit(ValueError):
    """A value is not of its option's kind."""


def validate(options: Mapping[str, Any], declared: Sequence[Option]) -> tuple[dict[str, Any], list[Problem]]:
    """The options with defaults filled in, and every problem found; an absent option without default is None."""
    known = {option.name: option for option in declared}
    problems: list[Problem] = [
        ((name,), f"unknown option {name!r}", near_miss(name, list(known)))
        for name in options
        if name not in known
    ]
    filled: dict[str, Any] = {}
    for option in declared:
        value = options.get(option.name)
        if value is None:
            filled[option.name] = _default(option)
            if option.required:
                problems.append(((option.name,), f"option {option.name!r} is missing", option.description))
            continue
        try:
            filled[option.name] = convert(option, value)
        except Unfit as unfit:
            problems.append(((option.name,), f"option {option.name!r}: {unfit}", _fix(option)))
    return filled, problems


def check_connection(
    declaration: Declaration, options: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """All that can be known of a connection's options without connecting."""
    filled, problems = validate(options, declaration.options)
    if not problems and declaration.validate_connection is not None:
        problems.extend(declaration.validate_connection(filled))
    return filled, problems


def resource_type(declaration: Declaration, name: str) -> ResourceType | None:
    """The declared resource of that name, else the first that takes any name like it, else None."""
    exact = [
        resource for resource in declaration.resources if resource.name == name and not resource.any_name
    ]
    any_name = [resource for resource in declaration.resources if resource.any_name]
    fitting = [found for found in any_name if re.fullmatch(found.pattern or r"[\s\S]*", name)]
    return next(iter(exact or fitting), None)


def object_type(declaration: Declaration, name: str) -> ObjectType | None:
    """The declared destination object of that name, else the one that takes any name, under this name, else None.

    A name that is nearly a declared one is a slip of the pen, not an object that only the vendor knows: None. What fits the
    `pattern` of objects that only the vendor knows is no slip.
    """
    declared = {found.name: found for found in declaration.objects if not found.any_name}
    if name in declared:
        return declared[name]
    other = next((found for found in declaration.objects if found.any_name), None)
    own = other is not None and other.pattern and re.fullmatch(other.pattern, name)
    if not own and difflib.get_close_matches(name, list(declared), n=1, cutoff=0.8):
        return None
    return None if other is None else replace(other, name=name)


def check_resource(
    declaration: Declaration, name: str, options: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """All that can be known of a resource without connecting; a problem of its name has the empty path."""
    kind = resource_type(declaration, name)
    if kind is None:
        names = [resource.name for resource in declaration.resources]
        return {}, [((), f"{declaration.name} has no resource {name!r}", near_miss(name, names))]
    filled, problems = validate(options, kind.options)
    if not problems and declaration.validate_resource is not None:
        problems.extend(declaration.validate_resource(name, filled))
    return filled, problems


def check_object(
    declaration: Declaration, name: str, mode: str, options: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """A sync's `options:` with defaults filled in, and all that is wrong with them; the object is one that is declared."""
    kind = object_type(declaration, name)
    if kind is None:
        return {}, []
    filled, problems = validate(options, kind.options)
    if not problems and declaration.validate_sync is not None:
        problems.extend(declaration.validate_sync(name, mode, filled))
    return filled, problems


def settings(declaration: Declaration, options: Mapping[str, Any], connection: str) -> dict[str, Any]:
    """The connection's options with defaults; FatalError naming everything wrong where `check` was not asked before."""
    filled, problems = check_connection(declaration, options)
    if problems:
        raise FatalError(
            f"{connection}: " + "; ".join(f"{what}. {fix}".rstrip(". ") for _, what, fix in problems)
        )
    return filled


def convert(option: Option, value: Any) -> Any:
    """The value as its kind wants it (numbers may come as text, from environment variables); Unfit where it is not."""
    if hasattr(value, "reveal"):
        if option.kind != "text":
            raise Unfit(f"expected {EXAMPLES[option.kind]}, not a secret")
        return value
    if option.choices and value in option.choices and option.kind in ("mapping", "duration"):
        return value
    converted = _CONVERTERS[option.kind](value)
    if (
        option.choices
        and option.kind not in ("mapping", "duration", "texts", "names")
        and converted not in option.choices
    ):
        raise Unfit(f"{value!r} is not one of {', '.join(option.choices)}")
    return converted


def seconds(text: str | float) -> float:
    """`90s`, `15m`, `24h`, `30d`, `2w`, or a bare number, as seconds; Unfit for anything else."""
    if isinstance(text, int | float) and not isinstance(text, bool) and text >= 0:
        return float(text)
    match = DURATION.fullmatch(str(text).strip())
    if match is None:
        raise Unfit(f"{text!r} is not a duration")
    return float(match[1]) * UNITS[match[2] or "s"]


def _default(option: Option) -> Any:
    return option.default if option.default is None else convert(option, option.default)


def _fix(option: Option) -> str:
    if option.choices and option.kind in ("text", "integer", "number", "bool"):
        return f"write {' or '.join(option.choices)}"
    words = (
        f", or {' or '.join(option.choices)}"
        if option.choices and option.kind in ("mapping", "duration")
        else ""
    )
    return f"write {EXAMPLES[option.kind]}{words}"


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unfit(f"expected {EXAMPLES['text']}, not {_kind(value)}")
    return str(value)


def _integer(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise Unfit(f"{value!r} is not a whole number")
    return int(number)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unfit(f"expected {EXAMPLES['number']}, not {_kind(value)}")
    try:
        number = float(value)
    except ValueError:
        raise Unfit(f"{value!r} is not a number") from None
    if not math.isfinite(number):
        raise Unfit(f"{value!r} is not a number")
    return number


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise Unfit(f"{value!r} is not true or false")


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise Unfit(f"expected {EXAMPLES['texts']}, not {_kind(value)}")
    texts = tuple(_text(item) for item in value)
    twice = sorted({text for text in texts if texts.count(text) > 1})
    if twice:
        raise Unfit(f"named twice: {', '.join(twice)}")
    return texts


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else _texts(value)


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Unfit(f"expected {EXAMPLES['mapping']}, not {_kind(value)}")
    return dict(value)


def _kind(value: Any) -> str:
    names = {
        bool: "a boolean",
        str: "a text",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "a mapping",
    }
    return names.get(type(value), type(value).__name__)


_CONVERTERS = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "bool": _bool,
    "texts": _texts,
    "names": _names,
    "mapping": _mapping,
    "duration": seconds,
}
