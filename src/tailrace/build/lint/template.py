"""A template as SQL of the same length, so that every place in it is a place in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tailrace.build.format.template import Region, Unclosed, regions

MARK = "\u029d"
"""The letter that begins a word which stands for Jinja."""
_SILENT = re.compile(r"\{\{[-+]?\s*(?:config|log|print)\s*\(")
_TABLE = re.compile(r"\{\{[-+]?\s*(?:ref|source)\s*\(|\{\{[-+]?\s*this\b")


@dataclass(frozen=True)
class Read:
    """The SQL that was read, and its tree."""

    sql: str
    tree: exp.Query


def read_template(text: str, dialect: str) -> Read | None:
    """The template with words in place of its expressions; None where no SQL is to be seen behind its Jinja.

    Of branches the first is read, of loops one round; where that is no SQL, neither.
    """
    try:
        found = regions(text)
    except Unclosed:
        return None
    for bodies in (True, False):
        for calls in (True, False):
            sql = _filled(text, found, bodies=bodies, calls=calls)
            if (tree := parsed(sql, dialect)) is not None:
                return Read(sql, tree)
            if not found:
                return None
    return None


def parsed(sql: str, dialect: str) -> exp.Query | None:
    """The syntax tree of one SELECT."""
    try:
        tree = sqlglot.parse_one(sql, read=dialect)
    except (SqlglotError, RecursionError):
        return None
    return tree if isinstance(tree, exp.Query) else None


def is_jinja(name: str) -> bool:
    """Whether a name holds a word that stands for Jinja."""
    return MARK in name


def _filled(text: str, found: Sequence[Region], *, bodies: bool, calls: bool) -> str:
    hidden = list(_hidden(found, bodies=bodies))
    parts: list[str] = []
    done = 0
    for number, region in enumerate(found):
        shown = text[region.start : region.end]
        parts.append(text[done : region.start])
        word = region.kind == "expression" and not _SILENT.match(shown)
        word = word and (calls or bool(_TABLE.match(shown)) or not _is_alone(text, region))
        parts.append(_word(number, len(shown)) if word else _blank(shown))
        done = region.end
    parts.append(text[done:])
    sql = "".join(parts)
    for start, end in hidden:
        sql = sql[:start] + _blank(sql[start:end]) + sql[end:]
    return sql


def _is_alone(text: str, region: Region) -> bool:
    """On lines of its own: most likely a macro that writes a clause, or nothing."""
    before = text[text.rfind("\n", 0, region.start) + 1 : region.start]
    after = text[region.end :].partition("\n")[0]
    return not before.strip() and not after.strip()


def _word(number: int, length: int) -> str:
    """A name of its own for each expression."""
    return f"{MARK}{number}{MARK}".ljust(length, MARK)[:length]


def _blank(text: str) -> str:
    return re.sub(r"[^\r\n]", " ", text)


def _hidden(found: Sequence[Region], *, bodies: bool) -> Iterator[tuple[int, int]]:
    """What lies between else and endif; the whole body of branches and loops where `bodies` are not to be read."""
    opened: list[int] = []
    for region in found:
        word = region.word if region.kind == "tag" else ""
        if word in ("if", "for"):
            opened.append(-1 if bodies else region.end)
        elif word in ("else", "elif") and opened and opened[-1] < 0:
            opened[-1] = region.end
        elif word in ("endif", "endfor") and opened:
            start = opened.pop()
            if start >= 0:
                yield start, region.start
