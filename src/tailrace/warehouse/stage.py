"""A model staged once: validation judges this very table and the sync sends from it."""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.warehouse.base import STAGE, TableRef, Warehouse

NOTES = TableRef(STAGE, "fetched__notes")


@dataclass(frozen=True)
class Staged:
    """The staged table, its number of rows, and a fingerprint of its content that no order of rows can change."""

    ref: TableRef
    rows: int
    content: str


def stage(warehouse: Warehouse, source: TableRef, name: str, *, version: str = "") -> Staged:
    """Copy `source` to `tailrace_stage.<name>`; where the copy is there already, nothing is written.

    `version` changes whenever the source's rows do, as the build knows; an engine whose queries are billed reads them only then.
    """
    ref = TableRef(STAGE, name)
    stamp = warehouse.stamp(source)
    if stamp is None:
        return _compared(warehouse, source, ref)
    return _fetched(warehouse, source, ref, version, stamp)


def _fetched(warehouse: Warehouse, source: TableRef, ref: TableRef, version: str, table_stamp: str) -> Staged:
    """A copy of rows that are far away; what was copied last, and of which stamp, is written beside it."""
    stamp = f"{source}|{version}|{table_stamp}"
    if noted(warehouse, ref.name) == stamp and warehouse.columns(ref):
        return Staged(ref, *fingerprint(warehouse, ref))
    warehouse.ensure_schema(STAGE)
    with warehouse.transaction():
        _bring(warehouse, source, ref, billed=not table_stamp)
        note(warehouse, ref.name, stamp)
    return Staged(ref, *fingerprint(warehouse, ref))


def noted(warehouse: Warehouse, name: str) -> str | None:
    """What was last written under a name of what is far away, on this machine alone."""
    if not warehouse.columns(NOTES):
        return None
    rows = warehouse.query(f"SELECT stamp FROM {warehouse.dialect.table(NOTES)} WHERE name = ?", [name])
    return str(rows[0][0]) if rows else None


def note(warehouse: Warehouse, name: str, stamp: str) -> None:
    """Where it is lost, what it spares is asked for once more."""
    table = warehouse.dialect.table(NOTES)
    if not warehouse.columns(NOTES):
        warehouse.ensure_schema(STAGE)
        warehouse.execute(f"CREATE TABLE IF NOT EXISTS {table} (name VARCHAR, stamp VARCHAR)")
    if noted(warehouse, name) != stamp:
        with warehouse.transaction():
            warehouse.execute(f"DELETE FROM {table} WHERE name = ?", [name])
            warehouse.execute(f"INSERT INTO {table} VALUES (?, ?)", [name, stamp])


def _bring(warehouse: Warehouse, source: TableRef, ref: TableRef, *, billed: bool) -> None:
    """A table's rows are listed, which costs nothing; a view's have to be asked for."""
    table = warehouse.dialect.table
    if billed:
        warehouse.execute(f"CREATE OR REPLACE TABLE {table(ref)} AS SELECT * FROM {table(source)}")
        return
    listed = ", ".join(
        f"{warehouse.dialect.quote(name)} {kind}" for name, kind in warehouse.columns(source).items()
    )
    warehouse.execute(f"CREATE OR REPLACE TABLE {table(ref)} ({listed})")
    warehouse.bring(source, ref)


def _compared(warehouse: Warehouse, source: TableRef, ref: TableRef) -> Staged:
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
