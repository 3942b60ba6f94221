"""JSON whose numbers lose no digit: a fraction that no double holds is the text of its digits, as some vendors send all."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

LONG = re.compile(rb"[:,\[\s-][\d.]{17}")
"""A bare number of more digits than every double keeps (15 and a point), or, rarely, a quoted text that looks like one."""
KEPT = 16


def loads(content: bytes) -> Any:
    """As orjson reads it; of numbers that it would round, whole ones are ints and others texts. orjson.JSONDecodeError where it is no JSON."""
    found = orjson.loads(content)
    return lenient(content) if LONG.search(content) is not None else found


def lenient(content: bytes) -> Any:
    """The same of JSON that has NaN or half a surrogate pair in it. ValueError where it is none."""
    return json.loads(content, parse_float=_real, parse_int=_whole)


def _real(text: str) -> float | str:
    """17 digits tell a double from any other, so a vendor that writes so many has a double."""
    number = float(text)
    if len(text) <= KEPT:
        return number
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return text
    return number if exact in (Decimal(repr(number)), Decimal(f"{number:.16e}")) else text


def _whole(text: str) -> int | str:
    """A number however long, up to what Python reads (4300 digits unless told otherwise)."""
    try:
        return int(text)
    except ValueError:
        return text
