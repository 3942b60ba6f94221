"""The engine's words behind the file and line that they are about."""

from __future__ import annotations

import re

from tailrace.build.graph import ModelNode
from tailrace.errors import Diagnostic, Location, WarehouseError

_LINE = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)


def placed(node: ModelNode, error: WarehouseError) -> Diagnostic:
    """The line is known where the SQL's lines are the file's: the SELECT begins on the statement's second line."""
    said = error.message.rstrip(". ")
    found = _LINE.search(str(error.__cause__ or ""))
    if found is None:
        return Diagnostic(Location(node.path), said)
    line = max(1, int(found[1]) - 1)
    if not node.on_lines:
        return Diagnostic(Location(node.path), f"{said} (line {line} of the compiled SQL)")
    shown = found[2].startswith("...")
    col = 1 if shown else len(found[3]) - len(f"LINE {found[1]}: ") + 1
    return Diagnostic(Location(node.path, line, max(1, col)), said)
