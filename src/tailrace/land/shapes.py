"""`tailrace_meta.shapes`: which columns each reading of a resource brought, so that replay and `plan` know what vanished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from tailrace.records import Type
from tailrace.warehouse.base import META, TableRef, Warehouse

REF = TableRef(META, "shapes")
COLUMNS: dict[str, Type] = {
    "resource": "text",
    "shape": "bigint",
    "primary_key": "text",
    "columns": "text",
    "run_id": "text",
}


@dataclass(frozen=True)
class Shape:
    """A column set: `number` is what raw rows and keys carry as `_shape`; `columns` without variants."""

    number: int
    key: tuple[str, ...]
    columns: tuple[str, ...]


def read_shapes(warehouse: Warehouse, resource: str) -> list[Shape]:
    """Every column set that the resource was read with, oldest first; empty where nothing is remembered."""
    if not warehouse.columns(REF):
        return []
    rows = warehouse.query(
        f"SELECT shape, primary_key, columns FROM {warehouse.dialect.table(REF)} WHERE resource = ? ORDER BY shape",
        [resource],
    )
    return [
        Shape(int(number), tuple(orjson.loads(key)), tuple(orjson.loads(columns)))
        for number, key, columns in rows
    ]


def remember_shape(
    warehouse: Warehouse, resource: str, shape: int, key: Sequence[str], columns: Sequence[str], run_id: str
) -> None:
    """Write a column set down before it is read with; the same one again writes nothing."""
    wanted = Shape(shape, tuple(key), tuple(columns))
    if wanted in read_shapes(warehouse, resource):
        return
    table = warehouse.dialect.table(REF)
    if not warehouse.columns(REF):
        warehouse.ensure_schema(META)
        columns_sql = ", ".join(f"{name} {warehouse.dialect.type(kind)}" for name, kind in COLUMNS.items())
        warehouse.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns_sql})")
    with warehouse.transaction():
        warehouse.execute(f"DELETE FROM {table} WHERE resource = ? AND shape = ?", [resource, shape])
        warehouse.execute(
            f"INSERT INTO {table} ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?)",
            [
                resource,
                shape,
                orjson.dumps(wanted.key).decode(),
                orjson.dumps(wanted.columns).decode(),
                run_id,
            ],
        )
