"""Landing one resource: schema, pages, raw rows through dlt, and one transaction for each stretch of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from itertools import chain

from tailrace.connectors.sdk.base import (
    Backfills,
    Infers,
    ResourceSpec,
    Source,
)
from tailrace.errors import Diagnostic, FatalError, SchemaError, TailraceError, near_miss
from tailrace.events import Notice, StepFinished, emit
from tailrace.failpoints import reach
from tailrace.land.changes import Applied, apply
from tailrace.land.cursors import Cursor, ensure_cursors, position_text, read_cursor, write_cursor
from tailrace.land.desk import Desk, is_far
from tailrace.land.echoes import Echoes, Written, awaited
from tailrace.land.layout import Layout, ensure
from tailrace.land.log import begin_log, begins_late
from tailrace.land.raw import DltWriter, RawWriter, SizedWriter
from tailrace.land.reading import Reading, Request
from tailrace.land.replay import replay
from tailrace.land.retention import day_of, drop_orphans, drop_outlived
from tailrace.land.schema import Plan, plan_columns
from tailrace.land.shapes import read_shapes, remember_shape
from tailrace.project.spec import Pipeline, Resource
from tailrace.records import Checkpoint, Page, Schema
from tailrace.state.runs import StepResult
from tailrace.warehouse.base import TableRef, Warehouse


def land_resource(
    warehouse: Warehouse,
    source: Source,
    pipeline: Pipeline,
    resource: Resource,
    spec: ResourceSpec,
    changes: bool,
    *,
    run_id: str,
    now: Callable[[], datetime],
    writer: RawWriter | None = None,
    days: tuple[date, date] | None = None,
    written: Sequence[Written] = (),
) -> StepResult:
    """Read what is new and take it over; rows_in are rows read, rows_out changes. Raises TailraceErrors only.

    After an error everything up to the last checkpoint stands, and nothing behind it. `days`: what is of these days, both
    included, in place of what is new; the cursor stays where it is. `written`: what syncs wrote to these very records.
    """
    started = now()
    current = TableRef(pipeline.dataset, resource.name)
    for ref in (current, current.suffixed("__keys")):
        warehouse.keep_near(ref)
    if days is not None and not isinstance(source, Backfills):
        raise FatalError(
            f"{pipeline.name}: its source cannot be asked for a range of days", "land it without --from"
        )
    stored = warehouse.columns(current)
    schema = _unforced(_told(warehouse, source, spec, current), spec, resource, stored)
    if not schema.columns:
        return _nothing_yet(current, (now() - started).total_seconds())
    _check_subject(resource, schema)
    if not stored and resource.contract.tables != "evolve":
        return _not_landed(current, resource, (now() - started).total_seconds())
    landing = _Landing(warehouse, current, resource, changes, writer, stored, days, written)
    applied, reading = landing.land(source, spec, schema, run_id, now)
    for text in reading.losses.texts():
        emit(Notice("warning", f"{current}: {text}"))
    if reading.error is not None:
        raise reading.error
    seconds = (now() - started).total_seconds()
    emit(StepFinished("land", str(current), "ok", reading.rows_in, applied.changes, seconds))
    return StepResult(
        "land",
        str(current),
        "ok",
        reading.rows_in,
        applied.changes,
        seconds,
        detail=_detail(applied, reading),
    )


def _told(warehouse: Warehouse, source: Source, spec: ResourceSpec, current: TableRef) -> Schema:
    """A connector's bug fails its resource, not the run."""
    try:
        return _schema(warehouse, source, spec, current)
    except (TailraceError, OSError):
        raise
    except Exception as error:
        what = f"{current}: the connector broke on what the vendor says of its columns"
        raise FatalError(
            f"{what} ({type(error).__name__}: {error})", "run again; if it stays, report it"
        ) from error


def _schema(warehouse: Warehouse, source: Source, spec: ResourceSpec, current: TableRef) -> Schema:
    """As the source knows it; where only rows tell it, of those that are new since the position to be read from."""
    if not isinstance(source, Infers):
        return source.schema(spec)
    whole = warehouse.columns(current) and warehouse.columns(current.suffixed("__keys"))
    return source.infer(spec, read_cursor(warehouse, str(current)).start() if whole else None)


def _unforced(schema: Schema, spec: ResourceSpec, resource: Resource, stored: Mapping[str, str]) -> Schema:
    """Without what is read for syncs alone where the contract takes no new columns: nobody asked for them."""
    if not spec.also or not stored or resource.contract.columns == "evolve":
        return schema
    new = {name for name in spec.also if name not in stored}
    return replace(schema, columns=tuple(column for column in schema.columns if column.name not in new))


