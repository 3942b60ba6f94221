"""Views of the last complete run: for readers who must not see a table of this run beside one of the last.

No dataset can be published in one transaction. So each changed table is cloned, which copies nothing ("Introduction to table clones"),
its view is made to ask `tailrace_meta.published` which clone it shows, and one transaction on that table moves all views at once.
Afterwards each view reads its clone alone, so that who reads it pays for one.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tailrace.errors import FatalError
from tailrace.failpoints import reach
from tailrace.warehouse.base import META, TableRef, in_batches
from tailrace.warehouse.bigquery import complete_sql
from tailrace.warehouse.bigquery.complete_sql import CLONES, Shown, complete
from tailrace.warehouse.bigquery.qualified import qualified
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse, Native

PUBLISHED = TableRef(META, "published")
COLUMNS = {
    "relation": "VARCHAR", "schema_name": "VARCHAR", "name": "VARCHAR", "number": "BIGINT", "version": "VARCHAR", "body": "VARCHAR",
    "columns": "VARCHAR", "before": "VARCHAR", "plain": "BOOLEAN", "run_id": "VARCHAR", "shown_at": "TIMESTAMP",
}  # fmt: skip
"""`before` is the row that this one took the place of, as JSON; `plain`: the view reads its clone and nothing else."""

_AT_ONCE = 200
_EARLIER = ("number", "version", "body", "columns")


@dataclass(frozen=True)
class Live:
    """A table or view as it is now: its rows by `version`; a view by its own SQL in BigQuery's words."""

    ref: TableRef
    version: str
    sql: str = ""


@dataclass(frozen=True)
class Row:
    """What a view shows, and what it showed before: None where it was not there."""

    ref: TableRef
    shown: Shown
    version: str
    before: Mapping[str, object] | None = None
    plain: bool = True


@dataclass(frozen=True)
class Change:
    """One view from what it shows to what it is to show; None where there is no view, or is to be none."""

    ref: TableRef
    old: Row | None
    new: Row | None


def publish(warehouse: BigQueryWarehouse, live: Sequence[Live], *, run_id: str, now: datetime) -> int:
    """Let all views show what is there now, at one moment; returns how many of them moved."""
    shown = read_published(warehouse)
    _ensure(warehouse)
    number = 1 + max((row.shown.number for row in shown.values()), default=0)
    views = frozenset(one.ref for one in live)
    mark = f"{number}_{secrets.token_hex(3)}"
    changes = [
        Change(one.ref, shown.get(one.ref), _new(warehouse, one, views, shown.get(one.ref), number, mark))
        for one in live
        if one.ref not in shown or shown[one.ref].version != _version(one, views)
    ]
    changes += [Change(ref, row, None) for ref, row in shown.items() if ref not in views]
    _clone(warehouse, [one for one in live if not one.sql], changes, mark)
    return _flip(warehouse, changes, shown, run_id=run_id, now=now)


def roll_back(warehouse: BigQueryWarehouse, *, run_id: str, now: datetime) -> int:
    """Let the views show what they showed before the last publication; returns how many moved. FatalError where nothing is kept."""
    shown = read_published(warehouse)
    last = max((row.shown.number for row in shown.values()), default=0)
    moved = [row for row in shown.values() if row.shown.number == last]
    if not any(row.before for row in moved):
        raise FatalError("no run before the published one is kept", "run `tailrace run` to publish one")
    changes = [Change(row.ref, row, _earlier(row, last + 1)) for row in moved]
    return _flip(warehouse, changes, shown, run_id=run_id, now=now)


def read_published(warehouse: BigQueryWarehouse) -> dict[TableRef, Row]:
    """What each view shows, from this machine's copy."""
    if not warehouse.columns(PUBLISHED):
        return {}
    rows = warehouse.query(
        "SELECT schema_name, name, number, version, body, columns, before, plain"
        f" FROM {warehouse.dialect.table(PUBLISHED)} ORDER BY relation"
    )
    found = {}
    for schema, name, number, version, body, columns, before, plain in rows:
        ref = TableRef(schema, name)
        shown = Shown(int(number), body, json.loads(columns))
        found[ref] = Row(ref, shown, version, json.loads(before) if before else None, bool(plain))
    return found


def settle(warehouse: BigQueryWarehouse) -> None:
    """Remember that every view reads its clone alone; in the transaction that ends the publication."""
    table = warehouse.dialect.table(PUBLISHED)
    if warehouse.columns(PUBLISHED) and warehouse.query(f"SELECT 1 FROM {table} WHERE NOT plain LIMIT 1"):
        warehouse.execute(f"UPDATE {table} SET plain = true WHERE NOT plain")


def _version(live: Live, views: frozenset[TableRef]) -> str:
    """A view's rows change with what it reads, which has a view of its own; its version is its definition."""
    return complete_sql.rewritten(live.sql, views) if live.sql else live.version


def _new(
    warehouse: BigQueryWarehouse,
    live: Live,
    views: frozenset[TableRef],
    old: Row | None,
    number: int,
    mark: str,
) -> Row:
    version = _version(live, views)
    body = version if live.sql else f"SELECT * FROM {complete_sql.quoted(complete_sql.clone(live.ref, mark))}"
    schema = warehouse.jobs.client.get_table(warehouse.jobs.name(live.ref)).schema
    columns = {field.name: complete_sql.type_of(field) for field in schema}
    return Row(live.ref, Shown(number, body, columns), version, _kept(old), plain=False)


