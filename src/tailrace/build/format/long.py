"""Lines that are too long end earlier: at clauses, commas, AND and OR, brackets, in this order."""

from __future__ import annotations

from collections.abc import Iterable

from tailrace.build.format.breaks import binary
from tailrace.build.format.frames import QUIET, Frame, Shape
from tailrace.build.format.layout import WIDTH, indents, lines_of, text_of


def split_long(shape: Shape) -> bool:
    """Ends lines of more than WIDTH characters where that is possible; whether it did anything."""
    found = indents(shape)
    changed = False
    for start, end in list(lines_of(shape)):
        stop = end
        while stop > start + 1 and shape.atoms[stop - 1].kind in QUIET:
            stop -= 1
        text = text_of(shape, start, stop, found[start])
        if stop - start > 1 and max(map(len, text.split("\n"))) > WIDTH:
            changed |= _break(shape, _places(shape, start, stop), start)
    return changed


def _break(shape: Shape, places: Iterable[int], start: int) -> bool:
    done = False
    for at in places:
        atom = shape.atoms[at]
        if at > start and not atom.lines and not atom.glued and atom.kind not in ("raw", "tag"):
            atom.lines, done = 1, True
    return done


def _places(shape: Shape, start: int, stop: int) -> list[int]:
    """Where to end a line: the outermost places of the first kind that there is."""
    level = _lowest(shape, start, stop)
    own = [at for at in range(start + 1, stop) if shape.of[at] is level and at != level.close]
    for found in (
        [at for at in own if at in shape.starts],
        [
            at
            for at in own
            if _word(shape, at) in ("ON", "USING") and shape.starts.get(start) in ("join", "from")
        ],
        _commas(shape, level, own, start),
        [at for at in own if _word(shape, at) in ("AND", "OR") and binary(shape, at)],
        [at for at in own if _word(shape, at) in ("WHEN", "ELSE") and level.kind == "case"],
        [at for at in own if shape.atoms[at].text in ("+", "-", "||") and binary(shape, at)],
        _widest(shape, own, start, stop),
        [at for at in own if _word(shape, at) == "THEN"],
    ):
        if any(not shape.atoms[at].lines and not shape.atoms[at].glued for at in found):
            return found
    return []


def _word(shape: Shape, at: int) -> str:
    atom = shape.atoms[at]
    return atom.word if atom.keyword else ""


def _lowest(shape: Shape, start: int, stop: int) -> Frame:
    """The outermost frame that a line has something in."""
    seen = [shape.of[at] for at in range(start, stop) if at != shape.of[at].close]
    return min(seen or [shape.of[start]], key=_depth)


def _depth(frame: Frame) -> int:
    depth = 0
    while frame.parent is not None:
        frame, depth = frame.parent, depth + 1
    return depth


def _commas(shape: Shape, frame: Frame, own: list[int], start: int) -> list[int]:
    """Behind each comma of a list; before the list's first item too, where its keyword begins the line."""
    found = [at for at in own if shape.atoms[at - 1].kind == "comma" and shape.of[at - 1] is frame]
    what = shape.starts.get(start)
    if frame.query and (what == "select" or (what == "list" and found)):
        first = start + 1
        while shape.atoms[first].word in ("DISTINCT", "ALL") and shape.atoms[first].keyword:
            first += 1
        return [first, *found]
    return found


def _widest(shape: Shape, own: list[int], start: int, stop: int) -> list[int]:
    """Inside the longest bracket or CASE of the line."""
    frames = [shape.opened[at] for at in (start, *own) if at in shape.opened]
    whole = [frame for frame in frames if 0 <= frame.close < stop and frame.close > frame.opener + 1]
    if not whole:
        return []
    widest = max(whole, key=lambda frame: len(text_of(shape, frame.opener, frame.close, 0)))
    if widest.kind == "case":
        inside = range(widest.opener + 1, widest.close)
        words = [at for at in inside if shape.of[at] is widest and _word(shape, at) in ("WHEN", "ELSE")]
        return [*words, widest.close]
    return [widest.opener + 1, widest.close]
