"""Why a check could not be judged, in words of our own: what an engine or a library says of an error may quote any value."""

from __future__ import annotations

import re

NOT_SHOWN = "an error was raised whose text is not shown, since it may hold personal values"

_OF_THE_QUERY = re.compile(
    r"Binder Error: (Referenced (column|table) |Cannot compare values of type |No function matches the given name )"
    r"|Catalog Error: (Table|Scalar Function|Aggregate Function|Table Function|Type|Schema) with name "
    r"|Parser Error: syntax error "
)
"""Raised before a row is read: what they quote stands in the suite. Others of these names can be of a row: a path in JSON is."""

_TYPES = (
    "U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|INT8|INT16|INT32|INT64|INT128)|BOOL(?:EAN)?|FLOAT|DOUBLE|DECIMAL"
    "|DATE|TIME|TIMESTAMP(?: WITH TIME ZONE)?|INTERVAL|UUID|BLOB|JSON|VARCHAR"
)
_TYPE = re.compile(rf"\b(?:to|type) (?:type )?({_TYPES})\b")
_CONVERSION = ("Conversion Error", "Mismatch Type Error")
_TOO_LARGE = ("Out of Range Error", "OverflowError")
_COMPARED = re.compile(
    r"not supported between instances of|[Uu]nknown string format|does not contain a date|[Cc]annot compare|[Ii]nvalid comparison"
)


def kind_of(message: str, *, quotes: bool = True) -> str:
    """The kind of an error. Of the message nothing is repeated but a type; whole is what only the query explains, if it `quotes` no value."""
    place = "where: " if message.startswith("where: ") else ""
    text = message.removeprefix(place)
    if quotes and _OF_THE_QUERY.match(text):
        return message
    return place + _words(text)


def _words(text: str) -> str:
    if text.startswith(_CONVERSION):
        found = _TYPE.search(text)
        return f"a value cannot be read as {found[1] if found else 'another type'}"
    if text.startswith(_TOO_LARGE):
        return "a number is out of the range of its type"
    if _COMPARED.search(text):
        return "its values cannot be compared with what it is given"
    return NOT_SHOWN
