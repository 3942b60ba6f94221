"""`tailrace_meta.cursors`: how far each resource is read, committed with its rows or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from tailrace.records import Type
from tailrace.warehouse.base import META, TableRef, Warehouse

REF = TableRef(META, "cursors")
COLUMNS: dict[str, Type] = {
    "resource": "text",
    "position": "text",
    "raw_done": "bigint",
    "data_version": "bigint",
    "updated_at": "timestamp",
    "run_id": "text",
    "shape": "bigint",
    "columns": "text",
    "touch_version": "bigint",
    "cursor_columns": "text",
    "pruned": "bigint",
    "own_version": "bigint",
    "own_columns": "text",
    "pruned_at": "timestamp",
    "logged": "bool",
}


@dataclass(frozen=True)
class Cursor:
    """`position` is JSON text. `raw_done`: every raw row up to it is in the current table and the log.

    `data_version`: the newest raw row that changed the current table; `touch_version`: those included that only moved a
    vendor's cursor (`cursor_columns`), such as the echo of our own write. `shape` counts the column sets read so far,
    `columns` is the last one's digest: of two readings of one version the one with the later shape is the newer.
    `pruned`: up to there only each record's newest raw row is left, `pruned_at`: of those seen before then. `own_version`: the newest raw row that was our own write come
    back, and `own_columns` all that such rows ever moved. `logged`: the change log has every row since its beginning.
    """

    resource: str
    position: str | None = None
    raw_done: int = 0
    data_version: int = 0
    updated_at: datetime | None = None
    run_id: str = ""
    shape: int = 0
    columns: str = ""
    touch_version: int = 0
    cursor_columns: str = ""
    pruned: int = 0
    own_version: int = 0
    own_columns: str = ""
    pruned_at: datetime | None = None
    logged: bool = False

    def moved(self, changed: int, newest: int, own: int, own_columns: Iterable[str]) -> Cursor:
        """After raw rows up to `newest` altered the table, up to `changed` more than touched it, and up to `own` were ours."""
        return replace(
            self,
            data_version=max(self.data_version, changed),
            touch_version=max(self.touch_version, newest),
            own_version=max(self.own_version, own),
            own_columns=",".join(sorted({*filter(None, self.own_columns.split(",")), *own_columns})),
        )

    def start(self) -> Mapping[str, Any] | None:
        """What the source resumes from."""
        return None if self.position is None else orjson.loads(self.position)


def position_text(position: Mapping[str, Any]) -> str:
    return orjson.dumps(position, option=orjson.OPT_SORT_KEYS).decode()


def read_cursor(warehouse: Warehouse, resource: str) -> Cursor:
    """What is remembered of a resource; a file of an earlier release may lack columns."""
    there = [name for name in COLUMNS if name in warehouse.columns(REF)]
    if not there:
        return Cursor(resource)
    rows = warehouse.query(
        f"SELECT {', '.join(there)} FROM {warehouse.dialect.table(REF)} WHERE resource = ?", [resource]
    )
    known = (
        {name: value for name, value in zip(there, rows[0], strict=True) if value is not None} if rows else {}
    )
    return Cursor(**{"resource": resource, **known})


def ensure_cursors(warehouse: Warehouse) -> None:
    """The table, with every column of this release."""
    there = warehouse.columns(REF)
    table = warehouse.dialect.table(REF)
    if not there:
        warehouse.ensure_schema(META)
        columns = ", ".join(f"{name} {warehouse.dialect.type(kind)}" for name, kind in COLUMNS.items())
        warehouse.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
        return
    if new := {name: warehouse.dialect.type(kind) for name, kind in COLUMNS.items() if name not in there}:
        warehouse.add_columns(REF, new)


def write_cursor(warehouse: Warehouse, cursor: Cursor) -> None:
    """Inside the transaction that the cursor speaks of."""
    table = warehouse.dialect.table(REF)
    warehouse.execute(f"DELETE FROM {table} WHERE resource = ?", [cursor.resource])
    warehouse.execute(
        f"INSERT INTO {table} ({', '.join(COLUMNS)}) VALUES ({', '.join('?' for _ in COLUMNS)})",
        [getattr(cursor, name) for name in COLUMNS],
    )
