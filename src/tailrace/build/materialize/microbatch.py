"""Microbatch models: one transaction for each batch, only where its input changed; a whole rebuild happens beside the table.

Rows of a batch are replaced where they stand, so readers see each batch old or new. Where everything has to be built (the
first time, other SQL, other columns), a table in tailrace_stage is filled batch by batch, which an interrupted build
resumes, and takes the model's place when it is complete: nobody reads half of it, or rows of two versions of the SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tailrace.build import intervals
from tailrace.build.batches import set_batch
from tailrace.build.built import Parts, digest
from tailrace.build.graph import ModelNode
from tailrace.build.intervals import Batch, Interval
from tailrace.build.materialize.contract import contract_of, enforce_contract, ordered_columns
from tailrace.build.materialize.hooks import run_hooks
from tailrace.build.materialize.job import Job, key_columns
from tailrace.build.settings.incremental import Incremental, Microbatch
from tailrace.build.stale import Digests, Inputs, is_same
from tailrace.build.touched import refuse_no_time
from tailrace.errors import WarehouseError
from tailrace.failpoints import reach
from tailrace.warehouse.base import STAGE, TableRef, in_batches

EMPTY_AT_ONCE = 100
"""Batches without input that share a transaction; their SQL runs all the same, since it may have rows of its own."""


@dataclass(frozen=True)
class Done:
    """Rows that were written, in how many of all batches, and what the table is made of now.

    `swapped`: the table as a whole is another one, though this build may have had none of its batches left to make.
    """

    rows: int
    built: int
    total: int
    parts: Parts
    swapped: bool = False


class Batches:
    """One build of a microbatch model. `remember(parts, rows)` writes its state, inside a transaction of ours.

    What the model's tests, if it has any, say of the finished table undoes whatever readers would have seen of this build. So
    batches in the table itself then share one transaction; those of a table aside are kept, and not swapped in.
    """

    def __init__(
        self,
        job: Job,
        parts: Parts,
        before: Parts | None,
        span: tuple[datetime, datetime] | None,
        run_id: str,
        remember: Callable[[Parts, int], None],
    ) -> None:
        settings = job.node.settings.incremental
        assert settings is not None
        assert settings.microbatch is not None
        self._job = job
        self._settings: Incremental = settings
        self._batch: Microbatch = settings.microbatch
        self._parts = parts
        self._before = before
        self._span = span
        self._run_id = run_id
        self._remember = remember
        every = tuple(intervals.batches(self._batch.begin, job.now, self._batch.batch_size))
        self._inputs = Inputs(job.warehouse, _with_places(job), self._batch, every, parts, before)
        self._fingerprint = digest(parts.sql)
        self._rebuild = ""
        self._ref = TableRef(STAGE, f"rebuild__{job.node.name}")
        self._side = job.warehouse.dialect.table(self._ref)
        self._writer = job.writer

    def build(self) -> Done:
        """Whatever is missing or stale; after a WarehouseError the batches that were finished stay so."""
        every = self._inputs.every
        if not every:
            raise WarehouseError(f"begin {self._batch.begin:%Y-%m-%d} lies in the future", "begin earlier")
        warehouse, name = self._job.warehouse, self._job.node.name
        intervals.ensure_intervals(warehouse)
        protected = self._settings.full_refresh is False
        if self._job.whole or self._job.standing is None:
            return self._aside(self._inputs.digests({}))
        records = intervals.read_intervals(warehouse, name, complete=True)
        now = self._inputs.digests(records)
        stale = self._inputs.stale(records, now, "" if protected else self._fingerprint, self._span)
        if not protected and (1 < len(stale) == len(every) or self._has_other_columns(stale)):
            return self._aside(now)
        return self._in_place(stale, now)

    def _has_other_columns(self, stale: Sequence[Batch]) -> bool:
        """Whether the SQL gives other columns than the table has, as a star does when its table grew."""
        sql = self._sql((stale or self._inputs.every)[0], standing=True)
        return self._writer.result(sql) != self._writer.columns(self._job.table)

    def _in_place(self, stale: Sequence[Batch], now: Digests) -> Done:
        """Batch by batch in the table itself, which has to keep a contract that is new to it."""
        if self._before is None or self._before.config != self._parts.config:
            enforce_contract(self._job, self._job.table)
        parts = replace(self._parts, revision=self._run_id) if stale else self._parts
        rows, chunks = 0, list(self._chunks(stale, now)) or [[]]
        if self._job.audit is not None:
            chunks = [list(stale)]
        for number, chunk in enumerate(chunks):
            last = number == len(chunks) - 1
            with self._job.warehouse.transaction():
                if chunk and number == 0:
                    run_hooks(self._job, "pre_hook")
                    self._writer.thaw()
                for some in in_batches(chunk, EMPTY_AT_ONCE):
                    rows += self._fill(self._job.table, some, now, complete=True)
                self._writer.finish(contract_of(self._job) if chunk else None)
                waits = self._writer.waits
                if chunk and last and not waits:
                    run_hooks(self._job, "post_hook")
                if last:
                    self._discard()
                    intervals.forget_outside(self._job.warehouse, self._job.node.name, self._inputs.every)
                    if self._writer.transactional or not chunk:
                        self._job.audited({})
                    self._remember(parts, rows)
                elif number == 0:
                    # should the inputs return to what they were, half of the batches would not be what they are built from
                    self._remember(replace(parts, data={}, upstream={}), rows)
                reach("batch:before_commit")
            self._writer.clear()
            reach("batch:after_commit")
            if chunk and last and waits:
                run_hooks(self._job, "post_hook")
        return Done(rows, len(stale), len(self._inputs.every), parts)

    def _aside(self, now: Digests) -> Done:
        """All batches into a table of their own, which goes on where it was interrupted, and then takes the place."""
        warehouse, name = self._job.warehouse, self._job.node.name
        batch = self._batch
        self._rebuild = digest(
            self._fingerprint, batch.event_time, batch.batch_size, batch.begin, self._inputs.columns()
        )
        records = self._resumable()
        todo = [b for b in self._inputs.every if not is_same(records.get(b), now[b], self._rebuild)]
        for number, chunk in enumerate(self._chunks(todo, now)):
            with warehouse.transaction():
                if number == 0 and not records:
                    run_hooks(self._job, "pre_hook")
                    self._begin(chunk[0])
                self._fill(self._side, chunk, now, complete=False)
                self._writer.finish(None, seen=False)
                reach("batch:before_commit")
            self._writer.clear()
            reach("batch:after_commit")
        parts = replace(self._parts, revision=self._run_id)
        with warehouse.transaction():
            rows = self._swap()
            run_hooks(self._job, "post_hook")
            if self._writer.transactional:
                self._job.audited({})
            intervals.complete_intervals(warehouse, name, self._fingerprint)
            self._remember(parts, rows)
            reach("batch:before_swap")
        self._writer.clear()
        reach("batch:after_swap")
        return Done(rows, len(todo), len(self._inputs.every), parts, swapped=True)

    def _resumable(self) -> dict[Batch, Interval]:
        """What an interrupted build left that this one can go on with; anything else is thrown away."""
        warehouse, name = self._job.warehouse, self._job.node.name
        records = intervals.read_intervals(warehouse, name, complete=False)
        there = self._writer.columns(self._side) if self._writer.stands(self._ref) else {}
        begun = {one.fingerprint for one in records.values()} == {self._rebuild}
        if there and begun and records.keys() <= set(self._inputs.every):
            batch = min(records)
            sql = set_batch(self._job.node.sql, batch.start, batch.end)
            if self._writer.result(sql) == there:
                return records
        if there or records:
            with warehouse.transaction():
                self._discard()
        return {}

    def _discard(self) -> None:
        """Whatever an interrupted build left beside the table."""
        if self._writer.stands(self._ref):
            self._writer.drop(self._side)
        intervals.forget_intervals(self._job.warehouse, self._job.node.name, complete=False)

    def _begin(self, batch: Batch) -> None:
        """The empty table beside the model's own."""
        sql = set_batch(self._job.node.sql, batch.start, batch.end)
        self._writer.begin(self._side, sql, ordered_columns(self._job, sql))

    def _swap(self) -> int:
        """The rows that were built beside become the model's."""
        self._job.warehouse.ensure_schema(self._job.node.schema)
        return self._writer.take(self._side, contract_of(self._job))

    def _chunks(self, todo: Sequence[Batch], now: Digests) -> Iterator[list[Batch]]:
        """Batches that share a transaction: each alone, but for those that have no rows to read."""
        waiting: list[Batch] = []
        for batch in todo:
            if not self._inputs.is_empty(now[batch]):
                if waiting:
                    yield waiting
                waiting = []
                yield [batch]
            else:
                waiting.append(batch)
                if len(waiting) == EMPTY_AT_ONCE:
                    yield waiting
                    waiting = []
        if waiting:
            yield waiting

    def _fill(self, table: str, chunk: Sequence[Batch], now: Digests, *, complete: bool) -> int:
        """Replace the rows of some batches, and note what they were built from; returns the rows."""
        warehouse = self._job.warehouse
        if not chunk:
            return 0
        columns = self._writer.columns(table)
        time = self._event_time(columns)
        done = [
            Interval(
                batch,
                self._fingerprint if complete else self._rebuild,
                now[batch],
                self._fill_one(table, batch, time, self._sql(batch, standing=complete), list(columns)),
            )
            for batch in chunk
        ]
        name = self._job.node.name
        intervals.write_intervals(
            warehouse, name, done, complete=complete, run_id=self._run_id, now=self._job.now
        )
        return sum(one.rows for one in done)

    def _event_time(self, columns: Mapping[str, str]) -> str:
        """The table's own event time."""
        node, name = self._job.node, self._batch.event_time
        found = key_columns(self._job, "event_time", (name,), list(columns))[0]
        refuse_no_time(name, columns[found], node.table, node.settings.places.get("event_time"))
        return found

    def _sql(self, batch: Batch, *, standing: bool) -> str:
        """The query for one batch; `standing`: its rows go into the table that is read, so is_incremental() was true."""
        node = self._job.node
        sql = node.incremental_sql if standing and node.incremental_sql else node.sql
        return set_batch(sql, batch.start, batch.end)

    def _fill_one(self, table: str, batch: Batch, time: str, sql: str, columns: list[str]) -> int:
        try:
            return self._writer.overwrite(table, (time, batch.start, batch.end), sql, columns)
        except WarehouseError as error:
            said = f"batch {batch.start:%Y-%m-%d %H:%M}: {error.message}"
            raise WarehouseError(said, error.fix) from error.__cause__


def _with_places(job: Job) -> ModelNode:
    """The model, of whose inputs each that is a model or seed has the place of its event time."""
    nodes = job.graph.nodes
    inputs = (
        replace(one, place=nodes[one.model].settings.places.get("event_time")) if one.model in nodes else one
        for one in job.node.batch_inputs
    )
    return replace(job.node, batch_inputs=tuple(inputs))
