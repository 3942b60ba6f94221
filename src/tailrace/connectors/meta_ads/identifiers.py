"""What Meta matches people by: each identifier in its own spelling, then hashed (custom-audience/users; SDK's customaudiencemixin)."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

NEVER_HASHED = "EXTERN_ID"
HASH = re.compile(r"[0-9a-f]{64}")


class Unsendable(ValueError):
    """A value that no one's identifier can be; `field` is the identifier that it was meant for."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.field = field


def entry_value(name: str, value: Any, options: Mapping[str, Any]) -> str:
    """The value as it is sent: hashed where it has to be, "" where there is none or nothing of it is left."""
    if name not in SPELLINGS:
        raise Unsendable(f"{name} is none of Meta's identifiers", name)
    text = _text(name, value)
    if not text:
        return ""
    plain = name == NEVER_HASHED or (name == "MADID" and not options["hash_madid"])
    try:
        if options["hashed"] and not plain:
            return _given_hash(text)
        bare = name == "PHONE" and options["bare_phones"]
        spelled = _phone(text, bare=True) if bare else SPELLINGS[name](text)
    except Unsendable as error:
        raise Unsendable(f"{name} {error}", name) from None
    return spelled if plain or not spelled else hashlib.sha256(spelled.encode()).hexdigest()


def _text(name: str, value: Any) -> str:
    """A day gives the part of it that is asked for; numbers go without exponent."""
    if value is None:
        return ""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unsendable(f"{name} has half a character in it (a lone surrogate)", name) from None
        return value.strip()
    if isinstance(value, bool):
        raise Unsendable(f"{name} cannot be true or false", name)
    if isinstance(value, date):
        parts = {"DOBY": f"{value.year:04d}", "DOBM": f"{value.month:02d}", "DOBD": f"{value.day:02d}"}
        return parts.get(name, value.isoformat())
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            raise Unsendable(f"{name} cannot be {value}", name)
        exact = format(value if isinstance(value, Decimal) else Decimal(repr(value)), "f")
        return exact.rstrip("0").rstrip(".") if "." in exact else exact
    raise Unsendable(f"a value of type {type(value).__name__} cannot be sent", name)


def _given_hash(text: str) -> str:
    if not HASH.fullmatch(text.lower()):
        raise Unsendable("is no SHA-256 in hex (64 digits), and hashed is true")
    return text.lower()


def _email(text: str) -> str:
    spelled = text.lower()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", spelled):
        raise Unsendable("is no e-mail address")
    return spelled


def _phone(text: str, *, bare: bool = False) -> str:
    """Digits with the country code, no zeros before it.

    A national number would be some other country's: + or 00 has to say that the code is there, unless `bare` says it of all.
    """
    digits = re.sub(r"[^0-9+]", "", text)
    prefix = re.match(r"\+|00", digits)
    if prefix is None and not bare:
        raise Unsendable("is no phone number with a country code: write + or 00 before it")
    digits = digits[prefix.end() :] if prefix is not None else digits
    if re.search(r"[^\W\d_]", text) or not re.fullmatch(r"[1-9][0-9]{6,14}", digits):
        raise Unsendable("is no phone number with a country code")
    return digits


def _letters(text: str) -> str:
    """Letters alone, small; those of other scripts and accents stay, as Meta's page says of UTF-8."""
    return "".join(letter for letter in text.lower() if letter.isalpha())


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def _zip(text: str) -> str:
    return re.sub(r"\s", "", text.lower()).split("-")[0]


def _country(text: str) -> str:
    spelled = _letters(text)
    if not re.fullmatch(r"[a-z]{2}", spelled):
        raise Unsendable("is no country's code of two letters, like DE")
    return spelled


def _gender(text: str) -> str:
    spelled = _letters(text)[:1]
    if spelled not in ("m", "f"):
        raise Unsendable("is neither m nor f")
    return spelled


def _number(longest: int, least: int, most: int) -> Callable[[str], str]:
    def spelled(text: str) -> str:
        digits = _digits(text).zfill(longest)
        if len(digits) != longest or not least <= int(digits) <= most:
            raise Unsendable(f"is no number from {least} to {most}")
        return digits

    return spelled


SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "EMAIL": _email,
    "PHONE": _phone,
    "EXTERN_ID": str,
    "MADID": str.lower,
    "FN": _letters,
    "LN": _letters,
    "FI": lambda text: _letters(text)[:1],
    "CT": _letters,
    "ST": _letters,
    "ZIP": _zip,
    "COUNTRY": _country,
    "DOBY": _number(4, 1900, 2100),
    "DOBM": _number(2, 1, 12),
    "DOBD": _number(2, 1, 31),
    "GEN": _gender,
}
