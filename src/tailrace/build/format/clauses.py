"""Line ends that follow from clauses, lists, CASE and brackets: what is written on several lines has its parts on lines of their own."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.build.format.atoms import Atom
from tailrace.build.format.frames import QUIET, Frame, Shape


def settle_frame(shape: Shape, frame: Frame) -> None:
    if frame.kind == "case":
        _settle_case(shape, frame)
        return
    if frame.clauses and _is_broken(shape, frame):
        _settle_clauses(shape, frame)
    if frame.kind == "bracket" and frame.close >= 0 and frame.close > frame.opener + 1:
        first, close = shape.atoms[frame.opener + 1], shape.atoms[frame.close]
        broken = _is_broken(shape, frame)
        if not first.glued and (first.kind not in QUIET or first.lines):
            first.lines = int(broken)
        if not close.glued and shape.atoms[frame.close - 1].kind not in QUIET:
            close.lines = int(broken)
        elif broken and not close.glued:
            close.lines = 1


def _is_broken(shape: Shape, frame: Frame) -> bool:
    """Whether a frame is written on several lines: a query where anything in it is, a list where its own items are."""
    if frame.opener < 0 or frame.cte:
        return True
    inside = range(frame.opener + 1, frame.close if frame.close >= 0 else len(shape.atoms))
    own = inside if frame.query else [at for at in inside if shape.of[at] is frame]
    return any(shape.atoms[at].lines or shape.atoms[at].kind == "remark" for at in own)


def _settle_case(shape: Shape, frame: Frame) -> None:
    if frame.close < 0:
        return
    own = [at for at in range(frame.opener + 1, frame.close + 1) if shape.of[at] is frame]
    if not any(shape.atoms[at].lines or shape.atoms[at].kind == "remark" for at in own):
        return
    for at in own:
        atom = shape.atoms[at]
        if atom.keyword and atom.word in ("WHEN", "ELSE", "END"):
            require(shape, at, 1)


def require(shape: Shape, at: int, lines: int) -> None:
    """A line end before an atom: before the comments, and the tags that open, on lines of their own above it."""
    atoms, top = shape.atoms, at
    if atoms[at].glued:
        return
    while top > 1 and atoms[top - 1].lines and _leads(atoms[top - 1]):
        top -= 1
    atoms[top].lines = max(lines, atoms[top].lines)
    atoms[at].lines = max(1, atoms[at].lines)


def _leads(atom: Atom) -> bool:
    if atom.kind == "tag":
        return all(not region.word.startswith(("end", "el")) for region in atom.regions)
    return atom.kind in ("remark", "comment")


def _settle_clauses(shape: Shape, frame: Frame) -> None:
    tall = {frame.clauses[n][0] for arm in _arms(frame) if not _is_flat(shape, frame, arm) for n in arm}
    for number, (at, what) in enumerate(frame.clauses):
        end = _end_of(shape, frame, number)
        if what == "with":
            _settle_ctes(shape, frame, at, end)
        elif what == "set":
            _settle_set(shape, at)
        after_ctes = number > 0 and frame.clauses[number - 1][1] == "with"
        begins = at in tall and at != frame.opener + 1 and (frame.query or number)
        if at > 0 and (begins or after_ctes):
            require(shape, at, 2 if after_ctes else 1)
        if what in ("select", "list"):
            _settle_list(shape, frame, at, end, what)


def _arms(frame: Frame) -> Iterator[list[int]]:
    """The numbers of the clauses of each SELECT between the words UNION, INTERSECT and EXCEPT."""
    arm: list[int] = []
    for number, (_, what) in enumerate(frame.clauses):
        if what == "set":
            yield arm
            arm = []
        elif what != "with":
            arm.append(number)
    yield arm


def _is_flat(shape: Shape, frame: Frame, arm: list[int]) -> bool:
    """`SELECT a, b FROM t` may stay on its line."""
    if not frame.query or len(arm) > 2 or any(frame.clauses[number][1] == "join" for number in arm):
        return False
    if not arm:
        return True
    inside = range(frame.clauses[arm[0]][0] + 1, _end_of(shape, frame, arm[-1]))
    return not any(shape.atoms[at].lines or shape.atoms[at].kind == "remark" for at in inside)


def _end_of(shape: Shape, frame: Frame, number: int) -> int:
    """The index behind a clause's last atom, comments behind it left out."""
    if number + 1 < len(frame.clauses):
        end = frame.clauses[number + 1][0]
    else:
        end = frame.close if frame.close >= 0 else len(shape.atoms)
    while shape.atoms[end - 1].kind in QUIET and end > frame.clauses[number][0] + 1:
        end -= 1
    return end


def _settle_ctes(shape: Shape, frame: Frame, at: int, end: int) -> None:
    """A blank line between two CTEs."""
    for index in range(at, end):
        if shape.of[index] is frame and shape.atoms[index].kind == "comma":
            after = next((i for i in range(index + 1, end) if shape.atoms[i].kind not in QUIET), None)
            if after is not None:
                require(shape, after, 2)


def _settle_set(shape: Shape, at: int) -> None:
    """UNION ALL has a line of its own."""
    require(shape, at, 1)
    after = at + 1
    while after < len(shape.atoms) and shape.atoms[after].word in ("ALL", "DISTINCT", "BY", "NAME"):
        after += 1
    if after < len(shape.atoms) and shape.atoms[after].kind not in QUIET:
        require(shape, after, 1)


def items_of(shape: Shape, frame: Frame, at: int, end: int) -> list[int]:
    """The first atoms of a clause's items, the first item's included."""
    first = at + 1
    while first < end and shape.atoms[first].word in ("DISTINCT", "ALL") and shape.atoms[first].keyword:
        first += 1
        on = first + 1
        if first < end and shape.atoms[first].word == "ON" and on in shape.opened:
            first = shape.opened[on].close + 1
    behind = [i + 1 for i in range(first, end - 1) if shape.of[i] is frame and shape.atoms[i].kind == "comma"]
    return [first, *behind] if first < end else []


def _settle_list(shape: Shape, frame: Frame, at: int, end: int, what: str) -> None:
    """Where one item of a list has a line of its own, the first has one too; so has every item of several lines."""
    items = items_of(shape, frame, at, end)
    if not items:
        return
    atoms = shape.atoms
    spans = [(start, items[n + 1] if n + 1 < len(items) else end) for n, start in enumerate(items)]
    if what == "select":
        tall = [any(atoms[i].lines for i in range(start + 1, stop)) for start, stop in spans]
        for number in range(1, len(items)):
            if (tall[number] or tall[number - 1]) and atoms[items[number]].kind not in QUIET:
                require(shape, items[number], 1)
        split = any(tall) or any(atoms[start].lines for start, _ in spans)
    else:
        split = any(atoms[start].lines for start, _ in spans[1:])
    first = atoms[items[0]]
    if first.kind not in QUIET and not first.glued:
        first.lines = int(split)