def _kept(row: Row | None) -> Mapping[str, object] | None:
    if row is None:
        return None
    values = (row.shown.number, row.version, row.shown.body, dict(row.shown.columns))
    return dict(zip(_EARLIER, values, strict=True))


def _earlier(row: Row, number: int) -> Row | None:
    if row.before is None:
        return None
    _, version, body, columns = (row.before[name] for name in _EARLIER)
    assert isinstance(columns, Mapping)
    return Row(row.ref, Shown(number, str(body), columns), str(version), None, plain=False)


def _ensure(warehouse: BigQueryWarehouse) -> None:
    if warehouse.columns(PUBLISHED):
        return
    inner = ", ".join(f"{warehouse.dialect.quote(name)} {kind}" for name, kind in COLUMNS.items())
    warehouse.ensure_schema(META)
    warehouse.execute(f"CREATE TABLE IF NOT EXISTS {warehouse.dialect.table(PUBLISHED)} ({inner})")


def _clone(
    warehouse: BigQueryWarehouse, tables: Iterable[Live], changes: Sequence[Change], mark: str
) -> None:
    moved = {one.ref for one in changes if one.new}
    wanted = [one.ref for one in tables if one.ref in moved]
    if wanted:
        warehouse.jobs.ensure_dataset(CLONES)
        _script(warehouse, [complete_sql.cloned(ref, mark) for ref in wanted])
        reach("complete:cloned")


def _flip(
    warehouse: BigQueryWarehouse,
    changes: Sequence[Change],
    shown: Mapping[TableRef, Row],
    *,
    run_id: str,
    now: datetime,
) -> int:
    """The views that move are made to ask, all move at once, and are made to ask no more."""
    for schema in sorted({change.ref.schema for change in changes}):
        warehouse.jobs.ensure_dataset(complete(TableRef(schema, "")).schema)
    changes = _ordered(changes)
    _script(
        warehouse,
        [
            complete_sql.asking(
                one.ref, one.old.shown if one.old else None, one.new.shown if one.new else None
            )
            for one in changes
        ],
    )
    reach("complete:asking")
    if changes:
        _point(warehouse, changes, run_id, now)
    reach("complete:flipped")
    after = {**shown, **{one.ref: one.new for one in changes}}
    left = [ref for ref, row in shown.items() if not row.plain]
    loose = dict.fromkeys([*(one.ref for one in changes), *left])
    _script(warehouse, [_plain(ref, after[ref]) for ref in loose])
    _forget_clones(warehouse, {ref: after[ref] for ref in loose})
    return len(changes)


def _ordered(changes: Sequence[Change]) -> list[Change]:
    """What a view is to read has its view before it; what it reads now has one already."""
    by_ref = {one.ref: one for one in changes}
    done: dict[TableRef, Change] = {}

    def visit(one: Change) -> None:
        if one.ref in done:
            return
        for ref in sorted(complete_sql.complete_read(one.new.shown.body)) if one.new else ():
            if ref in by_ref:
                visit(by_ref[ref])
        done[one.ref] = one

    for one in changes:
        visit(one)
    return list(done.values())


def _plain(ref: TableRef, row: Row | None) -> str:
    return complete_sql.dropped(ref) if row is None else complete_sql.plain(ref, row.shown)


def _point(warehouse: BigQueryWarehouse, changes: Sequence[Change], run_id: str, now: datetime) -> None:
    """The one step that every reader sees whole."""
    table = warehouse.dialect.table(PUBLISHED)
    at = now.astimezone(UTC).replace(tzinfo=None)
    with warehouse.transaction():
        for some in in_batches(changes, _AT_ONCE):
            marks = ", ".join("?" * len(some))
            warehouse.execute(
                f"DELETE FROM {table} WHERE relation IN ({marks})", [str(one.ref) for one in some]
            )
            rows = [_values(one.new, run_id, at) for one in some if one.new]
            if rows:
                places = ", ".join([f"({', '.join('?' * len(COLUMNS))})"] * len(rows))
                names = ", ".join(map(warehouse.dialect.quote, COLUMNS))
                warehouse.execute(
                    f"INSERT INTO {table} ({names}) VALUES {places}", [value for row in rows for value in row]
                )


def _values(row: Row, run_id: str, at: datetime) -> list[object]:
    before = json.dumps(row.before) if row.before else None
    return [
        str(row.ref), row.ref.schema, row.ref.name, row.shown.number, row.version, row.shown.body,
        json.dumps(dict(row.shown.columns)), before, row.plain, run_id, at,
    ]  # fmt: skip


def _forget_clones(warehouse: BigQueryWarehouse, rows: Mapping[TableRef, Row | None]) -> None:
    """Clones that no view of these shows, or showed before. Others may stand behind a view that a killed run left asking."""
    there = warehouse.jobs.tables(CLONES)
    for ref, row in rows.items():
        keep = "" if row is None else f"{row.shown.body} {(row.before or {}).get('body', '')}"
        for name in there:
            if complete_sql.is_clone_of(name, ref) and f"`{name}`" not in keep:
                warehouse.jobs.client.delete_table(
                    warehouse.jobs.name(TableRef(CLONES, name)), not_found_ok=True
                )


def _script(warehouse: BigQueryWarehouse, statements: Sequence[str]) -> None:
    """Definitions, many in one job; they are no transaction and need none."""
    if statements:
        project = warehouse.jobs.project
        warehouse.execute(Native(";\n".join(qualified(one, project) for one in statements)))
