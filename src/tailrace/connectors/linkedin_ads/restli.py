"""Rest.li 2.0 in a query string, as LinkedIn's own client writes it (vendor-apis.md 7.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote


def query(params: Mapping[str, Any]) -> str:
    """`a=1&b=List(urn%3Ali%3Ax%3A1)&c=(d:2)`; `fields` is a projection, whose commas stay as they are."""
    return "&".join(f"{name}={_value(name, value)}" for name, value in params.items())


def _value(name: str, value: Any) -> str:
    return ",".join(value) if name == "fields" else encode(value)


def encode(value: Any) -> str:
    """Texts percent-encoded whole, lists as List(..), mappings as (key:value,..)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"({','.join(f'{encode(key)}:{encode(part)}' for key, part in value.items())})"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"List({','.join(map(encode, value))})"
    return quote(str(value), safe="")


def days(first: date, last: date) -> dict[str, dict[str, int]]:
    """A dateRange, both ends included."""
    return {"start": _day(first), "end": _day(last)}


def _day(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def urn(kind: str, key: str) -> str:
    """`urn:li:sponsoredAccount:5`."""
    return f"urn:li:{kind}:{key}"


def number_of(name: str) -> str | None:
    """The number at the end of a URN; None where there is none."""
    number = name.rpartition(":")[2]
    return number if number.isdecimal() else None
