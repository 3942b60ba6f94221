"""Where lines end: where the author ended them, but for what always begins a line and what never does."""

from __future__ import annotations

from tailrace.build.format.atoms import Atom
from tailrace.build.format.clauses import settle_frame
from tailrace.build.format.frames import QUIET, Shape
from tailrace.build.format.words import JOINS

BINARY = frozenset(("+", "-", "/", "*", "||", "=", "<>", "!=", "<", ">", "<=", ">=", "%"))
OPERATORS = BINARY | {"AND", "OR"}
_PULLS = JOINS | frozenset(
    [
        "FROM",
        "JOIN",
        "WHERE",
        "HAVING",
        "QUALIFY",
        "LIMIT",
        "OFFSET",
        "ON",
        "AS",
        "NOT",
        "IN",
        "IS",
        "LIKE",
        "ILIKE",
        "BETWEEN",
        "WHEN",
        "THEN",
        "ELSE",
        "USING",
        "OVER",
        "FILTER",
        "INTERVAL",
        "DATE",
        "TIMESTAMP",
        "WITH",
        "RECURSIVE",
        "NULLS",
        "WITHIN",
        "ROWS",
        "RANGE",
        "UNBOUNDED",
        "CURRENT",
        "AT",
        "TIME",
        "MATERIALIZED",
        "BY",
        "UNION",
        "INTERSECT",
        "EXCEPT",
        "CAST",
        "TRY_CAST",
        "SAFE_CAST",
        "EXISTS",
        "EXCLUDE",
        "REPLACE",
        "RENAME",
        "GROUP",
        "VALUES",
    ]
)
"""What follows one of these stays on its line."""
_STICKS = frozenset(
    [
        "IS",
        "IN",
        "LIKE",
        "ILIKE",
        "BETWEEN",
        "ASC",
        "DESC",
        "NULLS",
        "OVER",
        "FILTER",
        "BY",
        "WITHIN",
        "EXCLUDE",
        "REPLACE",
        "RENAME",
        "OFFSET",
    ]
)
"""These stay on the line of what they follow."""
_OPENS_OWN = frozenset(
    ["SELECT", "DISTINCT", "AND", "OR", "ALL", "UNION", "INTERSECT", "EXCEPT", "CASE", "BY"]
) | {"GROUP BY", "ORDER BY", "PARTITION BY"}
_LATE = ("from", "join", "where", "list")


def move_commas(atoms: list[Atom]) -> None:
    """A comma that leads a line ends the one before it; a comment never stands between a comma and its item."""
    for at, atom in enumerate(atoms):
        if atom.kind != "comma" or at == 0:
            continue
        to = at
        while to > 0 and atoms[to - 1].kind in ("remark", "comment"):
            to -= 1
        if to == 0 or atoms[to - 1].kind in QUIET:
            continue
        if to != at:
            atoms.insert(to, atoms.pop(at))
        if at + 1 < len(atoms):
            atoms[at + 1].lines = max(atoms[at + 1].lines, atom.lines)
        atom.lines = 0


def settle(shape: Shape) -> None:
    """Turns the line ends that were written into those that are wanted."""
    atoms = shape.atoms
    atoms[0].lines = 0
    for at in range(1, len(atoms)):
        _beside(shape, at)
    for at in range(1, len(atoms) - 1):
        _hand_on(shape, at)
    for frame in sorted(shape.frames, key=lambda one: -one.opener):
        settle_frame(shape, frame)
    for at in range(1, len(atoms)):
        if atoms[at - 1].kind == "remark":
            atoms[at].lines = max(1, atoms[at].lines)
        if atoms[at].lines == 2 and not _may_be_blank(shape, at):
            atoms[at].lines = 1


def _beside(shape: Shape, at: int) -> None:
    """Pairs that no line end comes between."""
    atom, before = shape.atoms[at], shape.atoms[at - 1]
    if atom.glued:
        atom.lines = 0
    if before.kind in QUIET or atom.kind in QUIET or "raw" in (before.kind, atom.kind):
        return
    joined = (
        atom.kind == "comma"
        or atom.text in (".", "::", ";")
        or before.text in (".", "::")
        or (before.keyword and before.word in _PULLS)
        or (atom.keyword and _sticks(shape, at, before))
        or (
            atom.kind == "open"
            and before.kind in ("word", "name")
            and not (before.keyword and before.word in _OPENS_OWN)
        )
    )
    if joined:
        atom.lines = 0


def _sticks(shape: Shape, at: int, before: Atom) -> bool:
    word = shape.atoms[at].word
    if word == "AS":
        return not shape.of[at].cast
    if word in ("ALL", "DISTINCT"):
        return before.keyword and before.word in ("UNION", "INTERSECT", "EXCEPT", "SELECT")
    if word == "NOT":
        return before.word in ("IS", "AS")
    if word == "NULL":
        return before.word in ("IS", "NOT")
    return word in _STICKS


def binary(shape: Shape, at: int) -> bool:
    """Whether an operator stands between two operands (the AND of BETWEEN does not count)."""
    atom = shape.atoms[at]
    if atom.keyword and atom.word in ("AND", "OR"):
        return not (atom.word == "AND" and _of_between(shape, at))
    if atom.kind != "op" or atom.text not in BINARY or at == 0:
        return False
    before = shape.atoms[at - 1]
    if atom.text == "*" and at + 1 < len(shape.atoms) and shape.atoms[at + 1].kind in ("comma", "close"):
        return False
    return is_operand(before)


def is_operand(atom: Atom) -> bool:
    if atom.keyword:
        return atom.word in ("END", "NULL")
    return atom.kind in ("word", "name", "text", "number", "jinja", "close")


def _of_between(shape: Shape, at: int) -> bool:
    frame = shape.of[at]
    for back in range(at - 1, frame.opener, -1):
        atom = shape.atoms[back]
        if shape.of[back] is frame and atom.keyword:
            if atom.word in ("AND", "OR", "WHERE", "ON", "WHEN", "SELECT", "HAVING", "QUALIFY"):
                return False
            if atom.word == "BETWEEN":
                return True
    return False


def _hand_on(shape: Shape, at: int) -> None:
    """An operator begins a line rather than ending one."""
    atom, after = shape.atoms[at], shape.atoms[at + 1]
    if after.lines and after.kind not in QUIET and after.kind != "raw" and binary(shape, at):
        atom.lines, after.lines = max(1, atom.lines), 0


def _may_be_blank(shape: Shape, at: int) -> bool:
    before, frame = shape.atoms[at - 1], shape.of[at]
    if before.kind == "open" or at == frame.close or (before.keyword and before.word in _OPENS_OWN):
        return False
    if shape.atoms[at].keyword and shape.atoms[at].word in ("AND", "OR"):
        return False
    return shape.starts.get(at) not in _LATE or before.kind in QUIET
