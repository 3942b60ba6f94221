"""Which bracket, CASE or query each atom stands in, and where clauses begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tailrace.build.format.atoms import Atom
from tailrace.build.format.words import CASTS, JOINS

QUIET = ("remark", "comment", "tag")
SET_WORDS = ("UNION", "INTERSECT", "EXCEPT")
_PLAIN = {
    "WHERE": "where", "GROUP BY": "list", "ORDER BY": "list", "PARTITION BY": "list", "HAVING": "where",
    "QUALIFY": "where", "LIMIT": "where", "WINDOW": "where", "ROWS": "where", "RANGE": "where",
}  # fmt: skip


@dataclass(slots=True, eq=False)
class Frame:
    """A bracket, a CASE or the file itself (`opener` -1), as indices of atoms; `clauses` are (index, what begins there)."""

    kind: str
    opener: int = -1
    close: int = -1
    parent: Frame | None = None
    cast: bool = False
    cte: bool = False
    clauses: list[tuple[int, str]] = field(default_factory=list)
    line_indent: int = -4

    @property
    def base(self) -> int:
        """The indent of what stands directly in it."""
        return self.line_indent + 4

    @property
    def query(self) -> bool:
        return any(what in ("select", "from", "with", "values") for _, what in self.clauses)


@dataclass(slots=True)
class Shape:
    """`of` is the frame of each atom; a closing atom belongs to what it closes, an opening one to what it stands in.

    `opened` are frames by the atom that opens them, `starts` clauses by the atom that begins them.
    """

    atoms: list[Atom]
    of: list[Frame]
    frames: list[Frame]
    opened: dict[int, Frame] = field(default_factory=dict)
    starts: dict[int, str] = field(default_factory=dict)


def shape_of(atoms: list[Atom]) -> Shape:
    """The frames of a file. Where Jinja's branches open and close differently, the last branch counts."""
    top = Frame("top")
    shape = Shape(atoms, [], [top])
    stack, branches = [top], list[list[Frame]]()
    for at, atom in enumerate(atoms):
        if atom.kind == "raw":
            shape.of.append(stack[-1])
            for inner in atom.inside:
                _bracket(shape, stack, inner, at, raw=True)
            continue
        for region in atom.regions:
            stack = _branch(region.word, stack, branches)
        shape.of.append(stack[-1])
        _bracket(shape, stack, atom, at, raw=False)
        what = _clause(shape, at)
        if what:
            shape.starts[at] = what
            shape.of[at].clauses.append((at, what))
    return shape


def _branch(word: str, stack: list[Frame], branches: list[list[Frame]]) -> list[Frame]:
    if word == "if":
        branches.append(list(stack))
    elif word in ("elif", "else") and branches:
        return list(branches[-1])
    elif word == "endif" and branches:
        branches.pop()
    return stack


def _bracket(shape: Shape, stack: list[Frame], atom: Atom, at: int, *, raw: bool) -> None:
    """Opens or closes a frame at an atom."""
    if atom.kind == "open" or (atom.keyword and atom.word == "CASE"):
        before = before_of(shape.atoms, at)
        word = before.word if before and not raw else ""
        frame = Frame("bracket" if atom.kind == "open" else "case", at, parent=stack[-1], cast=word in CASTS)
        frame.cte = bool(
            before and before.keyword and word in ("AS", "MATERIALIZED") and _last(stack[-1]) == "with"
        )
        stack.append(frame)
        if not raw:
            shape.frames.append(frame)
            shape.opened[at] = frame
    elif len(stack) > 1 and _closes(stack[-1], atom):
        frame = stack.pop()
        if not raw:
            frame.close = at
            shape.of[at] = frame


def _closes(frame: Frame, atom: Atom) -> bool:
    if frame.kind == "case":
        return atom.word == "END" and atom.keyword
    return atom.kind == "close"


def _last(frame: Frame) -> str:
    return frame.clauses[-1][1] if frame.clauses else ""


def before_of(atoms: Sequence[Atom], at: int) -> Atom | None:
    """The last atom before an index that is no comment and no tag."""
    while at > 0:
        at -= 1
        if atoms[at].kind not in QUIET:
            return atoms[at]
    return None


def after_of(atoms: Sequence[Atom], at: int) -> Atom | None:
    """The next atom behind an index that is no comment and no tag."""
    return next((atom for atom in atoms[at + 1 :] if atom.kind not in QUIET), None)


def _clause(shape: Shape, at: int) -> str:
    """What clause begins with an atom, if one does."""
    atom, frame = shape.atoms[at], shape.of[at]
    if not atom.keyword or frame.kind == "case" or frame.cast:
        return ""
    word = atom.word
    if word == "SELECT":
        return "select"
    if word in _PLAIN:
        return _PLAIN[word]
    before = before_of(shape.atoms, at)
    if word == "FROM":
        own = before is None or before.word != "DISTINCT" or not before.keyword
        return "from" if own and (frame.query or frame.opener < 0) else ""
    if word == "WITH":
        return "" if frame.clauses else "with"
    if word == "VALUES":
        return "" if frame.query else "values"
    if word in SET_WORDS:
        return (
            "set"
            if frame.clauses and (before is None or before.text != "*" or _starts_query(shape, at))
            else ""
        )
    if word == "JOIN" or word in JOINS:
        follows = before is not None and before.keyword and before.word in JOINS
        return "" if follows else "join"
    return ""


def _starts_query(shape: Shape, at: int) -> bool:
    after = after_of(shape.atoms, at)
    return after is not None and after.word in ("SELECT", "ALL", "DISTINCT", "FROM", "VALUES", "WITH")
