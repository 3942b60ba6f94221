"""Batches that wait for one question about all their keys, where each question to the keys costs money and seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from tailrace.land.aside import Aside
from tailrace.land.desk import CHOSEN, choose, fetch, make
from tailrace.land.layout import Layout, key_columns
from tailrace.warehouse.base import TableRef, Warehouse

BATCH = "_tailrace_unasked"
ASKED = TableRef("temp", "_tailrace_asked")


@dataclass(frozen=True)
class Waiting:
    """A batch of one kind of rows, and a layout whose keys can be asked for nothing."""

    table: pa.Table
    deleted: bool
    versioned: bool
    layout: Layout


@dataclass(frozen=True)
class Passed:
    """A checkpoint behind the batches before it."""

    position: Mapping[str, Any] | None


class Unasked:
    """Batches on the disk and the checkpoints between them, in their order."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse, self._aside = warehouse, Aside()
        self._order: list[tuple[bool, bool] | Passed] = []
        self._keys: list[pa.Table] = []
        self.rows = 0

    def put(self, table: pa.Table, layout: Layout, *, deleted: bool, versioned: bool) -> None:
        self._aside.put(table)
        self._keys.append(table.select(list(layout.key)))
        self._order.append((deleted, versioned))
        self.rows += table.num_rows

    def mark(self, position: Mapping[str, Any] | None) -> None:
        self._order.append(Passed(position))

    def forget_unmarked(self) -> None:
        """A read broke: what lies behind its last checkpoint will be read again."""
        while self._order and not isinstance(self._order[-1], Passed):
            self._order.pop()

    def take(self, layout: Layout) -> Iterator[Waiting | Passed]:
        """All of it, once."""
        order, self._order = self._order, []
        here = self._asked(layout) if self.rows else layout
        tables = self._aside.take()
        self._keys, self.rows = [], 0
        for one in order:
            yield one if isinstance(one, Passed) else Waiting(next(tables), *one, here)

    def _asked(self, layout: Layout) -> Layout:
        """What is known of the rows' keys, in a table of this session."""
        warehouse, here = self._warehouse, replace(layout, current=ASKED)
        with warehouse.registered(BATCH, pa.concat_tables(self._keys)) as batch:
            choose(warehouse, layout, batch)
        make(warehouse, here.keys, key_columns(warehouse, layout))
        fetch(warehouse, layout, layout.keys, here.keys, CHOSEN)
        warehouse.execute(f"DROP TABLE {CHOSEN}")
        return here

    def close(self) -> None:
        self._aside.close()
