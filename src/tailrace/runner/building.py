"""The build step, and the build that has nothing to do: it is told without opening the warehouse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from tailrace import interrupts
from tailrace.build.asked import EPHEMERAL, UP_TO_DATE
from tailrace.build.idle import idle_key
from tailrace.events import Event, Notice, listening
from tailrace.plan.resolve import Chosen, Resolved
from tailrace.runner.session import Session
from tailrace.state.runs import StepResult

if TYPE_CHECKING:
    from tailrace.build.materialize.job import Audit
    from tailrace.warehouse.base import Warehouse


def build(session: Session, warehouse: Warehouse, resolved: Resolved, chosen: Chosen) -> bool:
    """The chosen models, in the graph's order; what was read from a failed resource is flagged stale.

    Returns whether nothing has to be said again by the next build: no failure, no notice.
    """
    from tailrace.build.run import build as build_models

    stale = {result.name for result in session.results if result.step == "land" and result.status == "failed"}
    unopened = {name.removesuffix(".*") for name in stale if name.endswith(".*")}
    stale |= {
        str(source)
        for node in resolved.graph.nodes.values()
        for source in node.sources
        if source.schema in unopened
    }
    told: list[Event] = []
    with listening(told.append):
        build_models(
            warehouse,
            resolved.graph,
            set(chosen.models),
            root=session.project.root,
            run_id=session.run_id,
            now=session.now,
            stale=stale,
            asked=session.asked,
            audits=_audits(session, warehouse, resolved, chosen) if session.tests else {},
            tell=session.record_all,
        )
    silent = not any(isinstance(event, Notice) for event in told)
    return silent and not any(result.status == "failed" for result in session.results)


def _audits(
    session: Session, warehouse: Warehouse, resolved: Resolved, chosen: Chosen
) -> Mapping[str, Audit]:
    """The tests of the chosen models, each a step of its own as it ends."""
    from tailrace.build.testing.audit import audits_of
    from tailrace.build.testing.outcome import Outcome
    from tailrace.runner.testing import step_of

    def tell(outcome: Outcome) -> None:
        interrupts.check()  # a test that was stopped has no outcome
        session.record(step_of(outcome))

    return audits_of(warehouse, resolved.project, resolved.graph, chosen.models, tell)


def recall(session: Session, resolved: Resolved, chosen: Chosen) -> list[StepResult] | None:
    """What the chosen models are where nothing changed since a build found them up to date; None where one has to look.

    The memory lies in the cache, which may be deleted: it holds a digest of the graph, the day and the work file's times.
    """
    if session.tests or session.asked.full_refresh or session.asked.days:
        return None
    try:
        kept = json.loads(session.memory.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    key = idle_key(resolved.graph, session.work_state())
    if kept.get("key") != key or not chosen.models <= set(kept["models"]):
        return None
    nodes = [resolved.graph.nodes[name] for name in resolved.graph.order if name in chosen.models]
    whys = [EPHEMERAL if node.materialized == "ephemeral" else UP_TO_DATE for node in nodes]
    return [
        StepResult("build", node.name, "skipped", detail={"why": why})
        for node, why in zip(nodes, whys, strict=True)
    ]


def remember(session: Session, resolved: Resolved) -> None:
    """After the warehouse was closed: which models are what they should be, as long as nobody writes it."""
    models = [
        result.name for result in session.results if result.step == "build" and not result.detail.get("stale")
    ]
    key = idle_key(resolved.graph, session.work_state())
    if key is None or not models:
        return
    temporary = session.memory.with_suffix(".tmp")
    with suppress(OSError):  # a folder that cannot be written costs time at the next build and nothing else
        session.memory.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"key": key, "models": models}), "utf-8")
        temporary.replace(session.memory)
