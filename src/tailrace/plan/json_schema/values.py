"""What the values of the project's files look like, in JSON Schema; the patterns are the readers' own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.project.reader import DURATION, NAME, SHARE, SQL_NAME

Schema = dict[str, Any]

TEMPLATE = r"\{\{"
ANY_TEMPLATE = r"\{\{|\{%"
AT_MOST_100 = r"^0*(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?) ?%$"
OURS = "^[Tt][Aa][Ii][Ll][Rr][Aa][Cc][Ee]_"
"""Schemas of the warehouse that begin so are tailrace's own."""


def whole(pattern: re.Pattern[str]) -> str:
    """A pattern that has to match the whole text, in the words that JavaScript knows too."""
    return f"^(?:{pattern.pattern.removesuffix(chr(92) + 'Z')})$"


def about(description: str, schema: Mapping[str, Any], **more: Any) -> Schema:
    """The schema with what an editor shows beside it."""
    return {"description": description, **schema, **more}


TEXT: Schema = {"type": "string"}
FILLED: Schema = {"type": "string", "pattern": r"\S"}
FLAG: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}
NAMED: Schema = {"type": "string", "pattern": whole(NAME)}
SQL_NAMED: Schema = {"type": "string", "pattern": whole(SQL_NAME)}
SCHEMA_NAMED: Schema = {**SQL_NAMED, "not": {"pattern": OURS}}
TEXTS: Schema = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
DURATION_TEXT: Schema = {"type": "string", "pattern": whole(DURATION)}
SHARE_TEXT: Schema = {"type": "string", "allOf": [{"pattern": whole(SHARE)}, {"pattern": AT_MOST_100}]}
SHARE_OR_OFF: Schema = {"anyOf": [SHARE_TEXT, {"const": "off"}]}


def word(words: Sequence[str]) -> Schema:
    """One of these words."""
    return {"enum": list(words)}


def mapping(keys: Sequence[str], table: Mapping[str, Any], required: Sequence[str] = ()) -> Schema:
    """A mapping with exactly these keys, each as the table describes it; KeyError where the two differ."""
    if set(keys) != set(table):
        raise KeyError(f"described otherwise than read: {sorted(set(keys) ^ set(table))}")
    return {
        "type": "object",
        "properties": {key: table[key] for key in keys},
        "required": list(required),
        "additionalProperties": False,
    }


def when(key: str, value: str, then: Mapping[str, Any]) -> Schema:
    """`then` holds where the key has this value."""
    return {
        "if": {"properties": {key: {"const": value}}, "required": [key]},
        "then": dict(then),
    }


def every(found: Sequence[Schema]) -> Schema:
    """All of these hold; an empty list, which JSON Schema does not know, is left out."""
    return {"allOf": list(found)} if found else {}


def document(title: str, schema: Mapping[str, Any], defs: Mapping[str, Any] | None = None) -> Schema:
    """A whole schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **schema,
        **({"$defs": dict(defs)} if defs else {}),
    }


def untemplated(*rendered: str) -> Schema:
    """No text holds a template, but below the keys `rendered`; the definition to put under `$defs` is `NO_TEMPLATES`."""
    return {
        "properties": dict.fromkeys(rendered, True),
        "additionalProperties": {"$ref": "#/$defs/untemplated"},
    }


NO_TEMPLATES: Schema = {
    "not": {"type": "string", "pattern": ANY_TEMPLATE},
    "items": {"$ref": "#/$defs/untemplated"},
    "additionalProperties": {"$ref": "#/$defs/untemplated"},
}
