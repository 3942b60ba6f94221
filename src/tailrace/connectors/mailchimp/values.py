"""Typed values as Mailchimp's JSON takes them, by the merge field's type, and whether it kept what it was given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

MOST_INTEGER = 2**63 - 1


class Unsendable(ValueError):
    """A value that Mailchimp has no form for; `field` is the one that it was meant for."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.field = field


def merge_value(kind: str, value: Any) -> Any:
    """A merge field's value: "" clears whatever the type; dates YYYY-MM-DD, birthdays MM/DD, addresses an object."""
    if value is None or value == "":
        return ""
    if kind == "number":
        return _number(value)
    if kind == "date" and isinstance(value, date):
        return _day(value).isoformat()
    if kind == "birthday" and isinstance(value, date):
        return f"{_day(value):%m/%d}"
    if kind == "address":
        return _address(value)
    return text(value)


def text(value: Any) -> str:
    """Numbers without exponent; times as ISO 8601 in UTC with milliseconds."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        return _plain(value)
    if isinstance(value, datetime):
        return _utc(value).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise Unsendable(f"a value of type {type(value).__name__} cannot be sent")


def switch(value: Any) -> bool:
    """A yes or no: NULL and "" are no."""
    if value is None or isinstance(value, bool):
        return bool(value)
    word = text(value).strip().lower()
    if word in ("", "0", "false", "no"):
        return False
    if word in ("1", "true", "yes"):
        return True
    raise Unsendable(f"{word!r} is neither true nor false")


def not_kept(kind: str, sent: Any, stored: Any) -> str | None:
    """What is wrong with a stored value, where it is the sent one cut or rounded; None where it is the same in another spelling."""
    if kind == "number":
        same = sent == "" or _as_number(stored) is None or _as_number(sent) == _as_number(stored)
        return None if same else f"Mailchimp kept {stored} of {sent}"
    if isinstance(sent, str) and isinstance(stored, str) and len(stored) < len(sent.rstrip()):
        return f"Mailchimp cut it to {len(stored)} characters" if sent.startswith(stored) and stored else None
    return None


def _number(value: Any) -> Any:
    """JSON's number where it is exact, else text, which Mailchimp reads and judges."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and abs(value) <= MOST_INTEGER:
        return value
    if isinstance(value, float | Decimal):
        plain = _plain(value)
        return float(plain) if Decimal(repr(float(plain))) == Decimal(plain) else plain
    return text(value)


def _plain(value: float | Decimal) -> str:
    if not math.isfinite(value):
        raise Unsendable(f"{value} is not a number that can be sent")
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    found = format(exact, "f")
    return (found.rstrip("0").rstrip(".") if "." in found else found) or "0"


def _as_number(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _day(value: date) -> date:
    return _utc(value).date() if isinstance(value, datetime) else value


def _address(value: Any) -> Any:
    """An object with addr1, addr2, city, state, zip, country; a model has it as JSON text."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            value = None
    if not isinstance(value, Mapping):
        raise Unsendable("an address is a JSON object with addr1, city, state and zip")
    return dict(value)
