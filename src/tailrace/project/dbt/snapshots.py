"""`{% snapshot name %}` blocks: each is a table of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tailrace.errors import Diagnostic, Location

_OPEN = re.compile(r"\{%-?\s*snapshot\s+(?P<name>\w+)\s*-?%\}")
_CLOSE = re.compile(r"\{%-?\s*endsnapshot\s*-?%\}")
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """What stands inside one block, and how many lines stand before it."""

    name: str
    sql: str
    line: int


def snapshot_blocks(text: str, file: str, problems: list[Diagnostic]) -> Iterator[Block]:
    """The blocks of a file; comments do not count, and a block that does not end is a problem."""
    bare = _COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), text)
    at, count = 0, 0
    while opened := _OPEN.search(bare, at):
        closed = _CLOSE.search(bare, opened.end())
        line = bare.count("\n", 0, opened.start()) + 1
        if closed is None:
            message = f"snapshot {opened['name']} does not end"
            problems.append(
                Diagnostic(Location(file, line), message, "Write {% endsnapshot %} after its SQL")
            )
            return
        count += 1
        yield Block(opened["name"], text[opened.end() : closed.start()], bare.count("\n", 0, opened.end()))
        at = closed.end()
    if not count:
        fix = "Write {% snapshot name %} before its SQL and {% endsnapshot %} after it"
        problems.append(Diagnostic(Location(file), "there is no snapshot in this file", fix))
