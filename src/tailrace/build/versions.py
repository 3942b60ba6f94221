"""Versions of landed tables: they move whenever a table may hold other rows."""

from __future__ import annotations

from tailrace.build.built import digest
from tailrace.warehouse.base import META, TableRef, Warehouse

CURSORS = TableRef(META, "cursors")
ABSENT = "absent"


class Data:
    """Versions of landed tables: the newest landed row that altered each, and its columns.

    A row that only moved the vendor's cursor, as the echo of our own write does, counts for those who may read the cursor:
    SQL that names its column or holds a star.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._cursors: dict[str, tuple[int, int, int, str]] = {}
        self._shapes: dict[str, str] = {}
        there = warehouse.columns(CURSORS)
        if there:
            table = warehouse.dialect.table(CURSORS)
            later = "touch_version, cursor_columns" if "touch_version" in there else "data_version, ''"
            rows = warehouse.query(f"SELECT resource, data_version, raw_done, {later} FROM {table}")
            for name, version, done, touched, columns in rows:
                self._cursors[str(name).casefold()] = (version or 0, touched or 0, done or 0, columns or "")

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
        """Raw rows and keys move with every row that arrives, the log with those that are changes."""
        folded = table.casefold()
        if folded in self._cursors:
            changed, touched, _, columns = self._cursors[folded]
            return str(touched if _may_read(sql, columns) else changed)
        base, _, suffix = folded.rpartition("__")
        changed, touched, arrived, _ = self._cursors.get(base, (0, 0, 0, ""))
        return f"{touched}:{arrived}" if suffix in ("raw", "keys") else str(changed)


def _may_read(sql: str, columns: str) -> bool:
    """Whether a query may see one of these columns; a star of multiplication only costs a rebuild."""
    folded = sql.casefold()
    return "*" in folded or any(column.casefold() in folded for column in columns.split(",") if column)
