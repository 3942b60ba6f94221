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


def remembered(warehouse: Warehouse, ref: TableRef, datasets: Iterable[str]) -> Iterator[Table]:
    """Cursors or shapes of what is landed in the datasets."""
    if warehouse.columns(ref):
        names = ", ".join(warehouse.dialect.literal(dataset) for dataset in sorted(set(datasets)))
        yield Table(ref, f"split_part(resource, '.', 1) IN ({names})" if names else "false")


def sent(warehouse: Warehouse, where: str, *, landing: bool) -> Iterator[Table]:
    """The ledger and what goes with it; how far merges were read counts only beside the log that they were read from."""
    for ref in (*SENT, *([MERGES_READ] if landing else [])):
        if ref.name in warehouse.tables(META):
            yield Table(ref, where)


def whole(table: Table) -> Table:
    """All rows of it."""
    return replace(table, where="")


def order(warehouse: Warehouse, parts: Iterable[str], datasets: Iterable[str], where: str) -> list[Table]:
    """The ledger first: whatever a kill leaves, what was sent is known. Cursors last: they speak of all that is landed."""
    parts, datasets = set(parts), sorted(set(datasets))
    found = list(sent(warehouse, where, landing="landing" in parts)) if "ledger" in parts else []
    if "landing" in parts:
        found += landed(warehouse, datasets)
        found += remembered(warehouse, SHAPES, datasets)
        found += remembered(warehouse, CURSORS, datasets)
    return found
