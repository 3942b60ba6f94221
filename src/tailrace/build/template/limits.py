"""What a template may use up: seconds, and the size of what it makes. One line of Jinja can eat a machine.

Python checks for an alarm between its own steps only, so whatever one step could blow up is measured before it is done.
"""

from __future__ import annotations

import gc
import math
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from itertools import islice
from math import inf
from types import FrameType
from typing import Any

from tailrace.build.template.moment import Moment

SECONDS = 5.0
"""A template that renders longer than this loops."""
LONGEST = 10_000_000
"""Characters that a template may make of a text; a digit is a character of a number."""
ITEMS = 100_000
"""What an endless or multiplied series may give."""
AGAIN = 0.05
"""Seconds between alarms once the time is up, in case that the first comes where nothing can be raised."""
_THREAD = threading.local()
_NUMBER = re.compile(r"\d+")


class Runaway(Exception):
    """A template ran for too long or grew too large."""


def check_size(size: float) -> None:
    """Runaway where a value would be larger than LONGEST."""
    if size > LONGEST:
        raise Runaway("makes a value of more than ten million characters")


def measure(value: Any) -> int:
    """Characters that a value prints as, about, and ten for each part; counted no further than LONGEST."""
    size, stack = 0, [value]
    while stack and size <= LONGEST:
        part = stack.pop()
        if isinstance(part, str | bytes):
            size += len(part)
        elif isinstance(part, Mapping):
            stack += [*part, *part.values()]
        elif isinstance(part, list | tuple | set | frozenset):
            stack += part
        elif isinstance(part, int):
            size += part.bit_length() // 3
        size += 10
    return size


def joined(parts: Iterable[Any], separator: str = "") -> str:
    """The parts as one text."""
    texts, size = [], 0
    for part in parts:
        if not isinstance(part, str):
            check_size(measure(part))
        text = part.mark if isinstance(part, Moment) else str(part)
        size += len(text) + len(separator)
        check_size(size)
        texts.append(text)
    return separator.join(texts)


def limited(items: Iterable[Any]) -> Iterator[Any]:
    """The items, as long as there are not too many."""
    source = iter(items)
    yield from islice(source, ITEMS)
    for _ in source:
        raise Runaway(f"makes a series of more than {ITEMS:,} items")


def formatted_size(text: Any, args: Iterable[Any], sign: str) -> int:
    """At most how long a format may come out: `sign` begins each of its fields."""
    if not isinstance(text, str | bytes):
        return 0
    plain = text.decode("latin-1") if isinstance(text, bytes) else text
    widths = sum(min(int(found[:12]), LONGEST + 1) for found in _NUMBER.findall(plain))
    given = list(args)
    whole = sum(abs(arg) for arg in given if isinstance(arg, int)) if "*" in plain or "{:{" in plain else 0
    return len(plain) + widths + whole + plain.count(sign) * max((measure(arg) for arg in given), default=0)


def binary_size(operator: str, left: Any, right: Any) -> int:
    """How large `left operator right` would be; 0 where it cannot be large."""
    if operator == "*":
        return max(_repeated(left, right), _repeated(right, left))
    if operator == "**":
        whole = isinstance(left, int) and isinstance(right, int)
        return left.bit_length() * abs(right) // 3 if whole else 0
    if operator == "%":
        values = right.values() if isinstance(right, Mapping) else right
        return formatted_size(left, values if isinstance(values, Iterable) else [values], "%")
    sized = isinstance(left, str | bytes | list | tuple) and isinstance(right, type(left))
    return len(left) + len(right) if sized else 0


def _repeated(value: Any, times: Any) -> int:
    return (
        len(value) * times if isinstance(value, str | bytes | list | tuple) and isinstance(times, int) else 0
    )


