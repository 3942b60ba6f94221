"""The one transaction that turns raw rows into changes: log, current table, keys and cursor, all or nothing.

A version is (time, deleted, shape, hash): what is not newer than all that arrived before is dropped, so any order, split
and repetition of the same pages gives the same current rows. One raw row gives at most one change: `_seq` is `_raw_seq`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tailrace.failpoints import reach
from tailrace.land.cursors import Cursor, write_cursor
from tailrace.land.layout import Layout, quoted, same_key
from tailrace.warehouse.base import Warehouse

LAND = "_tailrace_land"


@dataclass(frozen=True)
class Applied:
    """What one transaction did to the current table, 0 for none.

    `newest` is the last raw row that altered it in any way, `changed` the last that was more than a touch of cursors.
    """

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    touched: int = 0
    newest: int = 0
    changed: int = 0

    @property
    def changes(self) -> int:
        return self.inserted + self.updated + self.deleted

    def __add__(self, other: Applied) -> Applied:
        return Applied(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.deleted + other.deleted,
            self.touched + other.touched,
            max(self.newest, other.newest),
            max(self.changed, other.changed),
        )


@dataclass(frozen=True)
class Span:
    """The raw rows behind `after` up to `upto`; `repeated`: some came twice under one number."""

    after: int
    upto: int
    repeated: bool = False


def apply(
    warehouse: Warehouse,
    layout: Layout,
    cursor: Cursor,
    done: Cursor,
    *,
    changes: bool,
) -> Applied:
    """Take the raw rows between two cursors over and write the second."""
    with warehouse.transaction():
        applied = Applied()
        if done.raw_done > cursor.raw_done:
            applied = _apply_rows(warehouse, layout, Span(cursor.raw_done, done.raw_done), changes=changes)
        write_cursor(warehouse, done.moved(applied.changed, applied.newest))
        reach("land:before_commit")
    reach("land:after_commit")
    return applied


def _apply_rows(warehouse: Warehouse, layout: Layout, span: Span, *, changes: bool) -> Applied:
    rows, numbers, keys, known = _counts(warehouse, layout, span)
    if not rows:
        return Applied()
    if not known and rows == numbers == keys:
        return _first_load(warehouse, layout, span, changes=changes)
    template = _Template(warehouse, layout, Span(span.after, span.upto, rows != numbers))
    warehouse.execute(template.land())
    if changes:
        warehouse.execute(template.log())
    warehouse.execute(template.current())
    warehouse.execute(template.keys())
    applied = _summary(warehouse)
    warehouse.execute(f"DROP TABLE {LAND}")
    return applied


def _counts(warehouse: Warehouse, layout: Layout, span: Span) -> tuple[int, int, int, bool]:
    """Raw rows, distinct numbers, distinct keys among them; whether any key was known before."""
    table = warehouse.dialect.table
    known = bool(warehouse.query(f"SELECT 1 FROM {table(layout.keys)} LIMIT 1"))
    where = f"FROM {table(layout.raw)} WHERE _raw_seq > {span.after} AND _raw_seq <= {span.upto}"
    rows, numbers = warehouse.query(f"SELECT COUNT(*), COUNT(DISTINCT _raw_seq) {where}")[0]
    if known or rows != numbers:
        return rows, numbers, 0, known
    keys = warehouse.query(
        f"SELECT COUNT(*) FROM (SELECT DISTINCT {quoted(warehouse, layout.key)} {where}) AS d"
    )
    return rows, numbers, keys[0][0], known


def _summary(warehouse: Warehouse) -> Applied:
    row = warehouse.query(
        "SELECT COALESCE(SUM(CASE WHEN _op = 'insert' THEN 1 ELSE 0 END), 0),"
        " COALESCE(SUM(CASE WHEN _op = 'update' THEN 1 ELSE 0 END), 0),"
        " COALESCE(SUM(CASE WHEN _op = 'delete' THEN 1 ELSE 0 END), 0),"
        " COALESCE(SUM(CASE WHEN _op IS NULL AND NOT _deleted THEN 1 ELSE 0 END), 0),"
        " COALESCE(MAX(CASE WHEN _op IS NOT NULL OR NOT _deleted THEN _pos END), 0),"
        f" COALESCE(MAX(CASE WHEN _op IS NOT NULL THEN _pos END), 0) FROM {LAND}"
    )[0]
    return Applied(*(int(value) for value in row))


def _first_load(warehouse: Warehouse, layout: Layout, span: Span, *, changes: bool) -> Applied:
    """Nothing was known and every key came once: three plain copies, no window, no join."""
    template = _Template(warehouse, layout, span)
    table, raw = warehouse.dialect.table, template.raw_rows()
    columns, key = quoted(warehouse, layout.columns), quoted(warehouse, layout.key)
    logged = quoted(warehouse, layout.logged())
    if changes:
        warehouse.execute(
            f"INSERT INTO {table(layout.log)} (_op, _changed_at, _seen_at, _run_id, _seq, _changed_fields, {logged})"
            f" SELECT 'insert', _version_at, _seen_at, _run_id, _raw_seq, NULL, {logged} FROM ({raw}) AS r"
            f" WHERE NOT _deleted"
        )
    warehouse.execute(
        f"INSERT INTO {table(layout.current)} ({columns}) SELECT {columns} FROM ({raw}) AS r WHERE NOT _deleted"
    )
    warehouse.execute(
        f"INSERT INTO {table(layout.keys)} ({key}, _version_at, _deleted, _shape, _hash)"
        f" SELECT {key}, _version_at, _deleted, _shape, {template.hash()} FROM ({raw}) AS r"
    )
    inserted, newest = warehouse.query(
        f"SELECT COUNT(*), COALESCE(MAX(_raw_seq), 0) FROM ({raw}) AS r WHERE NOT _deleted"
    )[0]
    return Applied(inserted=inserted, newest=newest, changed=newest)


class _Template:
    """The statements. Only identifiers' quotes, types and the row's hash differ between engines."""

    def __init__(self, warehouse: Warehouse, layout: Layout, span: Span) -> None:
        self._warehouse, self._layout, self._span = warehouse, layout, span
        self._table, self._quote = warehouse.dialect.table, warehouse.dialect.quote

    def raw_rows(self) -> str:
        span = self._span
        once = " QUALIFY ROW_NUMBER() OVER (PARTITION BY _raw_seq) = 1" if span.repeated else ""
        table = self._table(self._layout.raw)
        return f"SELECT * FROM {table} WHERE _raw_seq > {span.after} AND _raw_seq <= {span.upto}{once}"

    def hash(self) -> str:
        return f"CASE WHEN r._deleted THEN '' ELSE {self._warehouse.dialect.row_hash('r', self._layout.hashed())} END"

    def _names(self, names: Sequence[str], alias: str = "") -> str:
        return quoted(self._warehouse, names, alias)

    def _same(self, left: str, right: str) -> str:
        return same_key(self._warehouse, self._layout, left, right)

    def land(self) -> str:
        """Narrow rows only: which raw rows are newer than all before them, and what each of them does."""
        key = self._layout.key
        bare = self._names(key)
        return f"""CREATE OR REPLACE TEMP TABLE {LAND} AS
