"""Reads one report from a published file: every suite's last judgement, what it means now, and the data around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tailrace.errors import BadInput, near_miss
from tailrace.project.spec import Project
from tailrace.report import evidence
from tailrace.report.behind import read_behind
from tailrace.report.document import STATES, Report, Run, Suite
from tailrace.report.freshness import read_landed, read_models
from tailrace.report.judgements import failed_steps, read_judged, read_runs
from tailrace.report.known import Known, personal_of
from tailrace.report.local import NOTHING, Local
from tailrace.report.published import Published
from tailrace.report.sentences import failures, moment, overall
from tailrace.report.suites import told_suite
from tailrace.warehouse.base import Warehouse


def read_report(
    warehouse: Warehouse,
    project: Project,
    *,
    version: str,
    now: datetime,
    run_id: str = "",
    local: Local = NOTHING,
) -> Report:
    """`now`: UTC without a zone. `run_id`: as that run left things (`last` and "" are the newest that is published).

    `local` is what the machine knows of runs that are not published.
    """
    published = Published(warehouse)
    runs = read_runs(published)
    run, until = _chosen(runs, run_id)
    judged = read_judged(published, until)
    known = Known(
        project, now, run, until is not None, judged, {one.run_id: one for one in runs},
        evidence.read_samples(published), evidence.read_held(published) if until is None else {},
        evidence.read_syncs(published, project) if until is None else {}, read_models(published, project),
        personal_of(project), local, read_behind(published) if until is None else {},
    )  # fmt: skip
    suites = tuple(sorted((told_suite(known, one) for one in project.suites), key=_rank))
    state, sentence = overall(suites)
    if run is not None:
        run = replace(run, failed=failed_steps(published, run.run_id))
    declared = {suite.name for suite in project.suites}
    return Report(
        project.name, project.target.name, version, now, state, sentence, run, known.is_past,
        _alerts(known, run, suites), suites,
        () if known.is_past else read_landed(published, project, now),
        () if known.is_past else tuple(built for built, _ in known.models.values()),
        tuple(sorted(set(judged.judgements) - declared)),
    )  # fmt: skip


def _chosen(runs: Sequence[Run], run_id: str) -> tuple[Run | None, datetime | None]:
    """The run to tell of, and when the one after it began; None where it is the newest."""
    if run_id in ("", "last"):
        return (runs[0] if runs else None), None
    for number, run in enumerate(runs):
        if run.run_id == run_id:
            return run, runs[number - 1].started_at if number else None
    raise BadInput(
        f"there is no run {run_id} in the published file", near_miss(run_id, [one.run_id for one in runs])
    )


def _rank(suite: Suite) -> tuple[int, int, str]:
    return STATES.index(suite.state), -len(suite.failing), suite.name


def _alerts(known: Known, run: Run | None, suites: Sequence[Suite]) -> tuple[str, ...]:
    """What is wrong with the runs themselves."""
    found = []
    newest = known.local.newest
    if newest and not known.is_past and newest.run_id not in known.runs and newest.status == "failed":
        found.append(
            f"Run {newest.run_id} ({moment(newest.started_at)}) failed before it published anything:"
            f" {newest.error or 'no reason is known'}. This page shows what was published before it."
        )
    if run is not None and run.failed:
        found.append(
            f"In run {run.run_id} something failed, so data behind it may be older than it: {failures(run.failed)}."
            f" To see all of it: tailrace show {run.run_id}"
        )
    if run is not None and run.status == "failed" and not run.failed:
        found.append(f"Run {run.run_id} failed: {run.error or 'no reason is known'}.")
    if any(suite.state == "blocked" for suite in suites) and not known.is_past:
        found.append(
            "While a suite blocks, nothing new is published: all published tables stay as they were before."
        )
    return tuple(found)
