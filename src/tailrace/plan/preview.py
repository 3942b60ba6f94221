"""What a run would do with what is landed already: models are built, judged and compared in a scratch database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tailrace.activate.run import count
from tailrace.build.fingerprint import Decision, decide
from tailrace.build.run import build
from tailrace.errors import EXIT_STOPPED, GateStopped, TailraceError
from tailrace.plan.impact import Vanished, vanished_columns
from tailrace.plan.resolve import Chosen, Resolved
from tailrace.plan.scratch import scratch
from tailrace.project.spec import Suite, Sync
from tailrace.state.runs import Status, StepResult
from tailrace.validate.quarantine import quarantined_keys_sql
from tailrace.validate.run import judge
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import stage

RUN_ID = "plan"


@dataclass(frozen=True)
class ModelPlan:
    """One model: `columns` that would be added, removed or retyped against what is published."""

    decision: Decision
    columns: Mapping[str, list[str]]

    def document(self) -> dict[str, Any]:
        found = self.decision
        return {"model": found.model, "action": found.action, "why": found.why, "columns": dict(self.columns)}


@dataclass
class Preview:
    """`syncs` are each sync's numbers as they would be, with examples before and after; `vanished` columns with readers."""

    models: list[ModelPlan] = field(default_factory=list)
    steps: list[StepResult] = field(default_factory=list)
    syncs: dict[str, dict[str, Any]] = field(default_factory=dict)
    vanished: list[Vanished] = field(default_factory=list)

    @property
    def status(self) -> str:
        found: set[str] = {step.status for step in self.steps}
        found |= {"stopped" for detail in self.syncs.values() if detail.get("stopped")}
        return next((status for status in ("failed", "stopped") if status in found), "ok")


def now() -> datetime:
    return datetime.now(UTC)


def preview(resolved: Resolved, chosen: Chosen) -> Preview:
    """Builds, judges and diffs the chosen part; takes no lock, asks no vendor, writes nothing."""
    found = Preview()
    target = resolved.project.target.path
    with scratch(resolved.project) as warehouse:
        decisions = decide(warehouse, resolved.graph, set(chosen.models))
        if target is None or not target.exists():  # nothing is landed that models could be built from
            found.models += [ModelPlan(decision, {}) for decision in decisions]
            return found
        found.vanished += vanished_columns(warehouse, resolved)
        before = {name: _columns(warehouse, resolved, name) for name in chosen.models}
        if any(decision.action == "build" for decision in decisions):
            found.steps += build(
                warehouse,
                resolved.graph,
                set(chosen.models),
                root=resolved.project.root,
                run_id=RUN_ID,
                now=now,
            )
        for decision in decisions:
            after = _columns(warehouse, resolved, decision.model)
            found.models.append(ModelPlan(decision, _difference(before[decision.model], after)))
        for sync in chosen.syncs:
            try:
                found.syncs[sync.name] = _sync(warehouse, resolved, sync, found)
            except TailraceError as error:
                status: Status = "stopped" if error.exit_code == EXIT_STOPPED else "failed"
                found.steps.append(StepResult("activate", sync.name, status, error=str(error)))
    return found


def _columns(warehouse: DuckDBWarehouse, resolved: Resolved, model: str) -> dict[str, str]:
    node = resolved.graph.nodes[model]
    return warehouse.columns(node.table)


def _difference(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    if not before:
        return {}
    return {
        "added": [f"{name} {kind}" for name, kind in after.items() if name not in before],
        "removed": [f"{name} {kind}" for name, kind in before.items() if name not in after],
        "retyped": [
            f"{n} {before[n]} -> {kind}" for n, kind in after.items() if n in before and before[n] != kind
        ],
    }


def _sync(warehouse: DuckDBWarehouse, resolved: Resolved, sync: Sync, found: Preview) -> dict[str, Any]:
    node = resolved.graph.nodes[sync.model]
    if any((step.step, step.name, step.status) == ("build", sync.model, "failed") for step in found.steps):
        raise GateStopped(f"model {sync.model} does not build, so nothing would be sent", "mend it")
    if not warehouse.columns(node.table):
        raise GateStopped(
            f"model {sync.model} is not built, so there is nothing to compare", "run `tailrace run` first"
        )
    staged = stage(warehouse, node.table, sync.name)
    suite = next((suite for suite in resolved.project.suites if suite.name == sync.validate), None)
    blocked = _blocked(warehouse, suite, staged, found) if suite else None
    quarantined = quarantined_keys_sql(warehouse, suite.name) if suite else None
    counts = count(warehouse, sync, staged, quarantined)
    detail = {**counts.detail(), "examples": [_example(example) for example in counts.examples]}
    return {**detail, "stopped": blocked or counts.stop}


def _blocked(warehouse: DuckDBWarehouse, suite: Suite, staged: Any, found: Preview) -> str | None:
    verdict, step = judge(warehouse, suite, staged, run_id=RUN_ID, now=now)
    found.steps.append(step)
    return (
        f"suite {suite.name} blocks: {'; '.join(verdict.reasons)}" if verdict.decision == "blocked" else None
    )


def _example(example: Any) -> dict[str, Any]:
    before, after = example.before or {}, example.after or {}
    names = after or before  # a field that is no longer mapped is left as it is
    changed = {n: [before.get(n), after.get(n)] for n in names if before.get(n) != after.get(n)}
    return {"key": example.primary_key, "operation": example.operation, "fields": changed}