WITH r AS ({self.raw_rows()}),
seen AS (
  SELECT {self._names(key, "r")}, r._raw_seq AS _pos, r._version_at, r._deleted, r._shape, {self.hash()} AS _hash FROM r
  UNION ALL
  SELECT {self._names(key, "k")}, -1 AS _pos, k._version_at, k._deleted, k._shape, k._hash
  FROM {self._table(self._layout.keys)} AS k WHERE EXISTS (SELECT 1 FROM r WHERE {self._same("r", "k")})),
ranked AS (
  SELECT *, DENSE_RANK() OVER (PARTITION BY {bare} ORDER BY _version_at, _deleted, _shape, _hash) AS _rank FROM seen),
best AS (
  SELECT *, MAX(_rank) OVER (PARTITION BY {bare} ORDER BY _pos ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS _best
  FROM ranked),
kept AS (SELECT * FROM best WHERE _best IS NULL OR _rank > _best),
step AS (
  SELECT *, LAG(_deleted) OVER w AS _was_deleted, LAG(_hash) OVER w AS _was_hash, LAG(_pos) OVER w AS _was_pos,
    LEAD(_pos) OVER w IS NULL AS _last
  FROM kept WINDOW w AS (PARTITION BY {bare} ORDER BY _pos))
SELECT {bare}, _pos, _version_at, _deleted, _shape, _hash, _was_pos, _last,
  CASE WHEN _was_deleted IS NULL OR _was_deleted THEN CASE WHEN _deleted THEN NULL ELSE 'insert' END
       WHEN _deleted THEN 'delete' WHEN _hash <> _was_hash THEN 'update' END AS _op
FROM step WHERE _pos >= 0"""

    def log(self) -> str:
        layout = self._layout
        others = [name for name in layout.logged() if name not in layout.key]
        head = self._names(
            ("_op", "_changed_at", "_seen_at", "_run_id", "_seq", "_changed_fields", *layout.key, *others)
        )
        text = self._warehouse.dialect.type("text")
        before = {
            name: f"CASE WHEN l._was_pos >= 0 THEN p.{self._quote(name)} ELSE t.{self._quote(name)} END"
            for name in others
        }
        after = [
            f"CASE WHEN l._op <> 'delete' THEN r.{self._quote(name)} ELSE {before[name]} END"
            for name in others
        ]
        common = (
            f"l._op, l._version_at, r._seen_at, r._run_id, l._pos, {{fields}}, {self._names(layout.key, 'r')}"
        )
        inserts = ", ".join(["", *(f"r.{self._quote(name)}" for name in others)])
        return f"""INSERT INTO {self._table(layout.log)} ({head})
WITH r AS ({self.raw_rows()})
SELECT {common.format(fields=f"CAST(NULL AS {text})")}{inserts}
FROM {LAND} AS l JOIN r ON r._raw_seq = l._pos WHERE l._op = 'insert'
UNION ALL
SELECT {common.format(fields=self._changed_fields(before))}{", ".join(["", *after])}
FROM {LAND} AS l JOIN r ON r._raw_seq = l._pos LEFT JOIN r AS p ON p._raw_seq = l._was_pos
LEFT JOIN {self._table(layout.current)} AS t ON {self._same("t", "l")}
WHERE l._op IN ('update', 'delete') ORDER BY 5"""

    def _changed_fields(self, before: dict[str, str]) -> str:
        text = self._warehouse.dialect.type("text")
        if not before:
            return f"CAST(NULL AS {text})"
        named = ", ".join(
            f"CASE WHEN r.{self._quote(name)} IS DISTINCT FROM {was} THEN '{(',' + name).replace(chr(39), chr(39) * 2)}' ELSE '' END"
            for name, was in before.items()
        )
        return f"CASE WHEN l._op = 'update' THEN SUBSTR(CONCAT({named}), 2) END"

    def current(self) -> str:
        """The last kept row of each key; touches too, since they move the cursor columns."""
        layout, names = self._layout, list(self._layout.columns)
        sets = ", ".join(f"{self._quote(n)} = s.{self._quote(n)}" for n in names if n not in layout.key)
        update = f"WHEN MATCHED THEN UPDATE SET {sets}" if sets else ""
        return f"""MERGE INTO {self._table(layout.current)} AS t USING (
WITH r AS ({self.raw_rows()})
SELECT l._deleted AS _gone, {self._names(names, "r")} FROM {LAND} AS l JOIN r ON r._raw_seq = l._pos WHERE l._last) AS s
ON {self._same("t", "s")}
WHEN MATCHED AND s._gone THEN DELETE
{update}
WHEN NOT MATCHED AND NOT s._gone THEN INSERT ({self._names(names)}) VALUES ({self._names(names, "s")})"""

    def keys(self) -> str:
        layout = self._layout
        ours = ("_version_at", "_deleted", "_shape", "_hash")
        sets = ", ".join(f"{name} = s.{name}" for name in ours)
        names = (*layout.key, *ours)
        return f"""MERGE INTO {self._table(layout.keys)} AS t USING (
SELECT {self._names(names)} FROM {LAND} WHERE _last) AS s ON {self._same("t", "s")}
WHEN MATCHED THEN UPDATE SET {sets}
WHEN NOT MATCHED THEN INSERT ({self._names(names)}) VALUES ({self._names(names, "s")})"""
