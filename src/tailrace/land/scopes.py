"""Rows that a complete read did not show: they are gone at the vendor, and become tombstones here.

Such a tombstone is our conclusion and no word of the vendor's: it bears shape 0, and a later complete read that shows
the row again takes it back, even where the row has its old version. A word of the vendor's stands. Its version is the
row's own and a moment more, never our clock's: whatever our clock said, the vendor's next word about the row is newer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tailrace.land.layout import Layout, key_columns, quoted, same_key
from tailrace.records import Scope
from tailrace.warehouse.base import TableRef, Warehouse

SEEN = "_tailrace_seen"
BATCH = "_tailrace_seen_batch"


class Seen:
    """The keys that one read has shown, in a temporary table; nothing is kept where nothing can be missing."""

    def __init__(self, warehouse: Warehouse, layout: Layout, *, landed: bool) -> None:
        """`landed`: raw rows were taken over before."""
        self._warehouse, self._key = warehouse, quoted(warehouse, layout.key)
        self.needed = landed and may_have_rows(warehouse, layout.current)
        if self.needed:
            columns = key_columns(warehouse, layout)
            listed = ", ".join(
                f"{warehouse.dialect.quote(name)} {columns[name]}"
                for name in (*layout.key, "_version_at", "_deleted")
            )
            warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {SEEN} ({listed})")

    def add(self, keys: pa.Table) -> None:
        if self.needed:
            with self._warehouse.registered(BATCH, keys) as batch:
                self._warehouse.execute(
                    f"INSERT INTO {SEEN} SELECT {self._key}, _version_at, _deleted FROM {batch}"
                )

    def missing(self, layout: Layout, scopes: Sequence[Scope]) -> pa.Table | None:
        """Keys with the version of their tombstone; None where nothing is missing."""
        if not self.needed or not scopes:
            return None
        warehouse, dialect = self._warehouse, self._warehouse.dialect
        conditions = [condition(warehouse, layout, scope) for scope in scopes]
        found = warehouse.arrow(
            f"SELECT {quoted(warehouse, layout.key, 't')}, k._version_at FROM {dialect.table(layout.current)} AS t"
            f" JOIN {dialect.table(layout.keys)} AS k ON {same_key(warehouse, layout, 't', 'k')}"
            f" WHERE ({' OR '.join(conditions)}) AND NOT EXISTS (SELECT 1 FROM {SEEN} AS s"
            f" WHERE {same_key(warehouse, layout, 's', 't')} AND (NOT s._deleted OR s._version_at >= k._version_at))"
            f" ORDER BY {quoted(warehouse, layout.key, 't')}"
        )
        return _later(found, found["_version_at"]) if found.num_rows else None

    def back(self, layout: Layout, scopes: Sequence[Scope], returned: pa.Table) -> pa.Table:
        """The rows inside the scopes of those that `find_news` put aside, as newer than what is held against them."""
        warehouse = self._warehouse
        conditions = [condition(warehouse, layout, scope) for scope in scopes]
        with warehouse.registered(BATCH, returned) as batch:
            found = warehouse.arrow(f"SELECT * FROM {batch} AS t WHERE {' OR '.join(conditions)}")
        return _later(found, found["_held_at"]).drop_columns("_held_at")

    def close(self) -> None:
        if self.needed:
            self._warehouse.execute(f"DROP TABLE IF EXISTS {SEEN}")


def may_have_rows(warehouse: Warehouse, ref: TableRef) -> bool:
    """Whether a table that was landed has rows; taken for granted where asking would cost money."""
    if not warehouse.keep_near(ref):
        return True
    return bool(warehouse.query(f"SELECT 1 FROM {warehouse.dialect.table(ref)} LIMIT 1"))


def _later(table: pa.Table, held: pa.ChunkedArray) -> pa.Table:
    """With versions a moment newer than `held`."""
    newer = pc.add(held, pa.scalar(timedelta(microseconds=1), pa.duration("us")))
    return table.set_column(table.column_names.index("_version_at"), "_version_at", newer)


def condition(warehouse: Warehouse, layout: Layout, scope: Scope) -> str:
    """A scope as SQL over the current table `t`."""
    quote, text = warehouse.dialect.quote, warehouse.dialect.type("text")
    parts = []
    for column, values in scope.equals.items():
        words = ", ".join(_literal(value) for value in values)
        parts.append(f"CAST(t.{quote(column)} AS {text}) IN ({words})" if values else "FALSE")
    if scope.between is not None:
        column, first, last = scope.between
        kind = layout.columns[column]
        parts.append(
            f"t.{quote(column)} BETWEEN CAST({_literal(first)} AS {kind}) AND CAST({_literal(last)} AS {kind})"
        )
    return "(" + (" AND ".join(parts) or "TRUE") + ")"


def _literal(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
