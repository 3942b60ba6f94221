"""SQL without what says nothing: the same wording under other comments and blanks means the same, and need not be parsed."""

from __future__ import annotations

import re

_ODD = re.compile(r"/\*|[$`\\#]")
"""Signs of comments and quotes that only the parser takes apart."""
_PIECE = re.compile(
    r"""(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")|(?P<comment>--[^\n]*)|(?P<blank>\s+)|[^\s'"-]+|.""", re.DOTALL
)


def wording(sql: str) -> str | None:
    """The SQL without line comments, each run of blanks as one; None where only parsing could tell."""
    if _ODD.search(sql):
        return None
    parts: list[str] = []
    blank = ""
    for found in _PIECE.finditer(sql):
        if found["comment"] or found["blank"]:
            blank += found[0] if found["blank"] else " "
            continue
        if blank and parts:
            # texts on two lines are one text, on one line a mistake
            texts = "\n" in blank and found[0][0] == "'" == parts[-1][-1]
            parts.append("\n" if texts else " ")
        parts.append(found[0])
        blank = ""
    return "".join(parts).removesuffix(";").rstrip()