def _nothing_yet(current: TableRef, seconds: float) -> StepResult:
    """No row ever came, so there are no columns to make a table of."""
    emit(Notice("warning", f"{current}: no row came yet, so there is no table yet"))
    emit(StepFinished("land", str(current), "ok", 0, 0, seconds))
    return StepResult("land", str(current), "ok", seconds=seconds)


def _not_landed(current: TableRef, resource: Resource, seconds: float) -> StepResult:
    """A table that is not there, under a contract that lets no table be made."""
    if resource.contract.tables == "freeze":
        raise SchemaError(
            f"{current} is not there and the contract freezes tables", "set tables: evolve once"
        )
    emit(
        Notice("warning", f"{current} is not there and the contract discards new tables; nothing was landed")
    )
    emit(StepFinished("land", str(current), "skipped", 0, 0, seconds))
    return StepResult("land", str(current), "skipped", seconds=seconds)


def _detail(applied: Applied, reading: Reading) -> dict[str, object]:
    detail: dict[str, object] = {
        "inserted": applied.inserted,
        "updated": applied.updated,
        "deleted": applied.deleted,
        "touched": applied.touched,
    }
    if applied.own.rows:
        detail["own"] = applied.own.rows
    losses = reading.losses.texts()
    if losses:
        detail["left_out"] = losses
    if reading.layout.kept:
        detail["vanished"] = sorted(reading.layout.kept)
    return detail


def _check_subject(resource: Resource, schema: Schema) -> None:
    if resource.subject is not None and resource.subject not in schema.names():
        wrong = f"subject {resource.subject!r} is no column of {resource.name}"
        place = resource.marks.at("resources", resource.name, "subject")
        raise SchemaError(str(Diagnostic(place, wrong, near_miss(resource.subject, schema.names()))))


