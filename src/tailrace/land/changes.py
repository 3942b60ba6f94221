"""The one transaction that turns raw rows into changes: log, current table, keys and cursor, all or nothing.

A version is (time, deleted, shape, hash): what is not newer than all that arrived before is dropped, so any order, split
and repetition of the same pages gives the same current rows. One raw row gives at most one change: `_seq` is `_raw_seq`.
A column that the read does not bring keeps its last value: it is no part of the hash, and no change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from tailrace.failpoints import reach
from tailrace.land.cursors import Cursor, write_cursor
from tailrace.land.echoes import NONE, Echoes, Own, find_own
from tailrace.land.layout import Layout, quoted, same_key
from tailrace.land.template import LAND, OWN, Span, Template, inside
from tailrace.warehouse.base import Warehouse

PLAIN_ROWS = 50_000
"""So many rows at once are likely a part of a first load, whose keys are all new."""


@dataclass(frozen=True)
class Applied:
    """What one transaction did to the current table, 0 for none.

    `newest` is the last raw row that altered it in any way, `changed` the last that was more than a touch of cursors or our own
    write come back. `own` are those writes, which count as updates, too.
    """

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    touched: int = 0
    newest: int = 0
    changed: int = 0
    own: Own = NONE

    @property
    def changes(self) -> int:
        """What others did."""
        return self.inserted + self.updated + self.deleted - self.own.rows

    def __add__(self, other: Applied) -> Applied:
        return Applied(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.deleted + other.deleted,
            self.touched + other.touched,
            max(self.newest, other.newest),
            max(self.changed, other.changed),
            self.own + other.own,
        )

    def moved(self, cursor: Cursor) -> Cursor:
        """The cursor behind what was taken over."""
        return cursor.moved(self.changed, self.newest, self.own.newest, self.own.columns)


class Take(Protocol):
    """Takes raw rows over, inside the caller's transaction."""

    def __call__(
        self, layout: Layout, span: Span, *, changes: bool, echoes: Echoes | None = None
    ) -> Applied: ...


def apply(
    warehouse: Warehouse,
    layout: Layout,
    cursor: Cursor,
    done: Cursor,
    *,
    changes: bool,
    echoes: Echoes | None = None,
    take: Take | None = None,
) -> Applied:
    """Take the raw rows between two cursors over and write the second; `take` where they do not lie in the warehouse yet."""
    take = take or partial(apply_rows, warehouse)
    with warehouse.transaction():
        applied = Applied()
        if done.raw_done > cursor.raw_done:
            span = Span(cursor.raw_done, done.raw_done, done.shape)
            applied = take(layout, span, changes=changes, echoes=echoes)
        write_cursor(warehouse, applied.moved(done))
        reach("land:before_commit")
    reach("land:after_commit")
    return applied


def apply_rows(
    warehouse: Warehouse, layout: Layout, span: Span, *, changes: bool, echoes: Echoes | None = None
) -> Applied:
    """Take raw rows over, inside the caller's transaction."""
    rows, numbers, keys, known = _counts(warehouse, layout, span)
    if not rows:
        return Applied()
    if not known and rows == numbers == keys:
        return _all_new(warehouse, layout, span, changes=changes)
    span = replace(span, repeated=rows != numbers)
    other = known and span.shape > 1 and _other_shapes(warehouse, layout, span)
    template = Template(warehouse, layout, span, reshaped=other)
    warehouse.execute(template.land())
    own = find_own(warehouse, layout, template, echoes) if echoes is not None else NONE
    if changes:
        warehouse.execute(template.log(own=own.rows > 0))
    for statement in (*template.current(), *template.keys()):
        warehouse.execute(statement)
    applied = _summary(warehouse, own)
    warehouse.execute(f"DROP TABLE {LAND}")
    warehouse.execute(f"DROP TABLE IF EXISTS {OWN}")
    return applied


def _counts(warehouse: Warehouse, layout: Layout, span: Span) -> tuple[int, int, int, bool]:
    """Raw rows, distinct numbers, distinct keys among them (0: not counted); whether any of these keys may be known."""
    table = warehouse.dialect.table
    where = f"FROM {table(layout.raw)} AS r WHERE {inside(warehouse, layout, span)}"
    rows, numbers = warehouse.query(f"SELECT COUNT(*), COUNT(DISTINCT _raw_seq) {where}")[0]
    if rows != numbers or _known(warehouse, layout, where, rows):
        return rows, numbers, 0, True
    keys = warehouse.query(
        f"SELECT COUNT(*) FROM (SELECT DISTINCT {quoted(warehouse, layout.key)} {where}) AS d"
    )
    return rows, numbers, keys[0][0], False


def _known(warehouse: Warehouse, layout: Layout, where: str, rows: int) -> bool:
    """Whether a key of the rows was seen before; looked up only where many rows could be spared the windows."""
    keys = warehouse.dialect.table(layout.keys)
    if not warehouse.query(f"SELECT 1 FROM {keys} LIMIT 1"):
        return False
    if rows < PLAIN_ROWS:
        return True
    same = same_key(warehouse, layout, "r", "k")  # the keys stream by, the rows are what is held in memory
    return bool(
        warehouse.query(f"SELECT 1 FROM {keys} AS k WHERE EXISTS (SELECT 1 {where} AND {same}) LIMIT 1")
    )


def _other_shapes(warehouse: Warehouse, layout: Layout, span: Span) -> bool:
    """Whether a key among the rows was last read with other columns, so that its hash says nothing about this read's."""
    table = warehouse.dialect.table
    return bool(
        warehouse.query(
            f"SELECT 1 FROM {table(layout.keys)} AS k WHERE NOT k._deleted AND k._shape <> {span.shape} AND EXISTS ("
            f"SELECT 1 FROM {table(layout.raw)} AS r WHERE {inside(warehouse, layout, span)}"
            f" AND {same_key(warehouse, layout, 'r', 'k')}) LIMIT 1"
        )
    )


def _summary(warehouse: Warehouse, own: Own) -> Applied:
    foreign = f" AND _pos NOT IN (SELECT _pos FROM {OWN})" if own.rows else ""
    row = warehouse.query(
        "SELECT COALESCE(SUM(CASE WHEN _op = 'insert' THEN 1 ELSE 0 END), 0),"
        " COALESCE(SUM(CASE WHEN _op = 'update' THEN 1 ELSE 0 END), 0),"
        " COALESCE(SUM(CASE WHEN _op = 'delete' THEN 1 ELSE 0 END), 0),"
        " COALESCE(SUM(CASE WHEN _op IS NULL AND NOT _deleted THEN 1 ELSE 0 END), 0),"
        " COALESCE(MAX(CASE WHEN _op IS NOT NULL OR NOT _deleted THEN _pos END), 0),"
        f" COALESCE(MAX(CASE WHEN _op IS NOT NULL{foreign} THEN _pos END), 0) FROM {LAND}"
    )[0]
    inserted, updated, deleted, touched, newest, changed = (int(value) for value in row)
    return Applied(inserted, updated, deleted, touched, newest, changed, own)


def _all_new(warehouse: Warehouse, layout: Layout, span: Span, *, changes: bool) -> Applied:
    """No key was seen before and every key came once: three plain copies, no window, no join."""
    template = Template(warehouse, layout, span)
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
