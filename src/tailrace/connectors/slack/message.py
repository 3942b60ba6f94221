"""A row as a message: texts with Slack's three characters escaped, blocks and attachments as the JSON that they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from tailrace.connectors.slack.declaration import DOCUMENTS, FLAGS, LONGEST_TEXT, TEXTS

ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
"""What Slack takes for markup: `<!channel>` in somebody's name must not call everybody."""


class Unsendable(ValueError):
    """A row that is no message; `field` says where."""

    def __init__(self, field: str | None, message: str) -> None:
        super().__init__(message)
        self.field = field


def message_of(values: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """What is posted; NULLs are left out."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if value is not None:
            found[name] = _value(name, value, options)
    if not any(found.get(name) for name in ("text", *DOCUMENTS)):
        raise Unsendable("text", "text, blocks and attachments are all empty: there is nothing to say")
    return found


def _value(name: str, value: Any, options: Mapping[str, Any]) -> Any:
    if name in TEXTS:
        return _text(name, value, options)
    if name in DOCUMENTS:
        return _document(name, value)
    if name in FLAGS:
        return _flag(name, value)
    raise Unsendable(name, f"a message has no {name}")


def _text(name: str, value: Any, options: Mapping[str, Any]) -> str:
    text = _spelled(name, value)
    if name != "text":
        return text
    longest = int(options.get("longest_text", LONGEST_TEXT))
    if not options.get("raw"):
        for character, escaped in ESCAPES:
            text = text.replace(character, escaped)
    if len(text) > longest:
        what = f"the text has {len(text)} characters, escapes included; Slack would cut it off at {longest}"
        raise Unsendable(name, what)
    return text


def _spelled(name: str, value: Any) -> str:
    """Numbers digit by digit, true and false as in JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            raise Unsendable(name, f"{value} is not a number that can be sent")
        return format(value if isinstance(value, Decimal) else Decimal(repr(value)), "f")
    if not isinstance(value, str | int | date):
        raise Unsendable(name, f"{name} is no text")
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise Unsendable(name, "the text has half a character in it (a lone surrogate)") from None
    return str(value)


def _document(name: str, value: Any) -> Any:
    """A text goes as it is, so that no number in it is read and rounded on the way."""
    try:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        found = orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise Unsendable(name, f"{name} is not JSON: {error}") from None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Unsendable(name, f"{name} is no JSON list of objects")
    return orjson.Fragment(text) if found else []


def _flag(name: str, value: Any) -> bool:
    words = {"true": True, "false": False, "1": True, "0": False}
    found = words.get(str(value).lower())
    if found is None:
        raise Unsendable(name, f"{name} is neither true nor false")
    return found
