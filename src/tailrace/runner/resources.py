"""One landed resource at a time: rebuilding it from its raw rows, and comparing it with the vendor."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import date

from tailrace.errors import BadInput
from tailrace.events import StepFinished, emit
from tailrace.plan.brought import brought
from tailrace.plan.resolve import Resolved
from tailrace.project.spec import Pipeline, Resource
from tailrace.runner.locking import locked
from tailrace.runner.publishing import publish_work
from tailrace.runner.session import Session
from tailrace.runner.steps import changes_of, source_of, spec_of, validate
from tailrace.state import runs
from tailrace.state.runs import StepResult
from tailrace.warehouse.base import TableRef


@dataclass(frozen=True)
class Landed:
    """A resource with the pipeline that lands it."""

    pipeline: Pipeline
    resource: Resource

    @property
    def table(self) -> TableRef:
        return TableRef(self.pipeline.dataset, self.resource.name)


def find_resource(resolved: Resolved, name: str) -> Landed:
    """`dataset.resource`, or `resource` where only one pipeline has it; BadInput with what is near."""
    every = {
        str(TableRef(pipeline.dataset, resource.name)): Landed(pipeline, resource)
        for pipeline in resolved.project.pipelines
        for resource in pipeline.resources
    }
    found = [landed for full, landed in every.items() if name in (full, landed.resource.name)]
    dataset, _, table = name.partition(".")
    found += [  # a pipeline that names no resources: any may be one
        Landed(pipeline, Resource(table, {}, pipeline.marks))
        for pipeline in resolved.project.pipelines
        if pipeline.is_open and pipeline.dataset == dataset and table
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadInput(
            f"{name} is landed by several pipelines", f"write {' or '.join(str(one.table) for one in found)}"
        )
    names = [*every, *(landed.resource.name for landed in every.values())]
    near = difflib.get_close_matches(name, names, n=1)
    raise BadInput(
        f"no pipeline lands {name}", f"did you mean {near[0]}?" if near else f"there are {', '.join(every)}"
    )


def replay_resource(
    session: Session, landed: Landed, days: tuple[date, date] | None, *, publishing: Resolved | None
) -> None:
    """Rebuild under the run lock; the result is in the session. `publishing`: publish it, once every suite has judged."""
    from tailrace.land.replay import replay

    started = session.now()
    with locked(session):
        runs.begin(session.store, session.run_id, session.command, session.project.target.name, started)
        with session.warehouse() as warehouse, session.step("land", str(landed.table)):
            done = replay(
                warehouse, landed.table, days, changes=changes_of(session, landed.pipeline, landed.resource)
            )
            seconds = (session.now() - started).total_seconds()
            emit(StepFinished("land", str(landed.table), "ok", done.rows, done.changes, seconds))
            say = f"{done.rows:,} raw rows of {done.keys:,} records taken over again, {done.changes:,} changes logged"
            detail = {"replayed": done.keys, "say": say}
            session.record(
                StepResult("land", str(landed.table), "ok", done.rows, done.changes, seconds, detail=detail)
            )
        whole = publishing is not None and session.status() == "ok"
        if publishing is not None and whole:
            with session.warehouse() as warehouse:
                validate(session, warehouse, publishing, publishing.project.suites)
        runs.finish(session.store, session.run_id, session.status(), None, session.now())
        if whole:
            publish_work(session, "warehouse")


def reconcile_resource(session: Session, landed: Landed) -> dict[str, object]:
    """What the published table and the vendor say of each other; takes no lock and writes nothing."""
    from tailrace.land.reconcile import reconcile

    spec = spec_of(session, landed.pipeline, landed.resource)
    with brought(session.project, [landed.table, landed.table.suffixed("__keys")]) as warehouse:
        found = reconcile(warehouse, source_of(session, landed.pipeline), spec, landed.table)
    differences = {
        word: {"count": difference.count, "keys": list(difference.keys)}
        for word, difference in (
            ("missing", found.missing),
            ("surplus", found.surplus),
            ("behind", found.behind),
        )
    }
    return {
        "resource": str(landed.table),
        "agrees": found.agrees,
        "complete": found.complete,
        "vendor": found.theirs,
        "warehouse": found.ours,
        "compared": found.compared,
        **differences,
    }
