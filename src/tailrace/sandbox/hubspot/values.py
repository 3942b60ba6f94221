"""Property values: every one is a string, and each type has its spelling."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

LONGEST_VALUE = 65_536
EMAIL = re.compile(
    r"[^@\s,;<>()\[\]\"]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})")
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
MILLISECONDS = re.compile(r"-?\d{1,15}")
DAY_MS = 86_400_000
EPOCH, HALF_MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=500)


class BadValue(ValueError):
    """A value that its property refuses, with HubSpot's code for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def as_text(value: Any) -> str | None:
    """A JSON value as HubSpot would keep it: a string, or None where there is none."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, dict)):
        return orjson.dumps(value).decode()
    return str(value)


def checked(definition: dict[str, Any], value: str) -> str:
    """The value as it is stored; BadValue where the property's type does not take it. "" clears and passes always."""
    if value == "":
        return value
    if len(value) > LONGEST_VALUE:
        name = definition["name"]
        raise BadValue("PROPERTY_VALUE_TOO_LONG", f"{name} is longer than {LONGEST_VALUE} characters")
    if definition["name"] == "email":
        return _email(value)
    if definition["type"] == "enumeration":
        return _enumeration(definition, value)
    check = _CHECKS.get(definition["type"])
    return check(value) if check else value


def millis(text: str) -> int | None:
    """Epoch milliseconds of an ISO time, a date, or a number of milliseconds; None where it is no time."""
    try:
        if len(text) >= len("2026-01-31") and text[4] == "-":
            moment = datetime.fromisoformat(text)
        elif MILLISECONDS.fullmatch(text):
            return int(text)
        else:
            return None
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH + HALF_MS) // timedelta(milliseconds=1)  # exact: also before 1970


def iso_millis(value: int) -> str:
    """ISO spelling of epoch milliseconds; BadValue outside the years 1 to 9999."""
    try:
        moment = EPOCH + timedelta(milliseconds=value)
    except (ValueError, OverflowError, OSError) as error:
        raise BadValue("INVALID_DATE", f"{value} is not a valid timestamp") from error
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")  # four digits of every year


def inferred_type(values: list[Any]) -> str:
    """The type of a property that only records tell of: the JSON type, or ISO times and dates, else string."""
    if not values:
        return "string"
    if all(isinstance(value, bool) or value in ("true", "false") for value in values):
        return "bool"
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return "number"
    if all(isinstance(value, str) and DATETIME.fullmatch(value) for value in values):
        return "datetime"
    if all(isinstance(value, str) and DATE.fullmatch(value) for value in values):
        return "date"
    return "string"


def _email(value: str) -> str:
    trimmed = value.strip().lower()
    if not EMAIL.fullmatch(trimmed):
        raise BadValue("INVALID_EMAIL", f"Email address {value} is invalid")
    return trimmed


def _number(value: str) -> str:
    trimmed = value.strip()
    if not NUMBER.fullmatch(trimmed):
        raise BadValue("INVALID_DOUBLE", f"{value} was not a valid number.")
    return trimmed


def _bool(value: str) -> str:
    lowered = value.strip().lower()
    if lowered not in ("true", "false"):
        raise BadValue("INVALID_BOOLEAN", f"{value} was not a valid boolean.")
    return lowered


def _datetime(value: str) -> str:
    moment = millis(value.strip())
    if moment is None:
        raise BadValue("INVALID_LONG", f"{value} was not a valid long.")
    return iso_millis(moment)


def _date(value: str) -> str:
    moment = millis(value.strip())
    if moment is None:
        raise BadValue("INVALID_DATE", f"{value} is not a valid date.")
    if moment % DAY_MS:
        raise BadValue("INVALID_DATE", f"{value} is at {moment % DAY_MS} ms of its day, not midnight UTC.")
    return iso_millis(moment)[:10]


def _enumeration(definition: dict[str, Any], value: str) -> str:
    if definition.get("externalOptions"):
        return value
    allowed = [option["value"] for option in definition.get("options", ())]
    chosen = value.split(";") if definition.get("fieldType") == "checkbox" else [value]
    for item in chosen:
        if item not in allowed:
            raise BadValue(
                "INVALID_OPTION", f"{item} was not one of the allowed options: [{', '.join(allowed)}]"
            )
    return value


_CHECKS = {
    "number": _number,
    "bool": _bool,
    "datetime": _datetime,
    "date": _date,
}
