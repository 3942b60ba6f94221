"""Versions of landed tables: they move whenever a table may hold other rows."""

from __future__ import annotations

from tailrace.build.built import digest
from tailrace.warehouse.base import TableRef, Warehouse
from tailrace.warehouse.landed import landed_versions

ABSENT = "absent"


class Data:
    """Versions of landed tables: the newest landed row that altered each, and its columns.

    A row that only moved the vendor's cursor, and our own write come back, count for those who may read what they moved.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._landed = landed_versions(warehouse)
        self._shapes: dict[str, str] = {}

    def version(self, table: str, sql: str) -> str:
        """Changes whenever `dataset.table` may hold other rows for `sql`; "absent" where there is no such table."""
        shape = self.shape(table)
        return shape if shape == ABSENT else f"{self._rows(table, sql)}/{shape}"

    def shape(self, table: str) -> str:
        """A digest of the table's columns; asked once, since a build lands nothing."""
        if table not in self._shapes:
            schema, _, name = table.partition(".")
            columns = self._warehouse.columns(TableRef(schema, name))
            self._shapes[table] = digest(columns)[:8] if columns else ABSENT
        return self._shapes[table]

    def _rows(self, table: str, sql: str) -> str:
        """Raw rows and keys move with every row that arrives, the log with those that are changes, ours among them."""
        folded = table.casefold()
        if folded in self._landed:
            return str(self._landed[folded].of(table, sql))
        base, _, suffix = folded.rpartition("__")
        found = self._landed.get(base)
        if suffix in ("raw", "keys"):
            return f"{found.touched}:{found.arrived}" if found else "0:0"
        return str(found.logged if found else 0)
