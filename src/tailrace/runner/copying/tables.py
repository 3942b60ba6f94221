"""Which tables there are to carry, of what is landed and of what vendors were sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tailrace.activate.ledger import DEAD_LETTERS, LEDGER, MERGES_READ, SYNC_LOG
from tailrace.land.cursors import REF as CURSORS
from tailrace.land.shapes import REF as SHAPES
from tailrace.warehouse.base import META, TableRef, Warehouse

SENT = (LEDGER, SYNC_LOG, DEAD_LETTERS)
"""Their rows name account, object and sync."""
PARTS = ("landing", "ledger")
ENDS = ("", "__keys", "__changes", "__raw")
NOBODY = "false"
"""The condition that no row of the ledger keeps."""
BY_DAY = ("__changes", "__raw")


@dataclass(frozen=True)
class Table:
    """`where`: the rows that are carried, in DuckDB's words, "" for all. `day`, `key`: how an engine that bills stores it."""

    ref: TableRef
    where: str = ""
    day: str = ""
    key: tuple[str, ...] = ()


def landed(warehouse: Warehouse, datasets: Iterable[str]) -> Iterator[Table]:
    """The tables of every resource that is landed in the datasets."""
    keys = _keys(warehouse)
    for dataset in sorted(set(datasets)):
        there = warehouse.tables(dataset)
        names = sorted(name.removesuffix("__raw") for name in there if name.endswith("__raw"))
        for name in names:
            key = keys.get(f"{dataset}.{name}", ())
            for end in ENDS:
                if name + end in there:
                    yield Table(TableRef(dataset, name + end), "", "_seen_at" if end in BY_DAY else "", key)


def _keys(warehouse: Warehouse) -> dict[str, tuple[str, ...]]:
    if not warehouse.columns(SHAPES):
        return {}
    rows = warehouse.query(
        f"SELECT resource, primary_key FROM {warehouse.dialect.table(SHAPES)} ORDER BY shape"
    )
    return {str(resource): tuple(json.loads(key)) for resource, key in rows}


def remembered(warehouse: Warehouse, ref: TableRef, resources: Iterable[str]) -> Iterator[Table]:
    """Cursors or shapes of the resources that are carried: of no other one has the target's table changed."""
    names = ", ".join(warehouse.dialect.literal(name) for name in sorted(set(resources)))
    if names and warehouse.columns(ref):
        yield Table(ref, f"resource IN ({names})")


def sent(warehouse: Warehouse, where: str, *, logged: bool) -> Iterator[Table]:
    """The ledger and what goes with it; how far merges were read counts only beside the log that they were read from."""
    for ref in (*SENT, *([MERGES_READ] if logged else [])):
        if ref.name in warehouse.tables(META):
            yield Table(ref, where)


def whole(table: Table) -> Table:
    """All rows of it."""
    return replace(table, where="")


def order(warehouse: Warehouse, parts: Iterable[str], datasets: Iterable[str], where: str) -> list[Table]:
    """The ledger first: whatever a kill leaves, what was sent is known. Cursors last: they speak of all that is landed."""
    parts = set(parts)
    tables = list(landed(warehouse, datasets)) if "landing" in parts else []
    found: list[Table] = []
    if "ledger" in parts and where != NOBODY:
        found += sent(warehouse, where, logged=bool(tables))
    resources = {str(table.ref).removesuffix("__raw") for table in tables if table.ref.name.endswith("__raw")}
    found += tables
    found += remembered(warehouse, SHAPES, resources)
    found += remembered(warehouse, CURSORS, resources)
    return found
