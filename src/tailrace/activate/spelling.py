"""One value as a vendor and we may both spell it: what compares equal here is no edit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

T = TypeVar("T")
MILLISECONDS = re.compile(r"-?\d{10,14}")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WHOLE = re.compile(r"U?(TINY|SMALL|BIG)?INT(EGER)?\Z")


def comparable(value: Any, kind: str = "") -> Any:
    """The value so that equal ones compare equal; "" is None.

    `kind` is the engine type of our column: as a number "85.0" is 85, as a text "007" is not "7". Without one, what looks like a
    number, an instant or a truth value is one.
    """
    if value is None:
        return None
    text = str(value).lower() if isinstance(value, bool) else str(value).strip()
    if not text:
        return None
    return _reader(kind)(text)


def by_key(there: Mapping[str, T]) -> Callable[[str], T | None]:
    """Finds what a vendor told of a key, in whatever case, Unicode form and blanks it spells that."""
    folded = {_folded(key): value for key, value in there.items()}
    return lambda key: there[key] if key in there else folded.get(_folded(key))


def _folded(key: str) -> str:
    """As `mapping.comparable_key` has it in SQL."""
    lower = unicodedata.normalize("NFC", key.strip()).lower()
    return unicodedata.normalize("NFC", lower.translate({0x3C2: "\u03c3", 0x17F: "s", 0xDF: "ss"}))


def _reader(kind: str) -> Callable[[str], Any]:
    if not kind:
        return lambda text: _first(text, _number, _instant, _plain)
    if WHOLE.match(kind) or kind.startswith("DECIMAL"):
        return lambda text: _first(text, _number, _plain)
    found = {"DOUBLE": _double, "DATE": _day, "TIMESTAMP": _millisecond}.get(kind, _instant)
    return lambda text: _first(text, found, _plain)


def _first(text: str, *readers: Callable[[str], Any]) -> Any:
    return next(found for found in (reader(text) for reader in readers) if found is not None)


def _plain(text: str) -> Any:
    """Truth values in any case; several options of an enumeration in any order."""
    if text.lower() in {"true", "false"}:
        return text.lower()
    parts = text.split(";")
    if len(parts) > 1 and all(part and part == part.strip() for part in parts):
        return frozenset(parts)
    return text


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _double(text: str) -> float | None:
    """To 15 digits, as far as the changeset tells doubles apart."""
    found = _number(text)
    return None if found is None else float(f"{found:.15g}")


def _instant(text: str) -> datetime | None:
    if len(text) < 19 or text[10] not in "T ":
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _millisecond(text: str) -> datetime | None:
    """Vendors keep milliseconds; some tell them since 1970, and some a midnight as its day."""
    found = _instant(text) or _since_1970(text) or _midnight(text)
    return found and found.replace(microsecond=found.microsecond // 1000 * 1000)


def _day(text: str) -> date | datetime | None:
    """A day, spelt as its midnight in UTC or not."""
    found = _instant(text) or _since_1970(text) or _midnight(text)
    return found.date() if found and found.time() == datetime.min.time() else found


def _since_1970(text: str) -> datetime | None:
    try:
        return EPOCH + timedelta(milliseconds=int(text)) if MILLISECONDS.fullmatch(text) else None
    except OverflowError:
        return None


def _midnight(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError:
        return None
