"""Typed values as Mailchimp's JSON takes them, by the merge field's type, and whether it kept what it was given."""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

MOST_INTEGER = 2**63 - 1
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
CHOSEN = ("dropdown", "radio")
CALCULATED = ("number", "date", "birthday")


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
    if kind == "date":
        return _day(value).isoformat()
    if kind == "birthday" and isinstance(value, date):
        return f"{_day(value):%m/%d}"
    if kind == "address":
        return _address(value)
    return text(value)


def text(value: Any) -> str:
    """Numbers without exponent; times as ISO 8601 in UTC with milliseconds."""
    if isinstance(value, str):
        return _whole(value)
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
    """What is wrong with a stored value, where it is not the sent one; None where it is the same in another spelling."""
    if sent == "" or (isinstance(sent, str) and not sent.strip()):
        return None
    if stored is None or stored == "":
        return "Mailchimp took the row and kept nothing of this value"
    if kind == "address":
        return _parts_lost(sent, stored)
    texts = kind not in CALCULATED and isinstance(sent, str) and isinstance(stored, str)
    if texts and len(stored) < len(sent.rstrip()) and sent.startswith(stored):
        return f"Mailchimp cut it to {len(stored)} characters"
    return None if _same(kind, sent, stored) else f"Mailchimp kept {stored} of {sent}"


def _same(kind: str, sent: Any, stored: Any) -> bool:
    """Web addresses, phones and zip codes have many spellings: of them only what is missing is told."""
    if kind == "number":
        kept = _as_number(stored)
        return kept is not None and kept == _as_number(sent)
    if kind == "date":
        return bool(str(stored)[:10] == str(sent)[:10])
    if kind == "birthday":
        return [int(part) for part in re.findall(r"\d+", sent)] == [
            int(part) for part in re.findall(r"\d+", str(stored))
        ]
    if kind in CHOSEN:
        return html.unescape(str(stored)).strip() == html.unescape(str(sent)).strip()
    return kind != "text" or _spelled(stored) == _spelled(sent)


def _spelled(value: Any) -> str:
    """A text regardless of blanks, HTML's entities and how Unicode composes letters."""
    return "".join(html.unescape(unicodedata.normalize("NFC", str(value))).split())


def _parts_lost(sent: Any, stored: Any) -> str | None:
    kept: Mapping[str, Any] = stored if isinstance(stored, Mapping) else {}
    lost = [str(name) for name, part in sent.items() if part and not kept.get(name)]
    return f"Mailchimp kept nothing of {', '.join(lost)}" if lost else None


def _number(value: Any) -> Any:
    """JSON's number where it is exact, else text, which Mailchimp reads and judges."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and abs(value) <= MOST_INTEGER:
        return value
    if isinstance(value, float | Decimal):
        plain = _plain(value)
        return float(plain) if Decimal(repr(float(plain))) == Decimal(plain) else plain
    found = text(value).strip(" ")
    if not NUMBER.fullmatch(found):
        raise Unsendable(f"{value!r} is not a number")
    return found


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


def _whole(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unsendable("the text holds half a character (a lone surrogate)") from None
    return value


def _utc(value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise Unsendable(f"{value.isoformat()} is beyond the years 1 to 9999 in UTC") from None


def _day(value: Any) -> date:
    """Mailchimp has days alone: a time of day would be lost, or be another day elsewhere."""
    given = _read_day(value) if isinstance(value, str) else value
    if isinstance(given, datetime):
        if given.time() != time():
            raise Unsendable(f"{given.isoformat()} is a time, and the field takes a date")
        return given.date()
    if not isinstance(given, date):
        raise Unsendable(f"{value!r} is not a date: write YYYY-MM-DD")
    return given


def _read_day(value: str) -> Any:
    """A text's date or time; the text itself where it is neither."""
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(value.strip()) if value.isascii() and "-" in value else value
        except ValueError:
            continue
    return value


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
