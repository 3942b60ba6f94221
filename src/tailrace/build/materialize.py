"""One model becomes a relation, and its state row is written, in one transaction: whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tailrace.build.fingerprint import COLUMNS, Fingerprint
from tailrace.build.graph import ModelNode
from tailrace.failpoints import reach
from tailrace.warehouse.base import META, TableRef, Warehouse

TABLE = (
    f"CREATE TABLE IF NOT EXISTS {META}.models (model VARCHAR, schema_name VARCHAR, materialized VARCHAR, fingerprint VARCHAR,"
    " content VARCHAR, parts VARCHAR, rows BIGINT, built_at TIMESTAMP, run_id VARCHAR)"
)


def ensure_state(warehouse: Warehouse) -> None:
    if not warehouse.columns(TableRef(META, "models")):
        warehouse.ensure_schema(META)
        warehouse.execute(TABLE)


def materialize(
    warehouse: Warehouse, node: ModelNode, found: Fingerprint, root: Path, *, run_id: str, now: datetime
) -> int:
    """Build the relation; returns its rows (0 for a view, which holds none). WarehouseError where its SQL fails."""
    table = warehouse.dialect.table(node.table)
    with warehouse.transaction():
        warehouse.ensure_schema(node.schema)
        _make_way(warehouse, node)
        if node.materialized == "view":
            warehouse.execute(f"CREATE OR REPLACE VIEW {table} AS {node.sql}")
            rows = 0
        else:
            select = _seed_select(node, root) if node.kind == "seed" else node.sql
            warehouse.execute(f"CREATE OR REPLACE TABLE {table} AS {select}")
            rows = int(warehouse.query(f"SELECT count(*) FROM {table}")[0][0])
        reach("build:before_commit")
        _remember(warehouse, node, found, rows, run_id, now)
    reach("build:after_commit")
    return rows


def _make_way(warehouse: Warehouse, node: ModelNode) -> None:
    """A view does not replace a table, nor a table a view."""
    there = warehouse.tables(node.schema).get(node.name)
    wanted = "view" if node.materialized == "view" else "table"
    if there is not None and there != wanted:
        warehouse.execute(f"DROP {there.upper()} {warehouse.dialect.table(node.table)}")


def _remember(
    warehouse: Warehouse, node: ModelNode, found: Fingerprint, rows: int, run_id: str, now: datetime
) -> None:
    warehouse.execute(f"DELETE FROM {META}.models WHERE model = ?", [node.name])
    warehouse.execute(
        f"INSERT INTO {META}.models ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [node.name, node.schema, node.materialized, found.definition, found.content, json.dumps(found.parts), rows,
         now.replace(tzinfo=None), run_id],
    )  # fmt: skip


def _seed_select(node: ModelNode, root: Path) -> str:
    """A CSV with a header; columns are sniffed but for those that `column_types` names."""
    path = str((root / node.path).resolve()).replace("'", "''")
    types = node.config.get("column_types") or {}
    declared = ""
    if isinstance(types, Mapping) and types:
        pairs = ", ".join(f"'{_text(name)}': '{_text(kind)}'" for name, kind in types.items())
        declared = f", types = {{{pairs}}}"
    return f"SELECT * FROM read_csv('{path}', header = true, sample_size = -1{declared})"


def _text(value: Any) -> str:
    return str(value).replace("'", "''")
