"""Build the selected models in the graph's order; one that fails stops only what reads it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

from tailrace.build.fingerprint import Decision, Fingerprint, Judge
from tailrace.build.graph import Graph, ModelNode
from tailrace.build.materialize import ensure_state, materialize
from tailrace.errors import WarehouseError
from tailrace.events import Progress, StepFinished, StepStarted, emit
from tailrace.state.runs import StepResult
from tailrace.warehouse.base import TableRef, Warehouse


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
    """One result a selected model: ok (built), skipped (up to date, or not buildable), failed.

    `stale` are landed tables whose last reading failed: what reads them is flagged, or skipped, as `on_stale` says.
    """
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
        self.warehouse = warehouse
        self.graph = graph
        self.root = root
        self.run_id = run_id
        self.now = now
        self.stale = stale
        self.old: dict[str, list[str]] = {}
        self.judge = Judge(warehouse, graph)

    def build(self, selected: Collection[str]) -> list[StepResult]:
        results: list[StepResult] = []
        for name in self.graph.order:
            if name not in selected:
                self.judge.settle(name, None)
                continue
            results.append(self._one(self.graph.nodes[name]))
            emit(Progress("build", name, len(results), len(selected), "models"))
        return results

    def _one(self, node: ModelNode) -> StepResult:
        old = self._stale_inputs(node)
        blocked = self._cannot_build(node, old)
        if old:
            self.old[node.name] = old
        detail: dict[str, object] = {"stale": old} if old else {}
        if blocked:
            self.judge.settle(node.name, None)
            return StepResult("build", node.name, "skipped", error=blocked, detail=detail)
        decision, found = self.judge.judge(node.name)
        if decision.action == "skip":
            self.judge.settle(node.name, found)
            return StepResult("build", node.name, "skipped", detail={**detail, "why": decision.why})
        return self._materialize(node, decision, found, detail)

    def _materialize(
        self, node: ModelNode, decision: Decision, found: Fingerprint, detail: dict[str, object]
    ) -> StepResult:
        emit(StepStarted("build", node.name))
        started = time.monotonic()
        status, error, rows = "ok", None, 0
        try:
            ensure_state(self.warehouse)
            rows = materialize(self.warehouse, node, found, self.root, run_id=self.run_id, now=self.now())
            self.judge.settle(node.name, found)
        except WarehouseError as failure:
            status, error = "failed", f"{node.path}: {failure}"
            self.judge.settle(node.name, None)
            self.old[node.name] = [node.name]
        seconds = time.monotonic() - started
        emit(StepFinished("build", node.name, status, 0, rows, seconds, error))
        why = {"why": decision.why}
        return StepResult("build", node.name, status, 0, rows, seconds, error, {**detail, **why})  # type: ignore[arg-type]

    def _stale_inputs(self, node: ModelNode) -> list[str]:
        """Landed tables and models under this one that are older than this run."""
        found = [str(source) for source in node.sources if str(source) in self.stale]
        return sorted({*found, *(old for name in node.depends_on for old in self.old.get(name, []))})

    def _cannot_build(self, node: ModelNode, old: list[str]) -> str | None:
        """Why a model has to wait: something under it was never there, or it would rather not use old data."""
        for name in node.depends_on:
            ref = self.graph.nodes[name].table
            if not self.warehouse.columns(ref):
                return f"upstream {name} is not there: build it first"
        for source in node.sources:
            if not self.warehouse.columns(TableRef(source.schema, source.name)):
                return f"{source} is not landed yet"
        if old and node.on_stale == "skip":
            return f"{', '.join(old)} is stale, and this model's on_stale is skip"
        return None
