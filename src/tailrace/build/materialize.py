"""One model becomes a relation, and what it was made of is remembered, in one transaction: whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tailrace.build.graph import ModelNode
from tailrace.build.seeds import seed_error, seed_select
from tailrace.errors import Diagnostic, Location, WarehouseError
from tailrace.failpoints import reach
from tailrace.warehouse.base import Warehouse

_LINE = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)


def materialize(
    warehouse: Warehouse, node: ModelNode, root: Path, standing: str | None, remember: Callable[[int], None]
) -> int:
    """Build the relation; returns its rows (0 for a view, which holds none).

    `standing` is the "table" or "view" that is there already. `remember(rows)` writes the state inside the same transaction. WarehouseError names the file and, where the engine
    tells it, the line.
    """
    try:
        with warehouse.transaction():
            warehouse.ensure_schema(node.schema)
            _make_way(warehouse, node, standing)
            rows = _create(warehouse, node, root)
            remember(rows)
            reach("build:before_commit")
    except WarehouseError as error:
        found = seed_error(warehouse, node, root, error) if node.kind == "seed" else _placed(node, error)
        raise WarehouseError(str(found).removesuffix("."), error.fix) from error
    reach("build:after_commit")
    return rows


def _create(warehouse: Warehouse, node: ModelNode, root: Path) -> int:
    table = warehouse.dialect.table(node.table)
    if node.materialized == "view":
        warehouse.execute(f"CREATE OR REPLACE VIEW {table} AS\n{node.sql}\n")
        return 0
    select = seed_select(node, root) if node.kind == "seed" else node.sql
    warehouse.execute(f"CREATE OR REPLACE TABLE {table} AS\n{select}\n")
    return int(warehouse.query(f"SELECT count(*) FROM {table}")[0][0])


def _make_way(warehouse: Warehouse, node: ModelNode, standing: str | None) -> None:
    """A view does not replace a table, nor a table a view."""
    if standing is not None and standing != ("view" if node.materialized == "view" else "table"):
        warehouse.execute(f"DROP {standing.upper()} {warehouse.dialect.table(node.table)}")


def _placed(node: ModelNode, error: WarehouseError) -> Diagnostic:
    """The engine's words behind the file and line that they are about."""
    said = error.message.rstrip(". ")
    found = _LINE.search(str(error.__cause__ or ""))
    if found is None:
        return Diagnostic(Location(node.path), said)
    line = max(1, int(found[1]) - 1)  # the CREATE stands on a line of its own
    if not node.on_lines:
        return Diagnostic(Location(node.path), f"{said} (line {line} of the compiled SQL)")
    shown = found[2].startswith("...")
    col = 1 if shown else len(found[3]) - len(f"LINE {found[1]}: ") + 1
    return Diagnostic(Location(node.path, line, max(1, col)), said)
