"""The engine's words behind the file and line that they are about."""

from __future__ import annotations

import re

from tailrace.build.graph import ModelNode
from tailrace.build.settings.refused import SettingRefused
from tailrace.errors import Diagnostic, Location, WarehouseError

_LINE = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)


def placed(node: ModelNode, error: WarehouseError) -> Diagnostic:
    """The engine's line is the statement's, and the model's SQL begins on its second one."""
    said = error.message.rstrip(". ")
    if isinstance(error, SettingRefused):
        return Diagnostic(error.place or Location(node.path), said)
    found = _LINE.search(str(error.__cause__ or ""))
    if found is None:
        return Diagnostic(Location(node.path), said)
    line = max(1, int(found[1]) - 1)
    cut = found[2].startswith("...")
    col = 1 if cut else len(found[3]) - len(f"LINE {found[1]}: ") + 1
    shown = found[2].strip(".").strip()
    for sql, origin in ((node.sql, node.origin), (node.incremental_sql, node.incremental_origin)):
        rows = sql.split("\n")
        if origin is not None and line <= len(rows) and shown in rows[line - 1]:
            place = origin.locate(line, col)
            if place is not None:
                return Diagnostic(place, said)
    return Diagnostic(Location(node.path), f"{said} (line {line} of the compiled SQL: {shown[:80]})")
