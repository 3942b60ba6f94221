"""What the models of a plan would do to the syncs: rows created, updated, deleted and held back in each CRM."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from tailrace.activate.run import count
from tailrace.errors import EXIT_STOPPED, GateStopped, TailraceError
from tailrace.plan.audience import audience_of, reading
from tailrace.plan.resolve import Resolved
from tailrace.project.spec import Suite, Sync
from tailrace.state.runs import Status, StepResult
from tailrace.validate.held import quarantined_keys_sql
from tailrace.validate.run import judge
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import Staged, stage

RUN_ID = "plan"


def sync_previews(
    warehouse: DuckDBWarehouse,
    resolved: Resolved,
    syncs: Iterable[Sync],
    steps: list[StepResult],
    now: Callable[[], datetime],
) -> dict[str, dict[str, Any]]:
    """By sync, on the models as they stand in the scratch; verdicts, and syncs that cannot be counted, are added to `steps`."""
    found = {}
    for sync in syncs:
        try:
            found[sync.name] = _preview(warehouse, resolved, sync, steps, now)
        except TailraceError as error:
            status: Status = "stopped" if error.exit_code == EXIT_STOPPED else "failed"
            steps.append(StepResult("activate", sync.name, status, error=str(error)))
    return found


def _preview(
    warehouse: DuckDBWarehouse,
    resolved: Resolved,
    sync: Sync,
    steps: list[StepResult],
    now: Callable[[], datetime],
) -> dict[str, Any]:
    node = resolved.graph.nodes[sync.model]
    if any((step.step, step.name, step.status) == ("build", sync.model, "failed") for step in steps):
        raise GateStopped(f"model {sync.model} does not build, so nothing would be sent", "mend it")
    if not warehouse.columns(node.table):
        raise GateStopped(
            f"model {sync.model} is not built, so there is nothing to compare", "run `tailrace run` first"
        )
    with reading(resolved, sync.model):
        staged = stage(warehouse, node.table, sync.name)
        suite = next((suite for suite in resolved.project.suites if suite.name == sync.validate), None)
        blocked = _blocked(warehouse, resolved, suite, staged, steps, now) if suite else None
    quarantined = quarantined_keys_sql(warehouse, suite.name) if suite else None
    counts = count(warehouse, sync, staged, quarantined)
    detail = {**counts.detail(), "examples": [_example(example) for example in counts.examples]}
    return {**detail, "stopped": blocked or counts.stop}


def _blocked(
    warehouse: DuckDBWarehouse,
    resolved: Resolved,
    suite: Suite,
    staged: Staged,
    steps: list[StepResult],
    now: Callable[[], datetime],
) -> str | None:
    verdict, step = judge(
        warehouse, suite, staged, run_id=RUN_ID, now=now, audience=audience_of(resolved, suite)
    )
    steps.append(step)
    return (
        f"suite {suite.name} blocks: {'; '.join(verdict.reasons)}" if verdict.decision == "blocked" else None
    )


def _example(example: Any) -> dict[str, Any]:
    before, after = example.before or {}, example.after or {}
    names = after or before  # a field that is no longer mapped is left as it is
    changed = {n: [before.get(n), after.get(n)] for n in names if before.get(n) != after.get(n)}
    return {"key": example.primary_key, "operation": example.operation, "fields": changed}
