"""Indentation and the space between atoms: from line ends to text."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.build.format.atoms import Atom
from tailrace.build.format.breaks import BINARY, binary, is_operand
from tailrace.build.format.frames import QUIET, Frame, Shape, before_of

WIDTH = 120
_SPACED_OPENS = frozenset(
    [
        "IN",
        "AS",
        "OVER",
        "AND",
        "OR",
        "NOT",
        "ON",
        "WHERE",
        "FROM",
        "SELECT",
        "WHEN",
        "THEN",
        "ELSE",
        "USING",
        "VALUES",
        "EXISTS",
        "FILTER",
        "JOIN",
        "CASE",
        "BETWEEN",
        "LIKE",
        "DISTINCT",
        "HAVING",
        "QUALIFY",
        "UNION",
        "ALL",
        "EXCEPT",
        "INTERSECT",
        "LIMIT",
        "BY",
        "IS",
        "GROUP",
        "MATERIALIZED",
        "EXCLUDE",
        "REPLACE",
        "RENAME",
    ]
) | {"GROUP BY", "ORDER BY", "PARTITION BY"}


def indents(shape: Shape) -> dict[int, int]:
    """The indent of each atom that begins a line, by its index."""
    found: dict[int, int] = {}
    tags: list[int] = []
    indent, clause = 0, dict[int, str]()
    for at, atom in enumerate(shape.atoms):
        frame = shape.of[at]
        if at == 0 or atom.lines:
            indent = found[at] = _indent(shape, at, clause, tags, indent)
        for region in atom.regions:
            _remember(region.word, indent, tags)
        if at in shape.starts:
            clause[id(frame)] = shape.starts[at]
        if at in shape.opened:
            shape.opened[at].line_indent = indent
    return found


def _remember(word: str, indent: int, tags: list[int]) -> None:
    if word in ("if", "for", "snapshot", "macro", "test", "materialization"):
        tags.append(indent)
    elif word.startswith("end") and tags:
        tags.pop()


def _indent(shape: Shape, at: int, clause: dict[int, str], tags: list[int], last: int) -> int:
    """The indent of a line; `last` is that of the line before."""
    atom, frame = shape.atoms[at], shape.of[at]
    if atom.kind == "tag" and tags and atom.regions[0].word.startswith(("end", "el")):
        return tags[-1]
    if atom.kind in QUIET:
        ahead = next((i for i in range(at + 1, len(shape.atoms)) if not _passed_over(shape.atoms[i])), None)
        if ahead is not None and shape.of[ahead] is frame and ahead != frame.close:
            return _code_indent(shape, ahead, clause)
        ends = ahead == frame.close and shape.atoms[at - 1].kind != "open"
        return last if ends else _inside(frame, clause) if ahead is not None else frame.base
    return _code_indent(shape, at, clause)


def _passed_over(atom: Atom) -> bool:
    return atom.kind in ("remark", "comment") or (
        atom.kind == "tag" and not atom.regions[0].word.startswith(("end", "el"))
    )


def _code_indent(shape: Shape, at: int, clause: dict[int, str]) -> int:
    frame = shape.of[at]
    if at == frame.close:
        return frame.line_indent
    if at in shape.starts:
        return frame.base
    atom = shape.atoms[at]
    if frame.kind == "case":
        return frame.base if atom.keyword and atom.word in ("WHEN", "ELSE") else frame.base + 4
    if clause.get(id(frame)) == "set" and atom.kind == "open":
        return frame.base
    if _is_fragment(shape, at) and clause.get(id(frame)) in ("from", "join", "where", "list"):
        return frame.base
    return _inside(frame, clause)


def _is_fragment(shape: Shape, at: int) -> bool:
    """Jinja alone on its line behind something that is complete writes a clause of its own."""
    atoms = shape.atoms
    alone = at + 1 == len(atoms) or atoms[at + 1].lines > 0
    before = before_of(atoms, at)
    return atoms[at].kind == "jinja" and alone and before is not None and is_operand(before)


def _inside(frame: Frame, clause: dict[int, str]) -> int:
    """The indent of what goes on in a clause; CTEs stand beside their WITH."""
    return frame.base + (0 if clause.get(id(frame), "with") == "with" else 4)


def lines_of(shape: Shape) -> Iterator[tuple[int, int]]:
    """The atoms of each line: first index and the index behind the last."""
    start = 0
    for at in range(1, len(shape.atoms)):
        if shape.atoms[at].lines:
            yield start, at
            start = at
    yield start, len(shape.atoms)


def text_of(shape: Shape, start: int, stop: int, indent: int) -> str:
    """One line without its end."""
    parts = ["" if shape.atoms[start].kind == "raw" and shape.atoms[start].lines else " " * indent]
    for at in range(start, stop):
        if at > start and _spaced(shape, at):
            parts.append(" ")
        parts.append(shape.atoms[at].text)
    return "".join(parts)


def written(shape: Shape, end: str) -> str:
    """The whole file, its lines ended by `end`."""
    found = indents(shape)
    rows: list[str] = []
    for start, stop in lines_of(shape):
        if shape.atoms[start].lines == 2 and rows:
            rows.append("")
        rows.append(text_of(shape, start, stop, found[start]))
    return end.join(rows) + end


def _spaced(shape: Shape, at: int) -> bool:
    """Whether one space stands between an atom and the one before it on its line."""
    atom, before = shape.atoms[at], shape.atoms[at - 1]
    if atom.glued:
        return False
    if "raw" in (atom.kind, before.kind) or _touch_jinja(atom, before):
        return atom.spaced
    if atom.kind in QUIET or before.kind in QUIET or before.kind == "comma":
        return True
    if before.kind == "close" and atom.kind == "jinja":
        return atom.spaced
    if atom.kind == "comma" or atom.text in (".", ";") or before.text == ".":
        return False
    if "::" in (atom.text, before.text):
        return False
    if "{" in (before.text, atom.text) or "}" in (before.text, atom.text):
        return atom.spaced or before.keyword
    if atom.kind == "close" or before.kind == "open":
        return False
    if atom.kind == "open":
        return _space_before_open(atom, before)
    return _space_at_operator(shape, at, atom, before)


def _touch_jinja(atom: Atom, before: Atom) -> bool:
    """Beside a tag the space is part of what the template writes."""
    return "tag" in (atom.kind, before.kind)


def _space_before_open(atom: Atom, before: Atom) -> bool:
    if before.keyword and before.word in _SPACED_OPENS:
        return True
    if atom.text == "[":
        return atom.spaced and not is_operand(before)
    return atom.spaced or (before.kind == "op" and before.text in BINARY)


def _space_at_operator(shape: Shape, at: int, atom: Atom, before: Atom) -> bool:
    if before.text in ("-", "+") and before.kind == "op" and not binary(shape, at - 1):
        return atom.text.startswith(before.text) or (atom.spaced and atom.kind == "op")
    if (atom.kind == "op" and binary(shape, at)) or (before.kind == "op" and binary(shape, at - 1)):
        typed = "<" in (atom.text, before.text) or ">" in (atom.text, before.text)
        return atom.spaced if typed and _generic(shape, at) else True
    if atom.kind == "op" or before.kind == "op":
        return atom.spaced or atom.keyword or before.keyword
    return True


def _generic(shape: Shape, at: int) -> bool:
    """`ARRAY<STRING>` and `STRUCT<a INT64>` are types."""
    return any(atom.word in ("ARRAY", "STRUCT") for atom in shape.atoms[max(0, at - 12) : at])
