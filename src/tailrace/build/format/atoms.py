"""A file as atoms: words, operators, comments and Jinja, each with what stood before it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import Token, TokenType
from sqlglot.errors import TokenError

from tailrace.build.format.template import Region, Unclosed, masked

_KINDS = {
    TokenType.L_PAREN: "open", TokenType.L_BRACKET: "open", TokenType.L_BRACE: "open",
    TokenType.R_PAREN: "close", TokenType.R_BRACKET: "close", TokenType.R_BRACE: "close",
    TokenType.COMMA: "comma", TokenType.STRING: "text", TokenType.IDENTIFIER: "name", TokenType.NUMBER: "number",
}  # fmt: skip
_BARE = re.compile(r"[^\W\d][\w$]*(?:\s+\w+)*\Z")
_COMMENT = re.compile(r"(?:--|#|//)[^\r\n]*|/\*")
_BORDER = re.compile(r"/\*|\*/")
_OFF, _ON = "fmt: off", "fmt: on"
_MISSING = re.compile(r"Missing (\S+) from \d+:(\d+)")


@dataclass(slots=True)
class Atom:
    """`kind` is word, name, text, number, open, close, comma, op, remark (to the line's end), comment, jinja, tag or raw.

    `word` is upper case where the atom is a bare word, else "". `lines` is how many line ends stand before it: as
    written, then as wanted; `spaced` whether anything did. `glued` says that Jinja touches the place before it.
    """

    text: str
    kind: str
    word: str = ""
    lines: int = 0
    spaced: bool = False
    glued: bool = False
    start: int = 0
    regions: tuple[Region, ...] = ()
    inside: tuple[Atom, ...] = field(default=())
    keyword: bool = False


def atoms_of(text: str, found: Sequence[Region], dialect: str) -> list[Atom]:
    """Everything that is not white space; Unclosed where a quote or comment never ends."""
    mask = masked(text, found)
    starts = [region.start for region in found]
    pieces = list(_spans(mask, _tokens(mask, dialect)))
    done = 0
    atoms: list[Atom] = []
    for start, end, kind in pieces:
        gap = text[done:start]
        low, high = bisect_right(starts, start - 1), bisect_right(starts, end - 1)
        inner = tuple(found[low:high])
        atom = Atom(text[start:end], kind, "", min(2, gap.count("\n")), bool(gap), start=start, regions=inner)
        _judge(atom, end)
        atom.glued = not gap and bool(atoms) and _is_glued(atoms[-1], atom)
        atoms.append(atom)
        done = end
    return list(_without_off(text, atoms))


def _tokens(mask: str, dialect: str) -> list[Token]:
    try:
        return sqlglot.tokenize(mask, read=dialect)
    except TokenError as error:
        missing = _MISSING.search(str(error.__context__))
        comment = mask.rfind("/*")
        offset, what = (int(missing[2]), missing[1]) if missing else (max(0, comment), "a comment")
        said = f"the SQL does not parse: {what} is never closed"
        raise Unclosed(min(offset, len(mask)), said, "Close the quote or comment") from None


def _spans(mask: str, tokens: list[Token]) -> Iterator[tuple[int, int, str]]:
    done = 0
    for token in tokens:
        yield from _comments(mask, done, token.start)
        yield token.start, token.end + 1, _KINDS.get(token.token_type, "")
        done = token.end + 1
    yield from _comments(mask, done, len(mask))


def _comments(mask: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """What stands between two tokens and is no white space."""
    while start < end:
        if mask[start].isspace():
            start += 1
            continue
        found = _COMMENT.match(mask, start, end)
        if found is None:
            yield start, start + 1, "op"  # whatever the tokenizer passed over stays
            start += 1
            continue
        stop, kind = (_closed(mask, start), "comment") if found[0] == "/*" else (found.end(), "remark")
        yield start, stop, kind
        start = stop


def _closed(mask: str, start: int) -> int:
    """The end of a block comment, which may hold others."""
    depth = 0
    for border in _BORDER.finditer(mask, start):
        depth += 1 if border[0] == "/*" else -1
        if depth == 0:
            return border.end()
    raise Unclosed(start, "the SQL does not parse: /* is never closed", "Close the quote or comment")


def _judge(atom: Atom, end: int) -> None:
    """Names the kind of what is not told by its token, and the word of what is one."""
    if atom.regions and atom.regions[0].start == atom.start and atom.regions[-1].end == end:
        alone = sum(r.end - r.start for r in atom.regions) == end - atom.start
        if alone:
            atom.kind = "jinja" if any(r.kind == "expression" for r in atom.regions) else "tag"
            return
    if not atom.kind:
        bare = not atom.regions and _BARE.match(atom.text)
        atom.kind = "word" if bare or atom.regions else "op"
        atom.word = " ".join(atom.text.upper().split()) if bare else ""


def _is_glued(before: Atom, atom: Atom) -> bool:
    """Whether Jinja may make one word of two; a comma or bracket is a word of its own whatever stands beside it."""
    touching = _ends_in_jinja(before) or _begins_in_jinja(atom)
    return touching and not {before.kind, atom.kind} & {"comma", "open", "close"}


def _ends_in_jinja(atom: Atom) -> bool:
    return bool(atom.regions) and atom.regions[-1].end == atom.start + len(atom.text)


def _begins_in_jinja(atom: Atom) -> bool:
    return bool(atom.regions) and atom.regions[0].start == atom.start


def switch(atom: Atom) -> str:
    """`fmt: off` or `fmt: on` where a comment says so, in SQL or in Jinja."""
    if atom.kind not in ("remark", "comment", "tag"):
        return ""
    said = atom.text.strip("-/*{}#+ \t")
    return said if said in (_OFF, _ON) else ""


def _without_off(text: str, atoms: list[Atom]) -> Iterator[Atom]:
    """What lies between `fmt: off` and `fmt: on` becomes one raw atom, with the white space of its first line."""
    index = 0
    while index < len(atoms):
        atom = atoms[index]
        if switch(atom) != _OFF:
            yield atom
            index += 1
            continue
        last = next((i for i in range(index, len(atoms)) if switch(atoms[i]) == _ON), len(atoms) - 1)
        end = atoms[last].start + len(atoms[last].text)
        line = text.rfind("\n", 0, atom.start) + 1
        start = line if not text[line : atom.start].strip() else atom.start
        inner = tuple(atoms[index : last + 1])
        yield Atom(
            text[start:end], "raw", "", atom.lines, atom.spaced, atom.glued, start, _all_regions(inner), inner
        )
        index = last + 1


def _all_regions(atoms: Sequence[Atom]) -> tuple[Region, ...]:
    return tuple(region for atom in atoms for region in atom.regions)