class _Landing:
    """The tables of one resource, and the steps that fill them."""

    def __init__(
        self,
        warehouse: Warehouse,
        current: TableRef,
        resource: Resource,
        changes: bool,
        writer: RawWriter | None,
        stored: Mapping[str, str],
        days: tuple[date, date] | None,
        written: Sequence[Written],
    ) -> None:
        self._warehouse, self._current, self._resource = warehouse, current, resource
        self._written: Sequence[Written] = written
        self._echoes: Echoes | None = None
        self._changes, self._writer, self._stored, self._days = changes, writer, stored, days
        self._desk = Desk(warehouse) if is_far(warehouse) else None

    def land(
        self, source: Source, spec: ResourceSpec, schema: Schema, run_id: str, now: Callable[[], datetime]
    ) -> tuple[Applied, Reading]:
        cursor = self._same_key(schema, read_cursor(self._warehouse, str(self._current)))
        writer = self._writer or (DltWriter() if cursor.position is None else SizedWriter())
        plan, layout = plan_columns(
            self._warehouse.dialect, self._current, schema, self._stored, self._resource.contract
        )
        if cursor.position is not None and not (self._stored and self._warehouse.columns(layout.keys)):
            cursor = self._start_over(layout, cursor)
        made = self._changes and not self._warehouse.columns(layout.log)
        ensure(self._warehouse, layout, changes=self._changes)
        ensure_cursors(self._warehouse)
        drop_orphans(self._warehouse, layout, cursor.raw_done)
        cursor = self._upkeep(layout, cursor, run_id, now(), made=made)
        digest = plan.digest()
        if digest != cursor.columns:
            cursor = replace(cursor, columns=digest, shape=cursor.shape + 1)
            self._reshaped(plan, layout, cursor.shape, run_id)
        cursor = replace(cursor, run_id=run_id)
        request = Request(
            lambda: self._items(source, spec, schema, cursor), plan, cursor.shape, run_id, now, self._widen
        )
        reading = Reading(self._warehouse, layout, request, cursor.raw_done, cursor.updated_at)
        self._echoes = awaited(self._written, cursor.updated_at)
        try:
            return self._segments(reading, cursor, writer), reading
        finally:
            reading.close()

    def _items(
        self, source: Source, spec: ResourceSpec, schema: Schema, cursor: Cursor
    ) -> Iterator[Page | Checkpoint]:
        """What is new, or what is of the days asked for: then the position is left as it was."""
        if self._days is None:
            yield from source.read(spec, schema, cursor.start())
            return
        assert isinstance(source, Backfills)
        for item in source.backfill(spec, schema, *self._days):
            yield item if isinstance(item, Page) else replace(item, position=None)

    def _widen(self, layout: Layout) -> None:
        """Columns that come up in the middle of a read."""
        ensure(self._warehouse, layout, changes=self._changes)
        if self._desk is not None:
            self._desk.widen(layout)

    def _reshaped(self, plan: Plan, layout: Layout, shape: int, run_id: str) -> None:
        """Other columns than last time: written down, and what vanished is told."""
        remember_shape(self._warehouse, str(self._current), shape, plan.key, plan.names(), run_id)
        if layout.kept:
            names = ", ".join(sorted(layout.kept))
            text = f"{self._current} no longer brings {names}: the last values stay. `tailrace plan` says who reads them"
            emit(Notice("warning", text))

    def _start_over(self, layout: Layout, cursor: Cursor) -> Cursor:
        """Somebody dropped the current table or the keys: rebuilt from the raw rows, else all of it is read again."""
        if self._warehouse.columns(layout.raw) and cursor.raw_done:
            emit(
                Notice("warning", f"{self._current}: a table is missing, so it is rebuilt from the raw rows")
            )
            with suppress(FatalError):
                replay(self._warehouse, self._current, None, changes=self._changes)
                return read_cursor(self._warehouse, str(self._current))
        emit(Notice("warning", f"{self._current}: a table is missing, so all of it is read again"))
        self._drop(layout.current, layout.keys)
        return replace(cursor, position=None)

    def _drop(self, *refs: TableRef) -> None:
        for ref in refs:
            self._warehouse.execute(f"DROP TABLE IF EXISTS {self._warehouse.dialect.table(ref)}")

    def _same_key(self, schema: Schema, cursor: Cursor) -> Cursor:
        """Rows named by other columns than before are other rows: without a log to keep they are all read anew."""
        shapes = read_shapes(self._warehouse, str(self._current))
        if not self._stored or not shapes or set(shapes[-1].key) == set(schema.primary_key):
            return cursor
        was, now = (", ".join(key) for key in (shapes[-1].key, schema.primary_key))
        tables = [self._current.suffixed(suffix) for suffix in ("", "__keys", "__raw", "__changes")]
        if self._changes or self._warehouse.columns(tables[-1]):
            names = ", ".join(map(str, tables))
            fix = (
                f"take the options back, or land it under another name; to give the history up, drop {names}"
            )
            raise SchemaError(f"{self._current}: the primary key was {was} and is {now} now", fix)
        emit(
            Notice(
                "warning",
                f"{self._current}: rows are named by {now} now, not by {was}: all of it is read again",
            )
        )
        self._drop(*tables)
        self._stored = {}
        return replace(cursor, position=None)

    def _upkeep(self, layout: Layout, cursor: Cursor, run_id: str, now: datetime, *, made: bool) -> Cursor:
        """What is due before a read: raw rows that outlived `keep_raw`, and a log that begins later than its table."""
        done, keep = cursor, self._resource.keep_raw
        late = self._changes and begins_late(self._warehouse, layout, cursor, made=made)
        with self._warehouse.transaction():
            if keep is not None:
                done = drop_outlived(self._warehouse, layout, keep, now, cursor)
            if late:
                done = begin_log(self._warehouse, layout, done, run_id, now)
            if late or done != cursor:
                write_cursor(self._warehouse, done)
        return done

    def _segments(self, reading: Reading, cursor: Cursor, writer: RawWriter) -> Applied:
        total = Applied()
        while not reading.ended:
            batches = reading.segment()
            first = next(batches, None)
            if first is not None:
                into = self._desk.begin(reading.layout) if self._desk is not None else reading.layout.raw
                writer.append(self._warehouse, into, chain([first], batches))
                reach("land:after_raw")
            applied, cursor = self._commit(reading, cursor)
            total += applied
        drop_orphans(self._warehouse, reading.layout, cursor.raw_done)
        return total

    def _commit(self, reading: Reading, cursor: Cursor) -> tuple[Applied, Cursor]:
        """No write at all where no row came and the position is as it was."""
        mark = reading.mark
        if mark is None:
            return Applied(), cursor
        done = replace(
            cursor,
            position=cursor.position if mark.position is None else position_text(mark.position),
            raw_done=mark.raw_seq,
            updated_at=reading.last_seen,
            cursor_columns=",".join(reading.layout.cursors),
            logged=self._changes,
            pruned_at=cursor.pruned_at if cursor.raw_done else day_of(reading.last_seen),
        )
        if (done.raw_done, done.position) == (cursor.raw_done, cursor.position):
            return Applied(), cursor
        applied = apply(
            self._warehouse,
            reading.layout,
            cursor,
            done,
            changes=self._changes,
            echoes=self._echoes,
            take=self._desk.apply if self._desk is not None else None,
        )
        reading.committed()
        return applied, applied.moved(done)
