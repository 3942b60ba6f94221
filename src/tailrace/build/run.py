"""Build the selected models in the graph's order; one that fails stops only what reads it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tailrace import interrupts
from tailrace.build.asked import NOTHING, Asked
from tailrace.build.built import Made, ensure_built, write_built
from tailrace.build.fingerprint import Judge, Judgement
from tailrace.build.graph import Graph, ModelNode, flagged
from tailrace.build.grouping import Group, Task
from tailrace.build.materialize.hooks import END, START, run_project_hooks
from tailrace.build.materialize.job import Audit, Job
from tailrace.build.materialize.microbatch import Batches
from tailrace.build.materialize.places import placed
from tailrace.build.materialize.results import names_after
from tailrace.build.orphans import say_orphans
from tailrace.build.results import Results, Tell
from tailrace.build.seeds import seed_error
from tailrace.errors import FatalError, TailraceError, WarehouseError
from tailrace.events import Progress, StepFinished, StepStarted, emit
from tailrace.state.runs import StepResult
from tailrace.warehouse.base import Warehouse

Audits = Mapping[str, Audit]


def _nobody(_results: Sequence[StepResult]) -> None:
    """Nobody listens."""


def build(
    warehouse: Warehouse,
    graph: Graph,
    selected: Collection[str],
    *,
    root: Path,
    run_id: str,
    now: Callable[[], datetime],
    stale: Collection[str] = (),
    asked: Asked = NOTHING,
    audits: Audits = MappingProxyType({}),
    tell: Tell = _nobody,
) -> list[StepResult]:
    """One result for each selected model: ok (built), skipped (up to date, or it has to wait), failed.

    `stale` are landed tables (`dataset.table`) whose last reading failed: what reads them is flagged in the detail, or
    skipped where its `on_stale` says so. `root` is the project's folder, where the seeds are. Models that are restated are
    built even where they were not selected. Hooks of a project's runs are steps of their own where one fails. `audits` are
    tests by model, run inside its transaction: what they say is wrong makes it a failed one, and the relation stays as it was.
    `tell` hears of results as they become final, many at once where they do so at once. An interruption stops the statement
    that runs; what is finished is kept and told before KeyboardInterrupt.
    """
    graph = flagged(graph, FULL_REFRESH=asked.full_refresh)
    say_orphans(warehouse, graph)
    builder = _Builder(warehouse, graph, root, run_id, now, frozenset(stale), asked, audits)
    return builder.build({*selected, *asked.restated}, tell)


class _Builder:
    def __init__(
        self,
        warehouse: Warehouse,
        graph: Graph,
        root: Path,
        run_id: str,
        now: Callable[[], datetime],
        stale: frozenset[str],
        asked: Asked,
        audits: Audits,
    ) -> None:
        self._warehouse = warehouse
        self._graph = graph
        self._root = root
        self._run_id = run_id
        self._now = now
        self._stale = stale
        self._asked = asked
        self._audits = audits
        self._old: dict[str, tuple[str, ...]] = {}
        self._judge = Judge(warehouse, graph, asked, run_id)
        self._group = Group(run_id, now, self._done, self._group_failed)
        self._results = Results((), _nobody)
        self._number = self._total = 0
        self._details: dict[str, Mapping[str, Any]] = {}
        self._began = False
        self._stopped = False

    def build(self, selected: Collection[str], tell: Tell) -> list[StepResult]:
        self._total = len(selected)
        self._results = Results([name for name in self._graph.order if name in selected], tell)
        with interrupts.stopping(self._warehouse.interrupt) as let_finish:
            try:
                self._models(selected)
            except BaseException as error:
                let_finish()
                self._end(error)
                raise
        found = self._results.found
        return [found[name] for name in (START, *self._graph.order, END) if name in found]

    def _models(self, selected: Collection[str]) -> None:
        for name in self._graph.order:
            interrupts.check()
            if name in selected:
                self._one(self._graph.nodes[name])
                self._progress(name)
            else:
                self._judge.settle(name, None)
        self._group.commit()
        if self._began and not self._stopped:
            self._project_hooks(END)
        self._results.tell()

    def _progress(self, name: str) -> None:
        self._number += 1
        emit(Progress("build", name, self._number, self._total, "models"))

    def _end(self, error: BaseException) -> None:
        """Nothing is left half done; what an interruption found finished is kept."""
        if not interrupts.asked():
            self._group.abandon(error)
            return
        with suppress(WarehouseError, KeyboardInterrupt):
            self._group.save()

    def _one(self, node: ModelNode) -> None:
        old = self._stale_inputs(node)
        detail: dict[str, Any] = {"stale": list(old)} if old else {}
        self._old[node.name] = old
        try:
            judgement = self._judged(node)
        except FatalError as error:  # a template that asks the warehouse, and is wrong
            self._failed(node, str(error), detail)
            return
        missing, wait = self._missing(node), self._waits(node, old, judgement)
        if missing and not old:
            self._failed(node, f"{node.path}: {missing}", detail)
        elif missing or wait:
            self._judge.settle(node.name, None)
            self._skipped(node, {**detail, "why": missing or wait})
        elif judgement.decision.action == "skip":
            self._judge.settle(node.name, judgement.parts)
            said = f", on old data: {', '.join(old)}" if old else ""
            self._stands(node, {**detail, "why": judgement.decision.why + said})
        else:
            self._build(judgement, {**detail, "why": judgement.decision.why})

    def _judged(self, node: ModelNode) -> Judgement:
        if node.late:
            self._group.commit()  # a query of its template that fails must not end the others' transaction
        return self._judge.judge(node.name)

    def _build(self, judgement: Judgement, detail: Mapping[str, Any]) -> None:
        node = judgement.node
        if not self._begin():
            self._judge.settle(node.name, None)
            self._skipped(node, {**detail, "why": f"{START} failed"})
            return
        emit(StepStarted("build", node.name))
        emit(Progress("build", node.name, self._number, self._total, "models"))
        self._details[node.name] = detail
        built = self._judge.built_of(node.name)
        kind = self._judge.kind_of(node.name)
        ours = built.materialized if built else ""
        try:
            typed = self._typed(node)
        except FatalError as error:
            self._failed(node, str(error), detail)
            return
        job = Job(
            self._warehouse, self._graph, typed, self._root, self._graph.now, kind, judgement.whole, ours,
            judgement.before.config if judgement.before else None, self._audits.get(node.name),
        )  # fmt: skip
        task = Task(job, judgement.parts, node)
        settings = node.settings
        if settings.incremental and settings.incremental.microbatch:
            self._group.commit()
            self._batches(task, judgement)
        elif settings.pre_hooks or settings.post_hooks or job.audit or not job.writer.transactional:
            if self._group.alone(task):
                self._judge.settle(node.name, judgement.parts)
        elif self._group.add(task):
            self._judge.settle(node.name, judgement.parts)

    def _typed(self, node: ModelNode) -> ModelNode:
        """The engine that is far away tells the types of what is read for nothing, and refuses what was guessed without them."""
        if self._graph.late is None or self._warehouse.engine == "duckdb":
            return node
        return self._graph.late.typed(node, self._warehouse)

    def _stands(self, node: ModelNode, detail: Mapping[str, Any]) -> None:
        """A model that is up to date is tested all the same: a test that failed yesterday fails today."""
        if said := self._audited(node):
            self._failed(node, f"{node.path}: {said}", detail)
        else:
            self._skipped(node, detail)

    def _audited(self, node: ModelNode) -> str | None:
        """What the model's tests say of the relation that stands."""
        if node.name not in self._audits:
            return None
        self._group.commit()  # a test that the engine cannot run must not end the others' transaction
        return self._audits[node.name]({})

    def _begin(self) -> bool:
        """What comes before the first model that is built; False where it failed."""
        if not self._began:
            self._began = True
            ensure_built(self._warehouse)
            self._stopped = not self._project_hooks(START)
        return not self._stopped

    def _project_hooks(self, when: str) -> bool:
        try:
            names = names_after(self._graph, self._results.found.values()) if when == END else None
            run_project_hooks(self._warehouse, self._graph, when, names)
        except TailraceError as error:
            interrupts.check()
            emit(StepFinished("build", when, "failed", 0, 0, 0.0, str(error)))
            hook = StepResult("build", when, "failed", error=str(error))
            self._results.keep_hook(hook, first=when == START)
            return False
        return True

    def _batches(self, task: Task, judgement: Judgement) -> None:
        """A microbatch model has transactions of its own."""
        node = task.job.node

        def remember(parts: Any, rows: int) -> None:
            write_built(
                self._warehouse,
                [Made(task.node, parts, rows, task.job.is_taking)],
                run_id=self._run_id,
                now=self._now(),
            )

        span = self._asked.span(node.name)
        try:
            done = Batches(task.job, task.parts, judgement.before, span, self._run_id, remember).build()
        except WarehouseError as error:
            self._group_failed(task, error)
            return
        self._judge.settle(node.name, done.parts)
        task.rows = done.rows
        why = f"{self._details[node.name]['why']}; {done.built} of {done.total} batches"
        self._details[node.name] = {**self._details[node.name], "why": why, "batches": done.built}
        if done.built or done.swapped:
            self._done([task])
        else:
            emit(StepFinished("build", node.name, "skipped", 0, 0, task.seconds))
            self._skipped(node, self._details[node.name])

    def _done(self, tasks: Sequence[Task]) -> None:
        """What a transaction held, now that it has ended."""
        for task in tasks:
            name, rows = task.job.node.name, task.rows
            emit(StepFinished("build", name, "ok", 0, rows, task.seconds))
            detail = self._details[name]
            self._results.keep(StepResult("build", name, "ok", 0, rows, task.seconds, detail=detail))
        self._results.tell()

    def _group_failed(self, task: Task, error: WarehouseError) -> None:
        interrupts.check()  # a statement that was stopped is no failure
        node = task.job.node
        found = (
            seed_error(self._warehouse, node, self._root, error)
            if node.kind == "seed"
            else placed(node, error)
        )
        said = str(found).removesuffix(".")
        said = f"{said}. {error.fix}" if error.fix else said
        self._failed(node, said, self._details[node.name], task.seconds)

    def _failed(self, node: ModelNode, error: str, detail: Mapping[str, Any], seconds: float = 0.0) -> None:
        """The relation stays as it was, and what reads it is told so."""
        interrupts.check()
        self._judge.settle(node.name, None)
        self._old[node.name] = (*self._old[node.name], node.name)
        emit(StepFinished("build", node.name, "failed", 0, 0, seconds, error))
        failed = StepResult("build", node.name, "failed", seconds=seconds, error=error, detail=detail)
        self._results.keep(failed)
        self._results.tell()

    def _skipped(self, node: ModelNode, detail: Mapping[str, Any]) -> None:
        self._results.keep(StepResult("build", node.name, "skipped", detail=detail))

    def _stale_inputs(self, node: ModelNode) -> tuple[str, ...]:
        """Landed tables and models under this one that this run could not bring up to date."""
        own = [str(source) for source in node.sources if str(source) in self._stale]
        inherited = [old for up in node.depends_on for old in self._old.get(up, ())]
        return tuple(dict.fromkeys((*own, *inherited)))

    def _missing(self, node: ModelNode) -> str | None:
        """What the model reads and what is not there at all."""
        reads = self._judge.reads_of(node.name)
        if node.materialized == "ephemeral":
            return None
        for up in reads.depends_on:
            if not self._judge.is_there(up):
                return self._why_not_there(up, node)
        for table in reads.reads:
            if not self._judge.is_landed(table):
                return f"{table} is not landed yet (tailrace land)"
        return None

    def _why_not_there(self, up: str, node: ModelNode) -> str:
        """An upstream failed, waits behind one that did, or was never chosen."""
        old = self._old.get(up, ())
        if up in old:
            return f"upstream {up} failed"
        behind = [name for name in old if name in self._graph.nodes]
        if behind:
            return f"upstream {up} waits: {', '.join(behind)} failed"
        return f"upstream {up} is not built (select +{node.name})"

    def _waits(self, node: ModelNode, old: tuple[str, ...], judgement: Judgement) -> str | None:
        if old and node.on_stale == "skip" and judgement.decision.action == "build":
            return f"{', '.join(old)} is not up to date, and on_stale is skip"
        return None
