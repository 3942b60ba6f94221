"""Rebuilds a resource's current table, log and keys from its raw rows, without asking the vendor.

Rows are rebuilt by key: a key's log is cut where its kept raw rows begin, its values there are what the rest of the log
folds to, and its raw rows are taken over once more under their own numbers. `keep_raw` leaves each key's newest version, which
is newer than all that was let go: so what the log folds to counts as older than any raw row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from tailrace.errors import FatalError
from tailrace.failpoints import reach
from tailrace.land.changes import Applied, apply_rows
from tailrace.land.cursors import Cursor, read_cursor, write_cursor
from tailrace.land.desk import at_desk, is_far, make, send
from tailrace.land.layout import (
    RAW,
    Layout,
    ensure,
    kept_columns,
    key_columns,
    log_columns,
    quoted,
    raw_columns,
    same_key,
)
from tailrace.land.retention import drop_orphans
from tailrace.land.shapes import Shape, read_shapes
from tailrace.land.template import Span
from tailrace.warehouse.base import TableRef, Warehouse

REBUILT, ORIGINS = "_tailrace_rebuilt", "_tailrace_origins"
OLDEST = "0001-01-01 00:00:00"


@dataclass(frozen=True)
class Replayed:
    """Keys rebuilt, raw rows taken over, and changes that the log has of them now."""

    keys: int
    rows: int
    changes: int


def replay(
    warehouse: Warehouse, current: TableRef, days: tuple[date, date] | None, *, changes: bool
) -> Replayed:
    """Of every key, or of those with a raw row received on the days (UTC, both included); all or nothing.

    A far warehouse's tables are brought here whole, and what was rebuilt is sent back. FatalError where the resource was never landed, or nothing of it is kept.
    """
    for ref in (current, current.suffixed("__keys")):
        warehouse.keep_near(ref)
    cursor = read_cursor(warehouse, str(current))
    shapes = read_shapes(warehouse, str(current))
    layout = _layout(warehouse, current, cursor, shapes)
    ensure(warehouse, layout, changes=changes)
    here = _brought(warehouse, layout, changes=changes) if is_far(warehouse) else layout
    with warehouse.transaction():
        drop_orphans(warehouse, layout, cursor.raw_done)
        keys, rows = _choose(warehouse, here, cursor, days)
        _cut(warehouse, here, changes=changes)
        applied = Applied()
        for span in _spans(warehouse, here, cursor):
            columns = next((shape.columns for shape in shapes if shape.number == span.shape), None)
            kept = kept_columns(layout.columns, columns) if columns is not None else frozenset[str]()
            applied += apply_rows(warehouse, replace(here, kept=kept), span, changes=changes)
        if changes:
            _name_origins(warehouse, here)
        if here is not layout:
            _give_back(warehouse, here, layout, changes=changes)
        number = (
            cursor.raw_done + 1
        )  # a number that no raw row has: what was built from these tables is built again
        write_cursor(warehouse, replace(cursor, raw_done=number, data_version=number, touch_version=number))
        warehouse.execute(f"DROP TABLE {REBUILT}")
        reach("replay:before_commit")
    return Replayed(keys, rows, applied.changes)


def _brought(warehouse: Warehouse, layout: Layout, *, changes: bool) -> Layout:
    """All four tables in this session, listed row by row, which is not billed."""
    here = at_desk(layout)
    tables = {
        here.raw: (layout.raw, raw_columns(warehouse, layout)),
        here.current: (layout.current, dict(layout.columns)),
        here.keys: (layout.keys, key_columns(warehouse, layout)),
    }
    if changes:
        tables[here.log] = (layout.log, log_columns(warehouse, layout))
    for mine, (theirs, columns) in tables.items():
        make(warehouse, mine, columns)
        warehouse.bring(theirs, mine)
    return here


def _give_back(warehouse: Warehouse, here: Layout, layout: Layout, *, changes: bool) -> None:
    """The chosen keys' rows as they are here now, in place of what is there."""
    table, same = warehouse.dialect.table, same_key(warehouse, layout, "o", "t")
    pairs = [(here.current, layout.current, ""), (here.keys, layout.keys, "")]
    if changes:
        pairs.append((here.log, layout.log, " AND o._first <= t._seq"))
    for mine, theirs, more in pairs:
        chosen = f" AS t WHERE EXISTS (SELECT 1 FROM {REBUILT} AS o WHERE {same}{more})"
        warehouse.execute(f"DELETE FROM {table(theirs)}{chosen}")
        send(warehouse, mine, theirs, chosen)
    for mine in (here.raw, *(one for one, _, _ in pairs)):
        warehouse.execute(f"DROP TABLE {table(mine)}")


def _layout(warehouse: Warehouse, current: TableRef, cursor: Cursor, shapes: list[Shape]) -> Layout:
    raw = warehouse.columns(current.suffixed("__raw"))
    if not raw or not cursor.raw_done:
        raise FatalError(f"{current} was never landed here", "run `tailrace land`")
    vendor = {name: kind for name, kind in raw.items() if name not in RAW}
    stored = warehouse.columns(current) or vendor
    key = shapes[-1].key if shapes else _stored_key(warehouse, current)
    cursors = tuple(filter(None, cursor.cursor_columns.split(",")))
    return Layout(current, key, cursors, {**stored, **{n: k for n, k in vendor.items() if n not in stored}})


