"""The engine's words behind the file and line that they are about."""

from __future__ import annotations

import re

from tailrace.build.graph import ModelNode
from tailrace.build.settings.refused import SettingRefused
from tailrace.errors import Diagnostic, Location, WarehouseError

_LINE = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)

_CAST_FROM = re.compile(r"when casting from source column (\w+)$")


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
    if (cast := _CAST_FROM.search(said)) and cast[1].casefold() not in shown.casefold():
        return Diagnostic(_cast_place(node, cast[1]), said)  # the engine points at the number in GROUP BY 2
    for sql, origin in ((node.sql, node.origin), (node.incremental_sql, node.incremental_origin)):
        rows = sql.split("\n")
        if origin is not None and line <= len(rows) and shown in rows[line - 1]:
            place = origin.locate(line, col)
            if place is not None:
                return Diagnostic(place, said)
    return Diagnostic(Location(node.path), f"{said} (line {line} of the compiled SQL: {shown[:80]})")


def _cast_place(node: ModelNode, column: str) -> Location:
    """Where the one cast of a column stands; the file alone where there is none, or another."""
    name = rf'(?:\b\w+\.)?"?\b{re.escape(column)}\b"?'
    cast = re.compile(rf"\b(?:TRY_)?CAST\s*\(\s*{name}\s+AS\b|{name}\s*::", re.IGNORECASE)
    for sql, origin in ((node.sql, node.origin), (node.incremental_sql, node.incremental_origin)):
        found = list(cast.finditer(sql))
        if len(found) == 1 and origin is not None:
            before = sql[: found[0].start()]
            place = origin.locate(before.count("\n") + 1, len(before) - before.rfind("\n"))
            return place or Location(node.path)
    return Location(node.path)