def call_size(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int:
    """How large a method of a text, list or number would make its result; 0 where it cannot grow much."""
    owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
    if isinstance(owner, str | bytes):
        measured = _TEXT_METHODS.get(name)
        return int(measured(owner, *args, **kwargs)) if measured else 0
    if isinstance(owner, list) and name == "extend":
        return len(owner) + sum(_length(arg) for arg in args)
    if isinstance(owner, re.Pattern | re.Match) and name in ("sub", "subn", "expand"):
        lengths = [len(arg) + 1 for arg in (*args, *kwargs.values()) if isinstance(arg, str)]
        return math.prod(lengths)
    if isinstance(owner, int) and name == "to_bytes":
        return max((arg for arg in (*args, *kwargs.values()) if isinstance(arg, int)), default=0)
    return 0


def _length(value: object) -> int:
    return len(value) if isinstance(value, Sized) else 0


def replaced_size(text: Any, old: Any = "", new: Any = "", *_count: Any) -> int:
    """How long `text.replace(old, new)` would be, at most."""
    text, old, new = (part if isinstance(part, str | bytes) else str(part) for part in (text, old, new))
    try:
        return int(len(text) + text.count(old) * len(new))
    except TypeError:
        return 0


def _padded(text: Any, width: Any = 8, *_fill: Any, **more: Any) -> int:
    wide = max([width, *more.values()], key=lambda found: found if isinstance(found, int) else 0)
    return len(text) + wide if isinstance(wide, int) else 0


def _expanded(text: Any, tabsize: Any = 8) -> int:
    return len(text) * max(1, tabsize) if isinstance(tabsize, int) else 0


def _joined(text: Any, parts: Any = ()) -> int:
    if not isinstance(parts, list | tuple | set | frozenset | Mapping):
        return 0  # an iterator of something that has been measured, or raises
    return sum(len(part) + len(text) for part in parts if isinstance(part, str | bytes))


def _translated(text: Any, table: Any = None, *_more: Any) -> int:
    values = table.values() if isinstance(table, Mapping) else ()
    return len(text) * max([1, *(len(value) for value in values if isinstance(value, str))])


_TEXT_METHODS: Mapping[str, Callable[..., int]] = {
    "center": _padded, "ljust": _padded, "rjust": _padded, "zfill": _padded, "expandtabs": _expanded,
    "replace": replaced_size, "join": _joined, "translate": _translated,
}  # fmt: skip


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Runaway after `seconds`: by an alarm in the main thread, by a look at the clock at every line elsewhere."""
    if threading.current_thread() is threading.main_thread():
        with _alarm(seconds):
            yield
    else:
        with _traced(seconds):
            yield


@contextmanager
def unlimited() -> Iterator[None]:
    """Inside, the time limit does not count: the warehouse may take as long as it needs."""
    if threading.current_thread() is threading.main_thread():
        left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, left, AGAIN)
    else:
        until, began = getattr(_THREAD, "until", inf), time.monotonic()
        _THREAD.until = inf
        try:
            yield
        finally:
            _THREAD.until = until + time.monotonic() - began


def _raise(seconds: float) -> None:
    raise Runaway(f"ran for more than {seconds:g} seconds")


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(_signal: int, frame: FrameType | None) -> None:
        if not _is_dropped(frame):
            _raise(seconds)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # an alarm may come even there
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


@contextmanager
def _traced(seconds: float) -> Iterator[None]:
    def trace(frame: FrameType, _event: str, _arg: Any) -> Any:
        if time.monotonic() > _THREAD.until and not _is_dropped(frame):
            _raise(seconds)
        return trace

    before, outer = sys.gettrace(), getattr(_THREAD, "until", inf)
    _THREAD.until = time.monotonic() + seconds
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
        _THREAD.until = outer


def _is_dropped(frame: FrameType | None) -> bool:
    """Whether Python drops what is raised here, and a trace with it: while it collects garbage or ends an object."""
    callbacks = [getattr(callback, "__code__", None) for callback in gc.callbacks]
    while frame is not None:
        if frame.f_code in callbacks or frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