def _stored_key(warehouse: Warehouse, current: TableRef) -> tuple[str, ...]:
    """For what an earlier release landed."""
    key = tuple(name for name in warehouse.columns(current.suffixed("__keys")) if not name.startswith("_"))
    if not key:
        raise FatalError(f"{current}: its primary key is not known any more", "land it once, then replay")
    return key


def _choose(
    warehouse: Warehouse, layout: Layout, cursor: Cursor, days: tuple[date, date] | None
) -> tuple[int, int]:
    """The keys to rebuild with the number of their first kept raw row, in a temporary table; keys and raw rows."""
    raw, key = warehouse.dialect.table(layout.raw), quoted(warehouse, layout.key)
    where = f"_raw_seq <= {cursor.raw_done}"
    received = ""
    if days is not None:
        first, behind = _midnight(days[0]), _midnight(days[1] + timedelta(days=1))
        instant = warehouse.dialect.type("timestamp")
        received = (
            f" HAVING MAX(CASE WHEN _seen_at >= CAST('{first}' AS {instant}) AND _seen_at < CAST('{behind}' AS {instant})"
            " THEN 1 ELSE 0 END) = 1"
        )
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {REBUILT} AS SELECT {key}, MIN(_raw_seq) AS _first, COUNT(*) AS _rows"
        f" FROM {raw} WHERE {where} GROUP BY {key}{received}"
    )
    keys, rows = warehouse.query(f"SELECT COUNT(*), COALESCE(SUM(_rows), 0) FROM {REBUILT}")[0]
    if not keys:
        raise FatalError(
            f"{layout.name} has no raw rows{' of those days' if days else ''}",
            "keep_raw says how long rows are kept as received",
        )
    return int(keys), int(rows)


def _midnight(day: date) -> str:
    return datetime.combine(day, time()).isoformat(sep=" ")


def _cut(warehouse: Warehouse, layout: Layout, *, changes: bool) -> None:
    """Take the chosen keys back to where their kept raw rows begin."""
    table, same = warehouse.dialect.table, same_key(warehouse, layout, "o", "t")
    chosen = f"EXISTS (SELECT 1 FROM {REBUILT} AS o WHERE {same}"
    for ref in (layout.current, layout.keys):
        warehouse.execute(f"DELETE FROM {table(ref)} AS t WHERE {chosen})")
    if changes:
        gone = f"{table(layout.log)} AS t WHERE {chosen} AND o._first <= t._seq)"
        warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE {ORIGINS} AS SELECT _seq, _origin FROM {gone} AND _origin IS NOT NULL"
        )
        warehouse.execute(f"DELETE FROM {gone}")
        _restore(warehouse, layout, chosen)


def _name_origins(warehouse: Warehouse, layout: Layout) -> None:
    """Our own writes keep their mark: what was accepted when they came back is not known any more."""
    warehouse.execute(
        f"UPDATE {warehouse.dialect.table(layout.log)} AS t SET _origin = o._origin FROM {ORIGINS} AS o"
        " WHERE t._seq = o._seq AND t._op = 'update'"
    )
    warehouse.execute(f"DROP TABLE {ORIGINS}")


def _restore(warehouse: Warehouse, layout: Layout, chosen: str) -> None:
    """What the rest of the log folds to, as current rows and keys; cursor columns are not in the log and stay empty."""
    table, key = warehouse.dialect.table, quoted(warehouse, layout.key)
    logged = quoted(warehouse, layout.logged())
    last = (
        f"SELECT * FROM {table(layout.log)} AS t WHERE {chosen})"
        f" QUALIFY ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY _seq DESC) = 1"
    )
    warehouse.execute(
        f"INSERT INTO {table(layout.current)} ({logged}) SELECT {logged} FROM ({last}) AS r WHERE _op <> 'delete'"
    )
    own = warehouse.dialect.row_hash("r", layout.hashed())
    warehouse.execute(
        f"INSERT INTO {table(layout.keys)} ({key}, _version_at, _deleted, _shape, _hash)"
        f" SELECT {key}, CAST('{OLDEST}' AS {warehouse.dialect.type('timestamp')}), _op = 'delete', 0,"
        f" CASE WHEN _op = 'delete' THEN '' ELSE {own} END FROM ({last}) AS r"
    )


def _spans(warehouse: Warehouse, layout: Layout, cursor: Cursor) -> Iterator[Span]:
    """Stretches of raw rows that were read with the same columns; implied tombstones (shape 0) belong to any."""
    table, same = warehouse.dialect.table(layout.raw), same_key(warehouse, layout, "o", "r")
    rows = warehouse.query(
        "SELECT MAX(_raw_seq), _shape FROM (SELECT _raw_seq, _shape,"
        " SUM(_new) OVER (ORDER BY _raw_seq) AS _stretch FROM (SELECT _raw_seq, _shape,"
        " CASE WHEN _shape <> LAG(_shape) OVER (ORDER BY _raw_seq) THEN 1 ELSE 0 END AS _new"
        f" FROM {table} AS r WHERE _shape > 0 AND _raw_seq <= {cursor.raw_done}"
        f" AND EXISTS (SELECT 1 FROM {REBUILT} AS o WHERE {same})) AS a) AS b GROUP BY _stretch, _shape ORDER BY 1"
    )
    after = 0
    for number, (upto, shape) in enumerate(rows, start=1):
        end = cursor.raw_done if number == len(rows) else int(upto)
        yield Span(after, end, int(shape), only=REBUILT)
        after = end
    if not rows:
        yield Span(0, cursor.raw_done, 1, only=REBUILT)
