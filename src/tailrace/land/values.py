"""One vendor value into one typed value, exactly or not at all: the slow path that says which value does not fit."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from tailrace.records import Type

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")
MILLISECONDS = re.compile(r"-?\d{11,13}")
FRACTION = re.compile(r"(\.\d{6})0+(?=$|[Z+-])")
DAY = re.compile(r"\d{4}-\d\d-\d\d|\d{8}")
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- instants are stored in UTC without a zone
LIMIT = 2**63
DOUBLE_DIGITS = 17
"""Significant digits that tell any two doubles apart."""


class MisfitError(ValueError):
    """The value does not fit the type without losing something."""


def as_text(value: Any) -> str:
    """Text as it stands; everything else as JSON, keys sorted, so that equal values have equal text."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode() if not value.isascii() else value
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(
            value, "NaN"
        )  # as JSON's writers spell them
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return str(value)


def _bigint(value: Any) -> int:
    number = _decimal_of(value)
    if number != number.to_integral_value() or not -LIMIT <= number < LIMIT:
        raise MisfitError
    return int(number)


def _double(value: Any) -> float:
    exact = _decimal_of(value)
    number = float(exact)
    if not math.isfinite(number):
        raise MisfitError
    if Decimal(repr(number)) != exact and Decimal(number) != exact and not _is_written_out(exact):
        raise MisfitError
    return number


def _is_written_out(exact: Decimal) -> bool:
    """A binary fraction with more decimals than a double tells apart: products of doubles, as HubSpot multiplies amounts.

    60000 times a double's 0.2 arrives as 12000.00000000000066613...: the tail is no information but the double's own error.
    """
    _, digits, exponent = exact.as_tuple()
    decimals = -exponent if isinstance(exponent, int) else 0
    return decimals > DOUBLE_DIGITS and int("".join(map(str, digits))) % 5**decimals == 0


def _decimal(value: Any) -> Decimal:
    number = _decimal_of(value)
    if number.adjusted() >= 29:
        raise MisfitError
    with_scale = number.quantize(Decimal("1E-9"), context=_WIDE)
    if with_scale != number:
        raise MisfitError
    return with_scale


def _decimal_of(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise MisfitError
    if isinstance(value, str):
        if not NUMBER.fullmatch(value.strip()):
            raise MisfitError
        return Decimal(value.strip())
    if isinstance(value, float):
        if not math.isfinite(value):
            raise MisfitError
        return Decimal(repr(value))
    if isinstance(value, int | Decimal):
        return Decimal(value)
    raise MisfitError


def _bool(value: Any) -> bool:
    found = {"true": True, "1": True, "false": False, "0": False}.get(as_text(value).strip().lower())
    if found is None:
        raise MisfitError
    return found


def _timestamp(value: Any) -> datetime:
    """ISO 8601 (no zone: UTC), or milliseconds since 1970 as HubSpot's older APIs return them."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001
    elif not isinstance(value, bool) and MILLISECONDS.fullmatch(as_text(value)):
        return EPOCH + timedelta(milliseconds=int(value))
    elif isinstance(value, str):
        text = FRACTION.sub(r"\1", value.strip())
        if re.search(r"\.\d{7}", text):
            raise MisfitError
        moment = datetime.fromisoformat(text)
    else:
        raise MisfitError
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _date(value: Any) -> date:
    """A day, or an instant that is a midnight in UTC; any other instant would lose its time."""
    if isinstance(value, str) and DAY.fullmatch(value.strip()):
        return date.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    moment = _timestamp(value)
    if moment != datetime(moment.year, moment.month, moment.day):  # noqa: DTZ001
        raise MisfitError
    return moment.date()


PARSERS: dict[Type, Callable[[Any], Any]] = {
    "text": as_text,
    "json": as_text,
    "bigint": _bigint,
    "double": _double,
    "decimal": _decimal,
    "bool": _bool,
    "timestamp": _timestamp,
    "date": _date,
}


def _context() -> Any:
    import decimal

    return decimal.Context(prec=60)


_WIDE = _context()


def parse(value: Any, kind: Type) -> Any:
    """The value as `kind` ("" is NULL but in text); MisfitError where it does not fit exactly."""
    if value is None or (value == "" and kind not in ("text", "json")):
        return None
    try:
        return PARSERS[kind](value)
    except (ValueError, OverflowError, InvalidOperation, TypeError) as error:
        raise MisfitError(as_text(value)[:60]) from error
