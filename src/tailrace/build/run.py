"""Build the selected models in the graph's order; one that fails stops only what reads it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from tailrace.build.fingerprint import Judge, Judgement, ensure_built, read_built, write_built
from tailrace.build.graph import Graph, ModelNode
from tailrace.build.materialize import materialize
from tailrace.errors import WarehouseError
from tailrace.events import Notice, Progress, StepFinished, StepStarted, emit
from tailrace.state.runs import StepResult
from tailrace.warehouse.base import Warehouse


def build(
    warehouse: Warehouse,
    graph: Graph,
    selected: Collection[str],
    *,
    root: Path,
    run_id: str,
    now: Callable[[], datetime],
    stale: Collection[str] = (),
) -> list[StepResult]:
    """One result for each selected model: ok (built), skipped (up to date, or it has to wait), failed.

    `stale` are landed tables (`dataset.table`) whose last reading failed: what reads them is flagged in the detail, or
    skipped where its `on_stale` says so. `root` is the project's folder, where the seeds are.
    """
    _say_orphans(warehouse, graph)
    return _Builder(warehouse, graph, root, run_id, now, frozenset(stale)).build(selected)


class _Builder:
    def __init__(
        self,
        warehouse: Warehouse,
        graph: Graph,
        root: Path,
        run_id: str,
        now: Callable[[], datetime],
        stale: frozenset[str],
    ) -> None:
        self._warehouse = warehouse
        self._graph = graph
        self._root = root
        self._run_id = run_id
        self._now = now
        self._stale = stale
        self._old: dict[str, tuple[str, ...]] = {}
        self._judge = Judge(warehouse, graph)
        self._remembers = False

    def build(self, selected: Collection[str]) -> list[StepResult]:
        results: list[StepResult] = []
        for name in self._graph.order:
            if name in selected:
                results.append(self._one(self._graph.nodes[name]))
                emit(Progress("build", name, len(results), len(selected), "models"))
            else:
                self._judge.settle(name, None)
        return results

    def _one(self, node: ModelNode) -> StepResult:
        old = self._stale_inputs(node)
        detail: dict[str, Any] = {"stale": list(old)} if old else {}
        self._old[node.name] = old
        judgement = self._judge.judge(node.name)
        missing, wait = self._missing(node), self._waits(node, old, judgement)
        if missing and not old:
            return self._failed(node, f"{node.path}: {missing}", detail)
        if missing or wait:
            self._judge.settle(node.name, None)
            return self._skipped(node, {**detail, "why": missing or wait})
        if judgement.decision.action == "skip":
            self._judge.settle(node.name, judgement.parts)
            why = (
                f"{judgement.decision.why}, on old data: {', '.join(old)}" if old else judgement.decision.why
            )
            return self._skipped(node, {**detail, "why": why})
        return self._build(node, judgement, {**detail, "why": judgement.decision.why})

    def _build(self, node: ModelNode, judgement: Judgement, detail: Mapping[str, Any]) -> StepResult:
        emit(StepStarted("build", node.name))
        started = time.monotonic()
        try:
            if not self._remembers:
                ensure_built(self._warehouse)
                self._remembers = True
            write = partial(write_built, run_id=self._run_id, now=self._now())
            rows = materialize(
                self._warehouse,
                node,
                self._root,
                self._judge.kind_of(node.name),
                lambda rows: write(self._warehouse, node, judgement.parts, rows),
            )
        except WarehouseError as error:
            return self._failed(node, str(error), detail, time.monotonic() - started)
        self._judge.settle(node.name, judgement.parts)
        seconds = time.monotonic() - started
        emit(StepFinished("build", node.name, "ok", 0, rows, seconds))
        return StepResult("build", node.name, "ok", 0, rows, seconds, detail=detail)

    def _failed(
        self, node: ModelNode, error: str, detail: Mapping[str, Any], seconds: float = 0.0
    ) -> StepResult:
        """The relation stays as it was, and what reads it is told so."""
        self._judge.settle(node.name, None)
        self._old[node.name] = (*self._old[node.name], node.name)
        emit(StepFinished("build", node.name, "failed", 0, 0, seconds, error))
        return StepResult("build", node.name, "failed", seconds=seconds, error=error, detail=detail)

    def _skipped(self, node: ModelNode, detail: Mapping[str, Any]) -> StepResult:
        return StepResult("build", node.name, "skipped", detail=detail)

    def _stale_inputs(self, node: ModelNode) -> tuple[str, ...]:
        """Landed tables and models under this one that this run could not bring up to date."""
        own = [str(source) for source in node.sources if str(source) in self._stale]
        inherited = [old for up in node.depends_on for old in self._old.get(up, ())]
        return tuple(dict.fromkeys((*own, *inherited)))

    def _missing(self, node: ModelNode) -> str | None:
        """What the model reads and what is not there at all."""
        for up in node.depends_on:
            if not self._judge.is_there(up):
                failed = up in self._old.get(up, ())
                return (
                    f"upstream {up} failed" if failed else f"upstream {up} is not built (select +{node.name})"
                )
        for table in node.reads:
            if not self._judge.is_landed(table):
                return f"{table} is not landed yet (tailrace land)"
        return None

    def _waits(self, node: ModelNode, old: tuple[str, ...], judgement: Judgement) -> str | None:
        if old and node.on_stale == "skip" and judgement.decision.action == "build":
            return f"{', '.join(old)} is not up to date, and on_stale is skip"
        return None


def _say_orphans(warehouse: Warehouse, graph: Graph) -> None:
    """Tables whose model is gone from the project stay as they are: dropping data is a person's decision."""
    for name, built in sorted(read_built(warehouse).items()):
        node = graph.nodes.get(name)
        if (node and node.schema == built.schema) or name not in warehouse.tables(built.schema):
            continue
        kind = "view" if built.materialized == "view" else "table"
        place = f"{built.schema}.{name}"
        said = (
            f"{name} is built in {node.schema} now; {place} is left as it was,"
            if node
            else f"{place} has no model any more;"
        )
        emit(Notice("info", f"{said} drop the {kind} if nobody reads it"))
