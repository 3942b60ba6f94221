"""Values of our own types' kwargs: what is wrong with them, told without a connection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tailrace.project.reader import parse_duration
from tailrace.validate.entry import Problem
from tailrace.validate.where import volatile_word

if TYPE_CHECKING:
    from fractions import Fraction

DAY = 86_400.0
MOST_RUNS = 365
MOST_DAYS = 36_500
_QUERIES = re.compile(r"\bselect\b|\(\s*(from|table|values|with)\b|\b(query|query_table)\s*\(", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`")


def is_later(value: Any) -> bool:
    """Whether a value is known only when the suite is judged."""
    return isinstance(value, Mapping) and "$PARAMETER" in value


def number(
    kwargs: Mapping[str, Any],
    name: str,
    default: float,
    *,
    low: float = 0,
    high: float | None = None,
    whole: bool = False,
) -> Iterator[Problem]:
    """Nothing where it is a number from `low` to `high`; `default` shows how to write one."""
    value = kwargs.get(name)
    if value is None or is_later(value):
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        return  # its kind is told with everybody's kinds
    if whole and value != int(value):
        yield ("kwargs", name), f"{name} must be a whole number, not {value}", f"Write {default:g}"
    elif not (low <= value and (high is None or value <= high)):
        span = f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"
        yield ("kwargs", name), f"{name} must be {span}, not {value}", f"Write {default:g}"


def duration(
    kwargs: Mapping[str, Any], name: str, default: str, *, days: bool = False, zero: bool = False
) -> Iterator[Problem]:
    """Nothing where it is a duration such as `24h`; `days`: a whole number of them."""
    value = kwargs.get(name)
    if value is None or is_later(value) or not isinstance(value, str):
        return
    seconds = parse_duration(value)
    if seconds is None or (days and seconds % DAY):
        wanted = "a whole number of days" if days else "a duration"
        yield ("kwargs", name), f"{name} must be {wanted}, not {value!r}", f"Write {default}"
    elif seconds == 0 and not zero:
        yield ("kwargs", name), f"{name} must be more than nothing", f"Write {default}"
    elif seconds > MOST_DAYS * DAY:
        yield ("kwargs", name), f"{name} must be at most {MOST_DAYS}d, not {value}", f"Write {default}"


def ordered(
    kwargs: Mapping[str, Any], low: str, high: str, defaults: Mapping[str, float]
) -> Iterator[Problem]:
    """Nothing where the first is not above the second."""
    least, most = (kwargs.get(name, defaults[name]) for name in (low, high))
    numbers = all(isinstance(value, int | float) for value in (least, most))
    if numbers and least > most:
        yield (
            ("kwargs", low if low in kwargs else high),
            f"{low} {least:g} is above {high} {most:g}",
            f"Let {low} be at most {high}",
        )


def texts(kwargs: Mapping[str, Any], name: str) -> Iterator[Problem]:
    """Nothing where it is a list of texts without repetition."""
    value = kwargs.get(name)
    if not isinstance(value, list | tuple):
        return
    seen: set[str] = set()
    for place, item in enumerate(value):
        if not isinstance(item, str):
            yield ("kwargs", name, place), f"{name} takes texts only", "Write [one, two]"
        elif item.lower() in seen:
            yield ("kwargs", name, place), f"{name} names {item} twice", "Leave one out"
        else:
            seen.add(item.lower())


def table(kwargs: Mapping[str, Any], name: str) -> Iterator[Problem]:
    """Nothing where it is a model's name or `dataset.table`."""
    value = kwargs.get(name)
    if isinstance(value, str) and not re.fullmatch(r"[^\s.\"'`;]+(\.[^\s.\"'`;]+)?", value):
        yield ("kwargs", name), f"{name} {value!r} names no table", "Write a model's name, or dataset.table"


def sql(path: tuple[str | int, ...], text: Any) -> Iterator[Problem]:
    """Nothing where a text can stand between parentheses as one SQL expression, as far as its signs tell.

    It is over one row of its table: of what else it read nobody would see that it has changed.
    """
    if not isinstance(text, str):
        return
    bare, name = _QUOTED.sub("''", text), path[1]
    if not text.strip():
        yield path, f"{name} is empty", "Write an SQL expression over the source's columns"
    elif ";" in bare or "--" in bare or "/*" in bare:
        yield path, f"{name} must be one SQL expression", "Leave out comments and semicolons"
    elif not _balanced(bare):
        yield path, f"{name}: a parenthesis or a quote has no partner", "Close it"
    elif _QUERIES.search(bare):
        yield (
            path,
            f"{name} is about one row: no subquery",
            "Compute it in a model, and name that as the source",
        )
    elif called := volatile_word(bare):
        fix = "Compute it in a model, which has one clock for the whole run"
        yield path, f"{name} reads {called}, which differs from call to call", fix


def _balanced(text: str) -> bool:
    depth = 0
    for sign in text.replace("''", ""):
        depth += (sign == "(") - (sign == ")")
        if depth < 0 or sign in "'\"`":
            return False
    return depth == 0


def seconds(kwargs: Mapping[str, Any], name: str, default: str) -> float:
    """A duration that has been checked."""
    found = parse_duration(str(kwargs.get(name) or default))
    assert found is not None, "wrong_with comes first"
    return found


def exactly(share: float) -> Fraction:
    """A share as the suite writes it: 29 of 100 are 29%, which as floats they are not."""
    from fractions import Fraction

    return Fraction(str(share)).limit_denominator(10**9)


def counted(count: float, noun: str) -> str:
    """`1 row`, `1,200 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def too_early(known: int, wanted: float) -> str:
    """Why a check that compares with earlier runs passes in the first ones."""
    return f"no history yet ({known} of {counted(int(wanted), 'run')})"


def age(found: float) -> str:
    """Seconds as a person says them: `26 hours`, `3 days`."""
    for size, noun in ((DAY, "day"), (3600.0, "hour"), (60.0, "minute")):
        if found >= 2 * size or (found == size and size < DAY):
            return counted(round(found / size), noun)
    return counted(round(found), "second")


def listed(names: Sequence[object]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *others, last = (str(name) for name in names)
    return f"{', '.join(others)} and {last}" if others else last
