"""Versions of landed tables as `tailrace_meta.cursors` has them: which one a query sees depends on what it may read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tailrace.warehouse.base import META, TableRef, Warehouse

CURSORS = TableRef(META, "cursors")
LATER = {"raw_done": 0, "touch_version": 0, "cursor_columns": "''", "own_version": 0, "own_columns": "''"}
"""Columns that files of earlier releases may lack, and what stands for them."""


@dataclass(frozen=True)
class LandedVersion:
    """The newest raw row that changed a table, that touched it in any way, that arrived, and that was our own write come back."""

    changed: int
    touched: int
    arrived: int
    cursor_columns: str
    own: int
    own_columns: str

    def of(self, table: str, sql: str) -> int:
        """The newest row that may alter what `sql` reads of `table`.

        A row that only moved the vendor's cursor counts for those who may read the cursor, our own write come back for those
        who may read what we write: SQL that names such a column, or takes rows as a whole.
        """
        if may_read(sql, self.cursor_columns, table):
            return self.touched
        return self.logged if may_read(sql, self.own_columns, table) else self.changed

    @property
    def logged(self) -> int:
        """The newest row of the change log."""
        return max(self.changed, self.own)


def landed_versions(warehouse: Warehouse) -> dict[str, LandedVersion]:
    """By `dataset.resource`, folded."""
    there = warehouse.columns(CURSORS)
    if not there:
        return {}
    later = {name: name if name in there else str(default) for name, default in LATER.items()}
    if "touch_version" not in there:
        later["touch_version"] = "data_version"
    rows = warehouse.query(
        f"SELECT resource, data_version, {later['touch_version']}, {later['raw_done']}, {later['cursor_columns']},"
        f" {later['own_version']}, {later['own_columns']} FROM {warehouse.dialect.table(CURSORS)}"
    )
    return {
        str(name).casefold(): LandedVersion(
            changed or 0, touched or 0, arrived or 0, cursors or "", own or 0, columns or ""
        )
        for name, changed, touched, arrived, cursors, own, columns in rows
    }


def may_read(sql: str, columns: str, table: str) -> bool:
    """Whether a query may see one of these columns: by its name, by a star, or because it takes rows as a whole.

    What only looks so costs a rebuild.
    """
    folded = _COUNTED.sub(" ", _without_comments(sql).casefold())
    if "*" in folded or "columns(" in folded or _FROM_FIRST.search(folded):
        return True
    return any(column.casefold() in folded for column in columns.split(",") if column) or _whole_row(
        folded, table
    )


def _without_comments(sql: str) -> str:
    """As it is where a text escapes quotes: then nobody can tell here where it ends."""
    if "\\'" in sql or '\\"' in sql:
        return sql
    return _QUOTED_OR_COMMENT.sub(lambda found: " " if found[0][:2] in ("--", "/*") else found[0], sql)


def _whole_row(sql: str, table: str) -> bool:
    """Whether the table, or a name given to it, stands somewhere without a column behind it."""
    name = re.escape(table.rpartition(".")[2].casefold())
    read = re.compile(rf'(?:from|join|,)\s+(?:"?\w+"?\s*\.\s*)*"?{name}"?(?:\s+(?:as\s+)?"?(\w+)"?)?')
    given = {found[1] or table.rpartition(".")[2].casefold() for found in read.finditer(sql)}
    rest = read.sub(" ", sql)
    return any(
        re.search(rf'(?<![.\w"])"?{re.escape(alias)}"?(?!\w|"|\s*\.)', rest) for alias in given - _WORDS
    )


_QUOTED_OR_COMMENT = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/""", re.DOTALL
)
_COUNTED = re.compile(r"\bcount\s*\(\s*\*\s*\)")
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
