"""Templates that hold nothing but ref(), source(), var() and config() with literals: read without Jinja.

Most models are such; Jinja would cost more than parsing their SQL.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from tailrace.errors import Diagnostic, Location

NAMES = ("ref", "source", "var", "config")
_PIECE = re.compile(r"\{#(?P<comment>.*?)#\}|\{\{\s*(?P<name>[a-z]+)\s*\((?P<args>.*?)\)\s*\}\}", re.DOTALL)
_TEXTS = re.compile(r"""\s*(['"])([^'"\\\n]*)\1\s*(?:,\s*(['"])([^'"\\\n]*)\3\s*)?\Z""")
_BRACES = re.compile(r"\{\{|\{%|\{#|\}\}|%\}|#\}")
CONFIG = re.compile(r"\bconfig\s*\(")
_WORDS = {"true": True, "false": False, "none": None, "True": True, "False": False, "None": None}


class NotLiteral(ValueError):
    """An argument that only Jinja can evaluate."""


@dataclass(frozen=True)
class Call:
    """One `{{ name(args) }}` between two offsets of the file. A `{# comment #}` is a call without a name."""

    name: str
    start: int
    end: int
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] | None = None


def scan(text: str) -> list[Call] | None:
    """Every call of a template, or None where it holds anything else and Jinja has to render it."""
    if _BRACES.search(text) is None:
        return []
    calls: list[Call] = []
    done = 0
    for found in _PIECE.finditer(text):
        if _BRACES.search(text, done, found.start()):
            return None
        call = _call(found)
        if call is None:
            return None
        calls.append(call)
        done = found.end()
    return None if _BRACES.search(text, done) else calls


def config_calls(text: str) -> list[Call]:
    """The config() calls with literal arguments, in any template."""
    found = (_call(piece) for piece in _PIECE.finditer(text) if piece["name"] == "config")
    return [call for call in found if call is not None]


def has_other_config(text: str) -> bool:
    """Whether config() is called with more than literals somewhere, so that only rendering can tell what it says."""
    return len(CONFIG.findall(text)) != len(config_calls(text))


def _call(found: re.Match[str]) -> Call | None:
    start, end = found.span()
    comment = found["comment"]
    if comment is not None:
        return None if comment.startswith("-") or comment.endswith("-") else Call("", start, end)
    name = found["name"]
    if name not in NAMES:
        return None
    simple = _TEXTS.match(found["args"])
    if simple and name != "config":
        return Call(name, start, end, tuple(part for part in (simple[2], simple[4]) if part is not None))
    try:
        args, kwargs = _arguments(found["args"])
    except (NotLiteral, SyntaxError, ValueError, RecursionError):
        return None
    return Call(name, start, end, args, kwargs)


@lru_cache(maxsize=1024)  # most models are configured alike
def _arguments(text: str) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    if "#" in text or "\\" in text:
        raise NotLiteral(text)
    call = ast.parse(f"f({text})", mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise NotLiteral(text)  # `{{ ref('x').replace('a', 'b') }}` ends like a call of ref
    kwargs = {}
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in kwargs:
            raise NotLiteral(text)
        kwargs[keyword.arg] = _literal(keyword.value)
    return tuple(_literal(arg) for arg in call.args), MappingProxyType(kwargs)


def _literal(node: ast.expr) -> Any:
    """A literal that Jinja and Python spell alike."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | None):
        return node.value
    if isinstance(node, ast.Name) and node.id in _WORDS:
        return _WORDS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _literal(node.operand)
        if isinstance(value, int | float):
            return -value
    if isinstance(node, ast.List | ast.Tuple):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.Dict) and all(node.keys):
        return {
            _literal(key): _literal(value) for key, value in zip(node.keys, node.values, strict=True) if key
        }
    raise NotLiteral(ast.dump(node))


@dataclass(frozen=True)
class Rendered:
    """SQL and the pieces of the file that it came from: (offset in the SQL, offset in the file), ascending.

    A negative offset `~n` in the file stands for all of a piece: it is what the expression at n gave.
    Without pieces it came from Jinja, and a place in it is a place in the compiled SQL. The text begins `line` lines below
    the file's first.
    """

    sql: str
    path: str
    text: str
    pieces: tuple[tuple[int, int], ...] = ()
    line: int = 0

    def locate(self, offset: int) -> Location:
        """The file's line and column for an offset of the SQL; of the compiled SQL where Jinja wrote it."""
        if not self.pieces:
            return place(self.path, self.sql, offset)
        start, source = next((p for p in reversed(self.pieces) if p[0] <= offset), (0, 0))
        at = ~source if source < 0 else source + offset - start
        return place(self.path, self.text, at, self.line)

    def problem(self, offset: int, message: str, fix: str = "") -> Diagnostic:
        """A diagnostic at the file's line and column; where Jinja wrote the SQL, with the compiled line in words."""
        found = self.locate(offset)
        if self.pieces:
            return Diagnostic(found, message, fix)
        rows = self.sql.split("\n")
        row = rows[found.line - 1].strip()[:80] if found.line <= len(rows) else ""
        return Diagnostic(
            Location(self.path), f"{message} (line {found.line} of the compiled SQL: {row})", fix
        )


def render(path: str, text: str, calls: list[Call], answer: Callable[[Call], str], line: int = 0) -> Rendered:
    """The template with each call replaced by its answer; line numbers stay as they are in the file."""
    parts: list[str] = []
    pieces = [(0, 0)]
    length = done = 0
    for call in calls:
        inside = text.count("\n", call.start, call.end)
        said = answer(call)
        said += "\n" * max(0, inside - said.count("\n"))
        plain = text[done : call.start]
        parts += (plain, said)
        pieces.append((length + len(plain), call.start))
        length += len(plain) + len(said)
        pieces.append((length, call.end))
        done = call.end
    parts.append(text[done:])
    return Rendered("".join(parts), path, text, tuple(pieces), line)


def place(path: str, text: str, offset: int, above: int = 0) -> Location:
    """Line and column of an offset, from 1, in a text that begins `above` lines below the file's first."""
    offset = max(0, min(offset, len(text)))
    line = text.count("\n", 0, offset) + above
    return Location(path, line + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1)
