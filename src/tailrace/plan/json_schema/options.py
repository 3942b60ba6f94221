"""The options that connectors declare, in JSON Schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tailrace.connectors.sdk import registry
from tailrace.connectors.sdk.base import Declaration, Option
from tailrace.connectors.sdk.options import DURATION
from tailrace.plan.json_schema.values import TEMPLATE, Schema

WRITTEN: Schema = {"type": ["string", "number"]}
KINDS: dict[str, list[Schema]] = {
    "text": [WRITTEN],
    "integer": [{"type": "integer"}, {"type": "string", "pattern": r"^\s*[+-]?[0-9]+(\.0*)?\s*$"}],
    "number": [
        {"type": "number"},
        {"type": "string", "pattern": r"^\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"},
    ],
    "bool": [{"enum": [True, False, "true", "false"]}],
    "texts": [{"type": "array", "items": WRITTEN, "uniqueItems": True}],
    "names": [{"type": "string"}, {"type": "array", "items": WRITTEN, "uniqueItems": True}],
    "mapping": [{"type": "object"}],
    "duration": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": rf"^\s*(?:{DURATION.pattern})\s*$"},
    ],
}
"""What `sdk/options.convert` takes for each kind: numbers may come as text, from environment variables."""


def declarations(*, inline: bool) -> dict[str, Declaration]:
    """Every connector that a connection, or a pipeline's `source:`, may name."""
    found = {name: registry.declaration(name) for name in registry.known()}
    return {name: one for name, one in found.items() if one is not None and one.inline is inline}


def option_schema(option: Option, *, templates: bool) -> Schema:
    """One option. A template stands for a single value, which is judged when it is rendered."""
    found = _values(option)
    if (
        templates
        and (option.choices or option.kind not in ("texts", "names", "mapping"))
        and WRITTEN not in found
    ):
        found.append({"type": "string", "pattern": TEMPLATE})
    if not option.required:
        found.append({"type": "null"})
    shown: Schema = {"description": option.description} if option.description else {}
    if option.default is not None:
        shown["default"] = _plain(option.default)
    if option.secret:
        shown["writeOnly"] = True
    return {**shown, **(found[0] if len(found) == 1 else {"anyOf": found})}


def options_table(options: Sequence[Option], *, templates: bool) -> dict[str, Schema]:
    """Every option by name."""
    return {option.name: option_schema(option, templates=templates) for option in options}


def required(options: Sequence[Option]) -> list[str]:
    return [option.name for option in options if option.required]


def _values(option: Option) -> list[Schema]:
    if not option.choices:
        return list(KINDS[option.kind])
    if option.kind in ("mapping", "duration"):
        return [*KINDS[option.kind], {"enum": list(option.choices)}]
    if option.kind in ("texts", "names"):
        return list(KINDS[option.kind])
    return [{"enum": list(option.choices)}]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
