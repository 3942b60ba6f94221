"""Reads a Rest.li 2.0 query string: List(..), (key:value,..), and percent-encoded texts (vendor-apis 7.4)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from tailrace.sandbox.linkedin_ads.errors import bad_parameter

SYNTAX = "(),:"
LIST = "List("


def read_query(text: str) -> dict[str, Any]:
    """Parameters by name; `fields` is a projection and comes as a list. Refused where a value cannot be read."""
    found: dict[str, Any] = {}
    for part in filter(None, text.split("&")):
        name, _, value = part.partition("=")
        key = unquote(name)
        if key in found:
            raise bad_parameter(f"Parameter '{key}' is given twice")
        found[key] = value.split(",") if key == "fields" else _whole(key, value)
    return found


def _whole(name: str, text: str) -> Any:
    """A text at the top level may hold anything; a list or a record must be whole."""
    if not text.startswith((LIST, "(")):
        return unquote(text)
    value, end = _value(name, text, 0)
    if end != len(text):
        raise _unreadable(name)
    return value


def _value(name: str, text: str, at: int) -> tuple[Any, int]:
    if text.startswith(LIST, at):
        return _items(name, text, at + len(LIST))
    if text.startswith("(", at):
        return _record(name, text, at + 1)
    end = at
    while end < len(text) and text[end] not in SYNTAX:
        end += 1
    return unquote(text[at:end]), end


def _items(name: str, text: str, at: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    if text.startswith(")", at):
        return items, at + 1
    while True:
        value, at = _value(name, text, at)
        items.append(value)
        if text.startswith(")", at):
            return items, at + 1
        at = _past(name, text, at, ",")


def _record(name: str, text: str, at: int) -> tuple[dict[str, Any], int]:
    record: dict[str, Any] = {}
    while True:
        key, at = _value(name, text, at)
        record[str(key)], at = _value(name, text, _past(name, text, at, ":"))
        if text.startswith(")", at):
            return record, at + 1
        at = _past(name, text, at, ",")


def _past(name: str, text: str, at: int, symbol: str) -> int:
    """Behind the symbol that has to stand here: a raw colon inside a list's URN is none."""
    if not text.startswith(symbol, at):
        raise _unreadable(name)
    return at + 1


def _unreadable(name: str) -> Exception:
    return bad_parameter(f"Invalid query parameters passed to request: {name}")
