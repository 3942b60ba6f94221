"""One model in the transaction of whoever calls: hooks before, the relation, its contract, hooks after."""

from __future__ import annotations

from tailrace.build.materialize.contract import enforce_contract, ordered_columns
from tailrace.build.materialize.hooks import run_hooks
from tailrace.build.materialize.incremental import write_incremental
from tailrace.build.materialize.job import Job, columns_of, make_way, replace_table
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
    run_hooks(job, "post_hook")
    return rows


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
    rows = 0
    if kind == "view":
        make_way(job, "view")
        job.warehouse.execute(f"CREATE OR REPLACE VIEW {job.table} AS\n{job.node.sql}\n")
    else:
        select = seed_select(job.node, job.root) if kind == "seed" else job.node.sql
        rows = replace_table(job, select, ordered_columns(job, select))
    if job.node.settings.contract:
        enforce_contract(job, columns_of(job, job.table), job.table)
    return rows
