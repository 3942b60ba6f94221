"""Versions of landed tables: they move whenever a table may hold other rows."""

from __future__ import annotations

import re

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
            return str(touched if _may_read(sql, columns, table) else changed)
        base, _, suffix = folded.rpartition("__")
        changed, touched, arrived, _ = self._cursors.get(base, (0, 0, 0, ""))
        return f"{touched}:{arrived}" if suffix in ("raw", "keys") else str(changed)


def _may_read(sql: str, columns: str, table: str) -> bool:
    """Whether a query may see one of these columns: by its name, by a star, or because it takes rows as a whole.

    What only looks so costs a rebuild.
    """
    folded = sql.casefold()
    if "*" in folded or "columns(" in folded or _FROM_FIRST.search(folded):
        return True
    return any(column.casefold() in folded for column in columns.split(",") if column) or _whole_row(
        folded, table
    )


def _whole_row(sql: str, table: str) -> bool:
    """Whether the table, or a name given to it, stands somewhere without a column behind it."""
    name = re.escape(table.rpartition(".")[2].casefold())
    read = re.compile(rf'(?:from|join|,)\s+(?:"?\w+"?\s*\.\s*)*"?{name}"?(?:\s+(?:as\s+)?"?(\w+)"?)?')
    given = {found[1] or table.rpartition(".")[2].casefold() for found in read.finditer(sql)}
    rest = read.sub(" ", sql)
    return any(
        re.search(rf'(?<![.\w"])"?{re.escape(alias)}"?(?!\w|"|\s*\.)', rest) for alias in given - _WORDS
    )


_FROM_FIRST = re.compile(r"(?:\A|\()\s*from\b")
_WORDS = frozenset(
    (
        "where",
        "join",
        "left",
        "right",
        "inner",
        "full",
        "cross",
        "on",
        "using",
        "group",
        "order",
        "limit",
        "union",
        "qualify",
        "window",
        "having",
    )
)
