"""Where a stretch of raw rows is decided when the warehouse is far away: in tables of this session.

Its raw rows are at hand while they are written, and of the current rows and keys no more is needed than theirs. So the
statements of `changes.py` run here, over the same rows, and what they come to goes out in the one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tailrace.land.changes import Applied, apply_rows
from tailrace.land.echoes import Echoes
from tailrace.land.layout import Layout, key_columns, log_columns, quoted, raw_columns
from tailrace.land.pruning import pruned
from tailrace.land.template import Span, inside
from tailrace.warehouse.base import TableRef, Warehouse

CHOSEN, KNOWN = "_tailrace_chosen", "_tailrace_known"


def is_far(warehouse: Warehouse) -> bool:
    """Whether reading the landed tables costs money and seconds."""
    return warehouse.engine != "duckdb"


def at_desk(layout: Layout) -> Layout:
    """The same four tables, in this session."""
    return replace(layout, current=TableRef("temp", f"{layout.current.schema}__{layout.current.name}"))


class Desk:
    """One resource's tables in this session, and their way out."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._raw: TableRef | None = None

    def begin(self, layout: Layout) -> TableRef:
        """An empty table for the raw rows of a stretch."""
        self._raw = at_desk(layout).raw
        make(self._warehouse, self._raw, raw_columns(self._warehouse, layout))
        return self._raw

    def widen(self, layout: Layout) -> None:
        """New columns in the middle of a stretch."""
        if self._raw is None:
            return
        self._warehouse.add_columns(self._raw, layout.columns)

    def apply(self, layout: Layout, span: Span, *, changes: bool, echoes: Echoes | None = None) -> Applied:
        """What `apply_rows` does, decided here and written there; inside the caller's transaction."""
        here = at_desk(layout)
        known = self._lay_out(layout, here, span)
        applied = apply_rows(self._warehouse, here, span, changes=changes, echoes=echoes)
        self._carry_out(layout, here, span, known=known, changes=changes)
        self._clear(here)
        return applied

    def _lay_out(self, layout: Layout, here: Layout, span: Span) -> bool:
        """Keys and current rows of the keys that came; whether any of them was known."""
        warehouse, table = self._warehouse, self._warehouse.dialect.table
        choose(warehouse, layout, f"{table(here.raw)} AS r WHERE {inside(warehouse, layout, span)}")
        make(warehouse, here.keys, key_columns(warehouse, layout))
        make(warehouse, here.current, layout.columns)
        make(warehouse, here.log, log_columns(warehouse, layout))
        if span.after:
            fetch(warehouse, layout, layout.keys, here.keys, CHOSEN)
        key = quoted(warehouse, layout.key)
        warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {KNOWN} AS SELECT {key} FROM {table(here.keys)}")
        known = bool(warehouse.query(f"SELECT 1 FROM {KNOWN} LIMIT 1"))
        if known:
            fetch(warehouse, layout, layout.current, here.current, KNOWN)
        return known

    def _carry_out(self, layout: Layout, here: Layout, span: Span, *, known: bool, changes: bool) -> None:
        warehouse, table = self._warehouse, self._warehouse.dialect.table
        send(warehouse, here.raw, layout.raw, f" AS r WHERE {inside(warehouse, layout, span)}")
        if changes:
            send(warehouse, here.log, layout.log)
        for ref, mine in ((layout.current, here.current), (layout.keys, here.keys)):
            if known:
                warehouse.execute(
                    f"DELETE FROM {table(ref)} AS t WHERE {pruned(warehouse, layout, KNOWN, 't')}"
                )
            send(warehouse, mine, ref)

    def _clear(self, here: Layout) -> None:
        for ref in (here.current, here.keys, here.log):
            self._warehouse.execute(f"DROP TABLE {self._warehouse.dialect.table(ref)}")
        for name in (CHOSEN, KNOWN):
            self._warehouse.execute(f"DROP TABLE {name}")


def choose(warehouse: Warehouse, layout: Layout, rows: str) -> None:
    """The keys of some rows, in a table of this session."""
    key = quoted(warehouse, layout.key)
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {CHOSEN} AS SELECT DISTINCT {key} FROM {rows}")


def fetch(warehouse: Warehouse, layout: Layout, source: TableRef, into: TableRef, chosen: str) -> None:
    """The rows of chosen keys, into a table of this session with its columns."""
    if not warehouse.query(f"SELECT 1 FROM {chosen} LIMIT 1"):
        return
    table, names = warehouse.dialect.table, quoted(warehouse, warehouse.columns(into))
    warehouse.execute(
        f"INSERT INTO {table(into)} ({names}) SELECT {names} FROM {table(source)} AS t"
        f" WHERE {pruned(warehouse, layout, chosen, 't')}"
    )


def send(warehouse: Warehouse, source: TableRef, target: TableRef, where: str = "") -> None:
    """Rows of this session into a table that has its columns."""
    table, names = warehouse.dialect.table, quoted(warehouse, warehouse.columns(source))
    warehouse.execute(f"INSERT INTO {table(target)} ({names}) SELECT {names} FROM {table(source)}{where}")


def make(warehouse: Warehouse, ref: TableRef, columns: Mapping[str, str]) -> None:
    """An empty table of this session."""
    dialect = warehouse.dialect
    listed = ", ".join(f"{dialect.quote(name)} {kind}" for name, kind in columns.items())
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {dialect.table(ref)} ({listed})")
