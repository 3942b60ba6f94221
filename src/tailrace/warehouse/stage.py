"""A model staged once: validation judges this very table and the sync sends from it."""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.warehouse.base import STAGE, TableRef, Warehouse


@dataclass(frozen=True)
class Staged:
    """The staged table, its number of rows, and a fingerprint of its content that no order of rows can change."""

    ref: TableRef
    rows: int
    content: str


def stage(warehouse: Warehouse, source: TableRef, name: str) -> Staged:
    """Copy `source` to `tailrace_stage.<name>`; where the copy is there already, nothing is written."""
    ref = TableRef(STAGE, name)
    wanted = fingerprint(warehouse, source)
    if warehouse.columns(ref) == warehouse.columns(source) and fingerprint(warehouse, ref) == wanted:
        return Staged(ref, *wanted)
    quoted = warehouse.dialect.table
    with warehouse.transaction():
        warehouse.ensure_schema(STAGE)
        warehouse.execute(f"CREATE OR REPLACE TABLE {quoted(ref)} AS SELECT * FROM {quoted(source)}")
    return Staged(ref, *fingerprint(warehouse, ref))


def staged(warehouse: Warehouse, name: str) -> Staged | None:
    """What an earlier step staged under `name`."""
    ref = TableRef(STAGE, name)
    return Staged(ref, *fingerprint(warehouse, ref)) if warehouse.columns(ref) else None


def fingerprint(warehouse: Warehouse, ref: TableRef) -> tuple[int, str]:
    """Rows and content of a table: the sum of its rows' hashes under its column names and types."""
    columns = warehouse.columns(ref)
    names = ", ".join(_hashed(warehouse.dialect.quote(name), kind) for name, kind in columns.items())
    rows, total = warehouse.query(
        f"SELECT count(*), coalesce(sum(CAST(hash({names}) AS HUGEINT)), 0) FROM {warehouse.dialect.table(ref)}"
    )[0]
    shape = ",".join(f"{name}:{kind}" for name, kind in columns.items())
    return int(rows), f"{rows}-{total}-{_short(shape)}"


def _hashed(column: str, kind: str) -> str:
    """What of a column is hashed: of a nested one and of an interval the text too.

    DuckDB's hash is the same for an empty list, a list of NULL and NULL, and for 30 days and a month.
    """
    as_text = kind.endswith("]") or kind.startswith(("STRUCT(", "MAP(", "UNION(", "INTERVAL"))
    return f"{column}, CAST({column} AS VARCHAR)" if as_text else column


def _short(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:12]
