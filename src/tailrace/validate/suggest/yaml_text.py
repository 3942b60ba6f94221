"""A suggestion as the file that a person edits: strict YAML that reads back equal, with what was seen as comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.validate.suggest.subject import Proposal, Suggestion

HEADINGS = {
    "table": "of the table: without these nothing is published or sent",
    "key": "of the key: without it no row can be told from another",
    "row": "of a row: it is held back alone, and comes back by itself once it passes",
    "statistics": "guesses from what was seen: told, and nothing is stopped",
}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*([ .][A-Za-z0-9_]+)*")
_DURATION = re.compile(r"[0-9]+[smhdw]")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
"""Some editors and libraries read these as something else than text."""

_SIMPLE = re.compile(r"[ -~\u00a1-\u167f\u1681-\u1fff\u2030-\ud7ff\uf900-\ufefe\uff00-\uffef]*")
"""Signs that stand for themselves between single quotes, in every YAML and on every screen."""


def yaml_of(suggestion: Suggestion) -> str:
    """The whole file."""
    subject = suggestion.subject
    lines = [f"# {text}" for text in _head(suggestion)]
    lines += [f"suite: {scalar(subject.suite or subject.model)}", f"model: {scalar(subject.model)}"]
    if suggestion.key is not None:
        lines += [f"key: {scalar(suggestion.key)}", "max_quarantined: 5%"]
    lines.append("expectations:")
    part = ""
    for item in suggestion.proposals:
        if item.part != part:
            lines += [*([""] if part else []), f"  # {HEADINGS[item.part]}"]
            part = item.part
        lines += _expectation(item)
    if suggestion.remarks:
        lines += ["", "# not checked, but seen:", *(f"# - {comment(text)}" for text in suggestion.remarks)]
    return "\n".join(lines) + "\n"


def _head(suggestion: Suggestion) -> Iterator[str]:
    model, rows = suggestion.subject.model, f"{suggestion.rows:,} {'row' if suggestion.rows == 1 else 'rows'}"
    yield f"Proposed by `tailrace suggest {model}` from {rows}. Edit it: what you know beats what was seen."
    if suggestion.sampled:
        yield (
            f"Sampled: {suggestion.looked_at:,} of them were looked at. Rows, NULLs, least and greatest values and the key"
            " were counted in all; rare values may be missing in the rest."
        )
    for note in suggestion.subject.notes:
        yield comment(note)


def _expectation(item: Proposal) -> Iterator[str]:
    yield f"  # {comment(item.reason)}"
    yield f"  - type: {scalar(item.type)}"
    yield f"    kwargs: {flow(item.kwargs)}"
    yield f"    severity: {item.severity}"
    if item.severity == "critical":
        yield f"    on_fail: {item.on_fail}"
    if item.description:
        yield f"    description: {scalar(item.description)}"


def comment(text: str) -> str:
    """On one line, signs that break lines or hide themselves written as escapes."""
    return "".join(sign if _SIMPLE.fullmatch(sign) else _escape(ord(sign)) for sign in text)


def _escape(code: int) -> str:
    """As between YAML's double quotes."""
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def flow(value: Any) -> str:
    """A value inside of `{}` and `[]`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    """Plain where every reader of YAML takes it for the same text, else quoted; backslashes stand between single quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    text = str(value)
    if (_PLAIN.fullmatch(text) or _DURATION.fullmatch(text)) and text.lower() not in _WORDS:
        return text
    if _SIMPLE.fullmatch(text):
        return "'" + text.replace("'", "''") + "'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + comment(escaped) + '"'


def _number(value: float) -> str:
    """Without an exponent: `1e-05` is text to some readers."""
    text = repr(value)
    return text if "e" not in text else f"{value:.20f}".rstrip("0") + ("0" if value == int(value) else "")
