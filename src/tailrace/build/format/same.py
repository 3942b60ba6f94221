"""Whether two texts of a file mean the same: their words and Jinja one by one, and their syntax tree where there is one."""

from __future__ import annotations

import re

import sqlglot
from sqlglot.errors import SqlglotError

from tailrace.build.format.atoms import Atom, atoms_of
from tailrace.build.format.template import Region, Unclosed, regions


def differs(before: str, after: str, dialect: str) -> str:
    """How the texts differ beyond layout, in words; "" where they do not."""
    try:
        old, new = (atoms_of(text, regions(text), dialect) for text in (before, after))
    except Unclosed as error:
        return f"what was written could not be read back: {error.message}"
    if _signs(old) != _signs(new):
        return "a word, or the space beside Jinja, would not stay"
    if _remarks(old) != _remarks(new):
        return "a comment would not stay"
    if _tree(before, dialect) != _tree(after, dialect):
        return "its canonical SQL would not stay"
    return ""


def _signs(atoms: list[Atom]) -> list[tuple[str, bool]]:
    """Everything but comments; bare words whatever their case. Space counts where Jinja may make one word of two."""
    return [
        (atom.word or atom.text.strip(), atom.glued)
        for atom in atoms
        if atom.kind not in ("remark", "comment")
    ]


def _remarks(atoms: list[Atom]) -> list[str]:
    return [atom.text for atom in atoms if atom.kind in ("remark", "comment")]


def _tree(text: str, dialect: str) -> str | None:
    """The canonical SQL with one word for each expression of Jinja and none for its tags; None where that is no SQL."""
    found = regions(text)
    try:
        tree = sqlglot.parse_one(_plain(text, found), read=dialect)
        return tree.sql(dialect=dialect, comments=False, copy=False)
    except (SqlglotError, RecursionError):
        return None


def _plain(text: str, found: list[Region]) -> str:
    parts: list[str] = []
    done = 0
    for region in found:
        shown = text[region.start : region.end]
        config = re.match(r"\{\{[-+]?\s*config\b", shown)
        parts += (
            text[done : region.start],
            "j" * len(shown) if region.kind == "expression" and not config else " ",
        )
        done = region.end
    return "".join((*parts, text[done:]))
