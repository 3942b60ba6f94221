"""Jobs that an earlier run left behind when it was killed: they are cancelled, and awaited, before this run begins."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tailrace.errors import AuthError, WarehouseError
from tailrace.events import Notice, emit

if TYPE_CHECKING:
    from tailrace.warehouse.bigquery.jobs import Jobs

GOING_ON = ("running", "pending")
PATIENCE = 300.0
"""Seconds: Google promises no time within which a cancelled job ends ("jobs.cancel")."""


def settle_earlier(
    jobs: Jobs, *, sleep: Callable[[float], None] = time.sleep, patience: float = PATIENCE
) -> int:
    """End what this project's earlier runs have on their way; returns how many jobs. Asks lists alone, which cost nothing.

    A job may still succeed while it is cancelled: after this its rows are there or never will be, and the run finds out which.
    """
    try:
        left = [job for state in GOING_ON for job in jobs.listed(state) if _is_earlier(jobs, job)]
    except AuthError:  # roles/bigquery.jobUser runs jobs and lists none
        emit(
            Notice(
                "info",
                f"jobs of a killed run are not looked for: grant roles/bigquery.user on {jobs.project}",
            )
        )
        return 0
    for job in left:
        emit(Notice("warning", f"job {job.job_id} of an earlier run still goes on: it is cancelled"))
        jobs.cancel_job(job)
    waited, pause = 0.0, 0.2
    for job in left:
        while not jobs.is_done(job):
            if waited >= patience:
                fix = f"wait, or end it: `bq cancel {jobs.project}:{jobs.location}.{job.job_id}`, then run again"
                raise WarehouseError(f"job {job.job_id} of an earlier run does not end", fix)
            sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 5.0)
    return len(left)


def _is_earlier(jobs: Jobs, job: Any) -> bool:
    """By its id one of this project's, and not of this run."""
    mine, own = str(job.job_id), jobs.badge
    return mine.startswith(own.prefix) and not mine.startswith(f"{own.prefix}{own.run}-")
