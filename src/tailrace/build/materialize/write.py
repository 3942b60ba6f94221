"""One model in the transaction of whoever calls: hooks before, the relation, its contract, hooks after, its tests."""

from __future__ import annotations

from tailrace.build.materialize.contract import contract_of
from tailrace.build.materialize.hooks import run_hooks
from tailrace.build.materialize.incremental import write_incremental
from tailrace.build.materialize.job import Job
from tailrace.build.materialize.missing_column import with_near_miss
from tailrace.build.materialize.snapshot import write_snapshot
from tailrace.build.seeds import seed_select
from tailrace.errors import WarehouseError


def write_model(job: Job) -> int:
    """Returns the rows that were written (0 for a view, which holds none); WarehouseError where the engine refuses."""
    run_hooks(job, "pre_hook")
    try:
        rows = _write(job)
    except WarehouseError as error:
        told = with_near_miss(job, error)
        raise told from told.__cause__
    if not job.writer.waits:
        run_hooks(job, "post_hook")
    if job.writer.transactional:
        job.audited({})
    return rows


def finish_model(job: Job) -> None:
    """What can only come behind the transaction, where its rows were not to be seen before."""
    waited = job.writer.waits
    job.writer.clear()
    if waited:
        run_hooks(job, "post_hook")


def _write(job: Job) -> int:
    kind = job.node.materialized
    if kind != "snapshot" and job.standing is not None and (job.ours == "snapshot" or _is_history(job)):
        raise WarehouseError(
            f"{job.node.table} holds the history of a snapshot, which a {kind} would overwrite",
            "rename or drop that table first",
        )
    if kind == "incremental":
        return write_incremental(job)
    if kind == "snapshot":
        return write_snapshot(job)
    return _whole(job, kind)


def _is_history(job: Job) -> bool:
    """Whether a table of which no state is known is a snapshot's by its columns."""
    if job.ours or job.standing != "table":
        return False
    return {"dbt_scd_id", "dbt_valid_from", "dbt_valid_to"} <= set(job.warehouse.columns(job.node.table))


def _whole(job: Job, kind: str) -> int:
    """A view, a table or a seed: always made from nothing."""
    check = contract_of(job)
    if kind == "view":
        job.writer.define(job.node.sql, check)
        return 0
    if kind == "seed":
        return job.writer.load(seed_select(job.node, job.root), check)
    return job.writer.replace(job.node.sql, check)
