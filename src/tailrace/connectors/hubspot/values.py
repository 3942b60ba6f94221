"""Typed values as the texts that HubSpot takes for property values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson


class Unsendable(ValueError):
    """A value that HubSpot has no text for; `field` is the property it was meant for."""

    field: str | None = None


def to_text(value: Any) -> str:
    """None clears; numbers without exponent; times as ISO 8601 in UTC, milliseconds; lists joined by `;` (checkboxes)."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        return _number(value)
    if isinstance(value, datetime):
        return _utc(value).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return _json(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return ";".join(to_text(item) for item in value)
    raise Unsendable(f"a value of type {type(value).__name__} cannot be sent")


def _whole(text: str) -> str:
    """Half a surrogate pair has no UTF-8."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Unsendable("the text holds half of a surrogate pair") from None
    return text


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Unsendable(f"{value} lies outside of the years 1 to 9999 in UTC") from None


def _json(value: Mapping[Any, Any]) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        raise Unsendable(f"the value has no JSON: {error}") from None


def _number(value: float | Decimal) -> str:
    if not math.isfinite(value):
        raise Unsendable(f"{value} is not a number that can be sent")
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    text = format(exact, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
