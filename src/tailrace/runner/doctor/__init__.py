"""Looks at everything that a run will need and says how it is: the warehouse, the state, every vendor.

Nothing is written but the state's own budgets; whatever fails, the rest is looked at all the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from tailrace import interrupts
from tailrace.connectors.sdk.base import Finding
from tailrace.plan.resolve import Chosen, Resolved
from tailrace.runner.doctor.accounts import account_findings
from tailrace.runner.doctor.asking import Use
from tailrace.runner.doctor.disk import state_findings, warehouse_findings
from tailrace.runner.doctor.inline import inline_findings
from tailrace.runner.session import Session, utc_now


def examine(
    resolved: Resolved, chosen: Chosen, *, everything: bool, now: Callable[[], datetime] = utc_now
) -> Iterator[Finding]:
    """One finding after the other, as they are made. `everything`: connections that nothing chosen uses too."""
    project = resolved.project
    if project.target.type == "bigquery":
        from tailrace.runner.doctor.bigquery import bigquery_findings

        yield from bigquery_findings(resolved)
    else:
        yield from warehouse_findings(project.target)
    of_state = list(state_findings(project.target, project.state_dir))
    yield from of_state
    with ExitStack() as stack:
        usable = not any(finding.level == "error" for finding in of_state)
        elsewhere = None if usable else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        session = Session(project, "doctor", now, elsewhere=elsewhere)
        stack.callback(session.close)
        for use in uses(resolved, chosen, everything=everything):
            interrupts.check()
            yield from account_findings(session, resolved, use)
        for pipeline in chosen.pipelines:
            if pipeline.source:
                interrupts.check()
                yield from inline_findings(session, pipeline)


def uses(resolved: Resolved, chosen: Chosen, *, everything: bool) -> Iterator[Use]:
    """Each connection with the chosen pipelines and syncs that use it."""
    for name in resolved.project.target.connections:
        pipelines = tuple(p for p in chosen.pipelines if p.connection == name)
        syncs = tuple(sync for sync in chosen.syncs if sync.connection == name)
        if pipelines or syncs or everything:
            yield Use(name, pipelines, syncs)
