"""Where Jinja stands in a file, so that the SQL around it can be read; what may not be touched is one region."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

_OPEN = re.compile(r"\{\{|\{%|\{#")
_INSIDE = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|(?P<open>[\[({])|(?P<close>[\])}])|(?P<end>%\})""", re.DOTALL
)
_WORD = re.compile(r"\{%[-+]?\s*(\w+)")
_RAW_END = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_QUERY = re.compile(r"(?:SELECT|WITH)\b", re.IGNORECASE)
BRANCHES = ("if", "for")
_WHOLE = ("set", "call", "filter", "docs")
_BODIES = ("macro", "test", "materialization")
_PAIRED = (*BRANCHES, *_WHOLE, *_BODIES, "snapshot")
_NAMES = {"{{": "expression", "{%": "tag", "{#": "comment"}
_ENDS = {"{{": "}}", "{%": "%}", "{#": "#}"}


class Unclosed(Exception):
    """What begins at `offset` has no end, or ends without a beginning."""

    def __init__(self, offset: int, message: str, fix: str) -> None:
        super().__init__(message)
        self.offset, self.message, self.fix = offset, message, fix


@dataclass(frozen=True)
class Region:
    """Text between two offsets that stays as it is. A tag's `word` is its first one: if, endif, set."""

    start: int
    end: int
    kind: Literal["expression", "tag", "comment", "whole"]
    word: str = ""


def regions(text: str) -> list[Region]:
    """All Jinja of a file in order; Unclosed where a brace or a block never ends."""
    return list(_with_whole_blocks(text, list(_pieces(text))))


def masked(text: str, found: Sequence[Region]) -> str:
    """The text with each region as one word of the same length, so that offsets stay."""
    parts: list[str] = []
    done = 0
    for region in found:
        parts += (text[done : region.start], "j" * (region.end - region.start))
        done = region.end
    return "".join((*parts, text[done:]))


def _pieces(text: str) -> Iterator[Region]:
    done = 0
    while opened := _OPEN.search(text, done):
        start, brace = opened.start(), opened[0]
        if brace == "{#":
            closed = text.find("#}", start + 2)
            end = closed + 2 if closed >= 0 else -1
        else:
            end = _end(text, start + 2, brace)
        word = _WORD.match(text, start)
        if end >= 0 and word and word[1] == "raw":
            found = _RAW_END.search(text, end)
            end = found.end() if found else -1
        if end < 0:
            what = "block {% raw" if word and word[1] == "raw" else f"{_NAMES[brace]} {brace}"
            raise Unclosed(start, f"the Jinja {what} is never closed", f"Close it with {_ENDS[brace]}")
        kind: Literal["expression", "tag", "comment"] = "expression"
        if brace != "{{":
            kind = "tag" if brace == "{%" else "comment"
        yield Region(start, end, kind, word[1] if word else "")
        done = end


def _end(text: str, done: int, brace: str) -> int:
    """The offset behind `}}` or `%}`, strings and inner brackets passed over; -1 without one."""
    depth = 0
    while found := _INSIDE.search(text, done):
        done = found.end()
        if found["open"]:
            depth += 1
        elif found["end"] and brace == "{%" and not depth:
            return done
        elif found["close"] and depth:
            depth -= 1
        elif found["close"] == "}" and brace == "{{" and text.startswith("}}", found.start()):
            return done + 1
    return -1


def _with_whole_blocks(text: str, pieces: list[Region]) -> Iterator[Region]:
    """Blocks whose text is a value, and macros that are no query, count as one region: white space may matter there."""
    ends = _pairs(text, pieces)
    index = 0
    while index < len(pieces):
        piece, last = pieces[index], ends.get(index)
        if piece.word == "raw":
            yield Region(piece.start, piece.end, "whole")
        elif last is not None and _is_whole(text, pieces, index, last):
            yield Region(piece.start, pieces[last].end, "whole", piece.word)
            index = last
        else:
            yield piece
        index += 1


def _is_whole(text: str, pieces: list[Region], index: int, last: int) -> bool:
    word = pieces[index].word
    if word in _WHOLE:
        return True
    return word in _BODIES and not _is_query(text, pieces, index, last)


def _is_query(text: str, pieces: list[Region], index: int, last: int) -> bool:
    """Whether the first thing in a block besides tags and comments is SELECT or WITH."""
    done = pieces[index].end
    for piece in pieces[index + 1 : last + 1]:
        between = re.sub(r"--[^\n]*|/\*.*?\*/", "", text[done : piece.start], flags=re.DOTALL).strip()
        if between or piece.kind == "expression":
            return bool(_QUERY.match(between))
        done = piece.end
    return False


def _pairs(text: str, pieces: list[Region]) -> dict[int, int]:
    """The index of each block's end by the index of its beginning."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for index, piece in enumerate(pieces):
        word = piece.word if piece.kind == "tag" else ""
        if word in _PAIRED and not (word == "set" and _assigns(text[piece.start : piece.end])):
            opened.append(index)
        elif word.startswith("end") and word[3:] in _PAIRED:
            if not opened or pieces[opened[-1]].word != word[3:]:
                raise Unclosed(
                    piece.start, f"the block {{% {word} %}} ends nothing", f"Open a {word[3:]}, or remove it"
                )
            found[opened.pop()] = index
    if opened:
        piece = pieces[opened[-1]]
        fix = f"Close it with {{% end{piece.word} %}}"
        raise Unclosed(piece.start, f"the block {{% {piece.word} %}} is never closed", fix)
    return found


def _assigns(tag: str) -> bool:
    """`{% set x = 1 %}`, against `{% set x %}...{% endset %}`."""
    return "=" in tag.split("|", maxsplit=1)[0]
