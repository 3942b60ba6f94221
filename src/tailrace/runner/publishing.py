"""When what people read is renewed: only if the work file was written since, and never past a gate that said no.

With DuckDB that is a file. With BigQuery the tables are there already: a row of `tailrace_meta.runs` says that their run is
complete, views move where the profile wants them, and the file holds the copies that commands on this machine read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tailrace.build.built import read_built
from tailrace.events import StepFinished, StepStarted, emit
from tailrace.runner.meta import copy_runs
from tailrace.runner.session import Session
from tailrace.state.runs import StepResult
from tailrace.validate.results import failing_stages
from tailrace.warehouse.base import TableRef, Warehouse
from tailrace.warehouse.publish import publish, publish_meta

FACT = "published"


def shows_work(session: Session) -> bool:
    """Whether the published file has all that is in the work file: nobody has written there since, no gate said no."""
    return session.published.exists() and session.store.fact(FACT) == _seen(session, meta_only=False)


def publish_work(session: Session, name: str, *, meta_only: bool = False) -> StepResult:
    """Copy the work file over the published one; 0 bytes where nothing was written since the last time.

    Where a suite blocked or could not judge, or with `meta_only`, the data that analysts see stays: `tailrace_meta` is renewed, and the staged
    tables in which checks failed. LockLost where the state's lock is not ours any more.
    """
    session.store.check()
    started = session.now()
    emit(StepStarted("publish", name))
    with session.step("publish", name):
        error = _held_up(session)
        copied = _publish(session, meta_only=meta_only or error is not None)
        seconds = (session.now() - started).total_seconds()
        status = "stopped" if error else "ok" if copied else "skipped"
        result = StepResult("publish", name, status, seconds=seconds, error=error, detail={"bytes": copied})  # type: ignore[arg-type]
        emit(StepFinished("publish", name, status, 0, 0, seconds, error))
        return session.record(result)
    return session.results[-1]


def _held_up(session: Session) -> str | None:
    """Which suites keep the data from analysts: those that said no, and those whose step failed and left it unjudged."""
    judged = [result for result in session.results if result.step == "validate"]
    blocked = ", ".join(result.name for result in judged if result.status == "stopped")
    unjudged = ", ".join(result.name for result in judged if result.status == "failed")
    why = [f"blocked by {blocked}"] if blocked else []
    why += [f"not judged by {unjudged}"] if unjudged else []
    return f"{', '.join(why)}: the data published before stays" if why else None


def _publish(session: Session, *, meta_only: bool) -> int:
    if session.published.exists() and session.store.fact(FACT) == _seen(session, meta_only=meta_only):
        return 0
    if session.project.target.type == "duckdb":
        copied = _renew_file(session, meta_only=meta_only)
    else:
        from tailrace.runner.completing import complete_run

        copied = complete_run(session, meta_only=meta_only)
    session.store.remember(FACT, _seen(session, meta_only=meta_only))
    return copied


def _renew_file(session: Session, *, meta_only: bool) -> int:
    narrowed = session.project.target.publish_schemas
    with session.warehouse() as warehouse:
        copy_runs(warehouse, session.store)
        stages = _shown_stages(warehouse, narrowed)
        warehouse.checkpoint()
    target: Path = session.published
    target.parent.mkdir(parents=True, exist_ok=True)
    if meta_only:
        return publish_meta(session.work, target, stages).copied
    return publish(session.work, target, narrowed, stages).copied


def _shown_stages(warehouse: Warehouse, narrowed: Sequence[str]) -> list[TableRef]:
    """Staged tables that failing checks point at: analysts see a model's rows there only if they see the model itself."""
    stages = failing_stages(warehouse)
    if not narrowed:
        return [ref for ref, _ in stages]
    built = read_built(warehouse)
    return [ref for ref, model in stages if model in built and built[model].schema in narrowed]


def _seen(session: Session, *, meta_only: bool) -> str:
    return f"{session.work_state()}:{meta_only}"
