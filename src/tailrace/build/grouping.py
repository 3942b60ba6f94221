"""Models that share a transaction: a commit costs more than a small model, and a kill still leaves whole models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from tailrace import interrupts
from tailrace.build.built import Made, Parts, doubt_built, trust_built, write_built
from tailrace.build.effort import may_take_long
from tailrace.build.graph import ModelNode
from tailrace.build.materialize.job import Job
from tailrace.build.materialize.write import finish_model, write_model
from tailrace.errors import WarehouseError
from tailrace.failpoints import reach

SECONDS = 0.5
MODELS = 100
"""A transaction is committed once it lasts so long or holds so many."""


@dataclass
class Task:
    """A model on its way to be built; `node` is what is remembered of it, whose SQL no types of this day have shaped."""

    job: Job
    parts: Parts
    node: ModelNode
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    rows: int = 0
    wrong: bool = False

    @property
    def is_doubtful(self) -> bool:
        """Whether a kill after its table has swapped would have the next build join rows to it: an incremental made from nothing.

        Where nothing is remembered of it that is only one that is never made from nothing again.
        """
        settings, job = self.node.settings.incremental, self.job
        if settings is None or not job.whole or job.writer.transactional:
            return False
        return bool(job.ours) or settings.full_refresh is False


class Group:
    """Builds what is added; `done` and `failed` hear of each model once, when its transaction has ended.

    What may take long is not waited for: the models before it are committed first. A model that has tests is built alone.
    """

    def __init__(
        self,
        run_id: str,
        now: Callable[[], datetime],
        done: Callable[[Sequence[Task]], None],
        failed: Callable[[Task, WarehouseError], None],
    ) -> None:
        self._run_id = run_id
        self._now = now
        self._done = done
        self._failed = failed
        self._tasks: list[Task] = []
        self._open = ExitStack()
        self._since = 0.0

    def add(self, task: Task) -> bool:
        """Build one more; False where it failed, and then the models before it are built each on its own."""
        warehouse = task.job.warehouse
        if self._tasks and may_take_long(task.job, self._made()):
            self.commit()
        try:
            if not self._tasks:
                self._since = time.monotonic()
                self._open.enter_context(warehouse.transaction())
            if not any(one.job.node.schema == task.job.node.schema for one in self._tasks):
                warehouse.ensure_schema(task.job.node.schema)
            self._write(task)
        except WarehouseError as error:
            interrupts.check()
            self._retreat(error)
            return self._fail(task, error)
        self._tasks.append(task)
        reach("build:made")
        if len(self._tasks) >= MODELS or time.monotonic() - self._since >= SECONDS:
            self.commit()
        return not task.wrong

    def alone(self, task: Task) -> bool:
        """Build a model in a transaction of its own; False where it failed."""
        self.commit()
        warehouse = task.job.warehouse
        try:
            with self._doubted(task), warehouse.transaction():
                warehouse.ensure_schema(task.job.node.schema)
                self._write(task)
                self._remember([task])
            finish_model(task.job)
        except WarehouseError as error:
            return self._fail(task, error)
        reach("build:after_commit")
        self._done([task])
        return True

    @contextmanager
    def _doubted(self, task: Task) -> Iterator[None]:
        """Rows that join a table have to know which one: one that swaps before it is remembered is remembered as unsure."""
        if not task.is_doubtful:
            yield
            return
        warehouse, name = task.job.warehouse, task.node.name
        before = doubt_built(warehouse, self._made_of(task), run_id=self._run_id, now=self._now())
        try:
            yield
        except WarehouseError:
            if not task.job.writer.swapped:
                with suppress(WarehouseError):
                    trust_built(warehouse, name, before)
            raise

    def commit(self) -> None:
        """End the transaction that is open; where that fails, each model is built on its own."""
        if not self._tasks:
            return
        try:
            self._remember(self._tasks)
            self._open.close()
        except WarehouseError as error:
            interrupts.check()
            self._retreat(error)
            return
        reach("build:after_commit")
        done, self._tasks = self._tasks, []
        self._done(done)

    def abandon(self, error: BaseException) -> None:
        """Leave nothing half done behind an error of our own."""
        self._tasks = []
        self._open.__exit__(type(error), error, None)

    def save(self) -> None:
        """Keep what is finished though the statement after it was stopped: small models, made once more without its traces."""
        stopped = KeyboardInterrupt()
        self._open.__exit__(type(stopped), stopped, None)
        done, self._tasks = self._tasks, []
        if not done:
            return
        with done[0].job.warehouse.transaction():
            for task in done:
                task.job.warehouse.ensure_schema(task.job.node.schema)
                self._write(task)
            self._remember(done)
        self._done(done)

    def _made(self) -> dict[str, int]:
        return {str(task.job.node.table): task.rows for task in self._tasks}

    def _fail(self, task: Task, error: WarehouseError) -> bool:
        task.wrong = True
        self._failed(task, error)
        return False

    def _write(self, task: Task) -> None:
        started = time.monotonic()
        task.rows = write_model(task.job)
        task.seconds = time.monotonic() - started

    def _made_of(self, task: Task) -> Made:
        return Made(task.node, task.parts, task.rows, task.job.is_taking)

    def _remember(self, tasks: list[Task]) -> None:
        made = [self._made_of(task) for task in tasks]
        write_built(tasks[0].job.warehouse, made, run_id=self._run_id, now=self._now())
        reach("build:before_commit")

    def _retreat(self, error: WarehouseError) -> None:
        """The engine gives a transaction up as a whole: what it held is built again, one by one."""
        self._open.__exit__(type(error), error, None)
        again, self._tasks = self._tasks, []
        for task in again:
            self.alone(task)
