"""run_results.json: what became of models and tests, as dbt's ecosystem reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tailrace.build.testing.outcome import Outcome
from tailrace.plan.artifacts.files import write_json
from tailrace.plan.artifacts.ids import Ids
from tailrace.plan.artifacts.manifest import common_metadata
from tailrace.plan.artifacts.nodes import relation_of
from tailrace.plan.resolve import Resolved
from tailrace.plan.secrets import redactor_of
from tailrace.state.runs import StepResult

_STATUS = {"ok": "success", "failed": "error", "skipped": "skipped", "stopped": "error"}
_TEST_STATUS = {"skip": "skipped"}


def write_run_results(
    results: Sequence[StepResult],
    resolved: Resolved,
    folder: Path,
    *,
    command: str,
    started: datetime,
    finished: datetime,
    outcomes: Sequence[Outcome] = (),
    run_id: str = "",
    select: Sequence[str] = (),
) -> Path:
    """Writes run_results.json (schema v6) whole or not at all: one result for each build step and each test's outcome."""
    ids = Ids(resolved.project, resolved.graph)
    document = {
        "metadata": common_metadata("run-results/v6", finished, run_id),
        "results": list(_results(ids, results, outcomes, started)),
        "elapsed_time": (finished - started).total_seconds(),
        "args": {"which": command, "select": list(select), "project_dir": str(resolved.project.root)},
    }
    return write_json(folder / "run_results.json", document, redactor_of(resolved.project).redact)


def _results(
    ids: Ids, steps: Iterable[StepResult], outcomes: Iterable[Outcome], started: datetime
) -> Iterator[dict[str, Any]]:
    """Models are built one after another, so that each begins where the one before ended."""
    at = started
    for step in steps:
        if step.step == "build" and step.name in ids.graph.nodes:
            yield _built(ids, step, at)
            at += timedelta(seconds=step.seconds)
    tests = _test_ids(ids)
    for outcome in outcomes:
        unique_id = tests.get((outcome.name, str(outcome.location)))
        if unique_id is not None:
            yield _tested(outcome, unique_id, at)
            at += timedelta(seconds=outcome.seconds)


def _built(ids: Ids, step: StepResult, at: datetime) -> dict[str, Any]:
    node = ids.graph.nodes[step.name]
    is_seed = node.kind == "seed"
    return {
        "status": _STATUS.get(step.status, "error"),
        "timing": _timing(at, step.seconds),
        "thread_id": "Thread-1",
        "execution_time": step.seconds,
        "adapter_response": {"_message": step.status.upper(), "rows_affected": step.rows_out},
        "message": step.error or str(step.detail.get("why") or "") or None,
        "failures": None,
        "unique_id": ids.node(step.name),
        "compiled": None if is_seed else True,
        "compiled_code": None if is_seed else node.sql,
        "relation_name": relation_of(ids, node),
        "batch_results": None,
    }


def _tested(outcome: Outcome, unique_id: str, at: datetime) -> dict[str, Any]:
    return {
        "status": _TEST_STATUS.get(outcome.status, outcome.status),
        "timing": _timing(at, outcome.seconds),
        "thread_id": "Thread-1",
        "execution_time": outcome.seconds,
        "adapter_response": {"_message": outcome.status.upper()},
        "message": outcome.message or None,
        "failures": outcome.failures,
        "unique_id": unique_id,
        "compiled": bool(outcome.sql),
        "compiled_code": outcome.sql or None,
        "relation_name": outcome.stored or None,
        "batch_results": None,
    }


def _timing(at: datetime, seconds: float) -> list[dict[str, str]]:
    ends = at + timedelta(seconds=seconds)
    return [{"name": "execute", "started_at": at.isoformat(), "completed_at": ends.isoformat()}]


def _test_ids(ids: Ids) -> dict[tuple[str, str], str]:
    """Unique ids by a test's name and place."""
    found = {(test.name, str(test.location)): ids.data_test(test) for test in ids.project.data_tests}
    return found | {(test.name, str(test.location)): ids.unit_test(test) for test in ids.project.unit_tests}
