"""Values as the type of their field takes them: for JSON with their type, for CSV as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

import orjson

NUMBERS = ("int", "long", "double", "percent", "currency")
NULL = "#N/A"
"""What clears a field in a CSV, where an empty cell means no change (vendor-apis.md 2.5)."""
TRUTH = {"true": True, "false": False, "1": True, "0": False}


class Unsendable(ValueError):
    """A value that its field has no form for; `field` is the field it was meant for."""

    field: str | None = None


@dataclass(frozen=True)
class Number:
    """The digits of a number, exact however many they are."""

    text: str


@dataclass(frozen=True)
class Room:
    """What `describe` says of a number's digits: before the point (0: nothing), and behind it."""

    whole: int = 0
    scale: int = 0
    binary: bool = True
    """Whether it is kept as a 64-bit float, exact to 15 to 17 digits."""


Plain = str | bool | Number | None


def plain(value: Any, kind: str) -> Plain:
    """The value as a field of that type (of `describe`; "" where it is not known) takes it; Unsendable where it does not."""
    if value is None:
        return None
    if kind in NUMBERS:
        return _number(value)
    if kind == "boolean":
        return _truth(value)
    if kind == "date":
        return _day(value)
    if kind == "datetime":
        return _instant(value)
    if not kind and isinstance(value, bool):
        return value
    if not kind and isinstance(value, int | float | Decimal):
        return _number(value)
    return _text(value)


def fitting(value: Plain, room: Room) -> Plain:
    """The value itself; Unsendable for a number of which the field would keep other digits."""
    if not isinstance(value, Number):
        return value
    exact = Decimal(value.text)
    if room.whole and exact and exact.adjusted() >= room.whole:
        raise Unsendable(f"the number has more than {room.whole} digits before the point: {value.text}")
    if room.binary and not _kept(exact, room.scale):
        raise Unsendable(f"{value.text} has more digits than Salesforce keeps: ids belong into text fields")
    return value


def _kept(exact: Decimal, scale: int) -> bool:
    """Whether a 64-bit float has the same digits, as far as the field has decimals."""
    near = float(exact)
    if math.isinf(near):
        return False
    with localcontext() as context:
        context.prec = 1000
        place = Decimal(1).scaleb(-scale)
        wanted = exact.quantize(place)
        return wanted in (Decimal(near).quantize(place), Decimal(repr(near)).quantize(place))


def as_json(value: Plain) -> Any:
    """For orjson: numbers with every digit."""
    return orjson.Fragment(value.text.encode()) if isinstance(value, Number) else value


def as_cell(value: Plain) -> str:
    """For a CSV: NULL and the empty text clear."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    return value or NULL


def _text(value: Any) -> str:
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return _number(value).text
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return ";".join(_text(item) for item in value)
    raise Unsendable(f"a value of type {type(value).__name__} cannot be sent")


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unsendable("the text holds half a character (a lone surrogate)") from None
    return text


def _number(value: Any) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise Unsendable(f"{value!r} is not a number")
    if isinstance(value, str) and (
        "_" in value or not value.isascii()
    ):  # which Python alone reads as numbers
        raise Unsendable(f"{value!r} is not a number")
    try:
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        raise Unsendable(f"{value!r} is not a number") from None
    if not math.isfinite(exact):
        raise Unsendable(f"{value} is not a number that can be sent")
    text = format(exact, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return Number("0" if text in ("", "-0") else text)


def _truth(value: Any) -> bool:
    found = TRUTH.get(str(value).lower()) if isinstance(value, str | bool | int) else None
    if found is None:
        raise Unsendable(f"{value!r} is neither true nor false")
    return found


def _day(value: Any) -> str:
    if isinstance(value, datetime):
        if value.time() != time():
            raise Unsendable(f"{value.isoformat()} is a time, and the field takes a date")
        value = value.date()
    return value.isoformat() if isinstance(value, date) else _text(value)


def _instant(value: Any) -> str:
    """ISO 8601 in UTC, milliseconds; a date is its first moment."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        return _text(value)
    try:
        utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise Unsendable(f"{value.isoformat()} is beyond the years 1 to 9999 in UTC") from None
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
