"""A sync in three phases: prepare (warehouse open), deliver (warehouse closed), settle (warehouse open).

The runner opens and closes things between them. Before a sync is prepared, `recover` settles what a killed
run left: answered batches are merged, batches in flight become `unknown` (sent again, creates looked up first), the
rest is still `pending`. The next changeset then decides anew, so consent withdrawn meanwhile is honoured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tailrace.activate import changeset, counting, guardrails, landed_log, ledger, merged
from tailrace.activate import settle as settling
from tailrace.activate.check import check_sync
from tailrace.activate.dead_letter import dead_drop, dead_list, dead_retry, prune, waiting, write_letters
from tailrace.activate.deliver import deliver
from tailrace.activate.mapping import literal
from tailrace.activate.result import (
    ChangesetStopped,
    Delivered,
    Ending,
    Landed,
    Options,
    Prepared,
    Scope,
    SyncCounts,
    SyncResult,
)
from tailrace.activate.staging import SUFFIX, remove_garbage
from tailrace.activate.target import scope_of
from tailrace.connectors.sdk.base import ObjectType
from tailrace.connectors.sdk.writing import RemoteField
from tailrace.errors import BadInput, FatalError, ProjectError, WarehouseError
from tailrace.project.spec import Sync
from tailrace.state import approvals, journal
from tailrace.state.store import Store
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged

__all__ = [
    "ChangesetStopped", "Delivered", "Options", "Prepared", "SyncCounts", "SyncResult", "check_sync",
    "dead_drop", "dead_list", "dead_retry", "deliver", "prepare", "recover", "settle",
]  # fmt: skip


ONCE = ("insert", "append")
"""Modes that make a record of each row, and are never to send it again."""


def prepare(
    warehouse: Warehouse,
    store: Store,
    sync: Sync,
    obj: ObjectType,
    account: str,
    staged: Staged,
    quarantined_sql: str | None,
    *,
    run_id: str,
    now: Callable[[], datetime],
    folder: Path,
    options: Options,
    remote: Callable[[], Mapping[str, RemoteField]] | None = None,
    landed: Landed | None = None,
) -> Prepared:
    """Diff, gate and stage. Raises ChangesetStopped where a gate says no; the ledger is consistent either way.

    `remote` asks the vendor for its fields, and is called only where there is something to send. `sync.options` are checked and
    filled in.
    """
    scope = scope_of(obj, account, sync)
    _check(warehouse, sync, obj, staged, options)
    ledger.ensure(warehouse)
    _nothing_left(store, sync)
    remove_garbage(folder, [each.stage for each in journal.deliveries(store)])
    ledger.check_account(warehouse, scope, options)
    asked = changeset.question(
        warehouse, sync, staged, scope,
        known=ledger.relation(warehouse, scope), quarantined=quarantined_sql, full_resync=options.full_resync,
        remote=remote, landed=landed, only=options.only, waiting=waiting(warehouse, scope, now()),
    )  # fmt: skip
    try:
        with warehouse.sparing(staged.rows):
            return _prepare(warehouse, store, asked, obj, run_id, now, folder, options)
    finally:
        changeset.discard(warehouse)


def _prepare(
    warehouse: Warehouse,
    store: Store,
    asked: changeset.Question,
    obj: ObjectType,
    run_id: str,
    now: Callable[[], datetime],
    folder: Path,
    options: Options,
) -> Prepared:
    hidden = asked.sync.primary_key.lower() in options.personal
    warehouse.amply(lambda: changeset.collect(warehouse, asked, hidden=hidden))
    changeset.choose(warehouse, options.limit, options.only)
    plan = guardrails.planned(warehouse, asked)
    why = guardrails.stop_reason(plan, asked.sync.guardrails, options)
    # every row goes into the name, so it is made only where somebody is to approve it
    changeset_id = guardrails.changeset_id(warehouse, asked) if why is not None else ""
    approved = why is not None and approvals.is_approved(store, changeset_id)
    passed = why is None or approved
    size, bulk = counting.batch_size(warehouse, obj)
    counts = counting.expected(warehouse, asked, plan, size)
    counting.tell_held_back(counts)
    # the rows of an emptied model would count as removed, and the next run would not ask again
    if passed or not plan.emptied:
        warehouse.amply(lambda: _write_ledger(warehouse, asked, run_id, now, passed=passed))
    if why is not None and not approved:
        approvals.ask(store, changeset_id, asked.sync.name, why, now())
        raise ChangesetStopped(
            f"{asked.sync.name}: {why}; nothing was sent",
            _way_on(changeset_id, plan, options),
            counting.without_changes(replace(counts, stop=why)),
            changeset_id,
        )
    if not counts.to_send:
        if approved:
            approvals.use(store, changeset_id)
        _whole(warehouse, store, asked, options)
        return Prepared(None, counts)
    meta = {**_meta(asked, counts), "batch_size": size, "bulk": bulk}
    delivery = warehouse.amply(lambda: _stage(warehouse, asked, meta, counts, run_id, now, folder))
    journal.open_delivery(store, delivery, used_approval=changeset_id if approved else None)
    _whole(warehouse, store, asked, options)
    return Prepared(delivery.delivery, counts)


def _whole(warehouse: Warehouse, store: Store, asked: changeset.Question, options: Options) -> None:
    """A changeset has passed whole: what was stopped or approved before it is no more to come, and the landed log is read."""
    if options.limit is None and options.only is None:
        approvals.forget(store, asked.sync.name)
        landed_log.looked(warehouse, asked.scope, asked.landed)


def _way_on(changeset_id: str, plan: guardrails.Planned, options: Options) -> str:
    if guardrails.first_sync(plan, options):
        return f"look at `tailrace plan`, then: tailrace run --approve, or --limit 10 for a start, or tailrace approve {changeset_id}"
    return f"look at `tailrace plan`; if it is right: tailrace approve {changeset_id}, then run again"


def _check(warehouse: Warehouse, sync: Sync, obj: ObjectType, staged: Staged, options: Options) -> None:
    if options.full_resync and sync.mode in ONCE:
        raise BadInput(
            f"{sync.name}: a full resync with mode {sync.mode} would create every record again",
            "use mode upsert",
        )
    check_rules(warehouse, sync, obj, staged)


def check_rules(warehouse: Warehouse, sync: Sync, obj: ObjectType | None, staged: Staged) -> None:
    """Columns, modes and SQL conditions, all problems at once."""
    problems = check_sync(sync, obj, warehouse.columns(staged.ref))
    if problems:
        raise ProjectError(problems)
    for name, rule in (("where", sync.where), ("suppress", sync.suppress)):
        if rule is not None:
            try:
                warehouse.query(
                    f"SELECT CAST(({rule}\n) AS BOOLEAN) FROM {warehouse.dialect.table(staged.ref)} LIMIT 0"
                )
            except WarehouseError as error:
                raise ProjectError.at(
                    sync.marks.at(name), f"{name} is no condition on {sync.model}: {error.message}"
                ) from error


def _nothing_left(store: Store, sync: Sync) -> None:
    left = journal.deliveries(store, sync.name)
    if left:
        raise FatalError(
            f"{sync.name}: delivery {left[0].delivery} is not settled", "run again: it is settled first"
        )


def _write_ledger(
    warehouse: Warehouse, asked: changeset.Question, run_id: str, now: Callable[[], datetime], *, passed: bool
) -> None:
    view = changeset.new_rows(warehouse, asked, run_id, passed=passed)
    with warehouse.transaction():
        if asked.merges is not None:
            merged.remember(warehouse, asked.scope, asked.merges)
        if not ledger.write_changes(warehouse, asked.scope, view):
            return
        at = literal(now().astimezone(UTC).replace(tzinfo=None).isoformat())
        write_letters(
            warehouse,
            asked.scope,
            "SELECT primary_key, true AS dead, reason, field, vals AS payload, coalesce(l_attempts, 0) AS attempts,"
            f" CAST({at} AS TIMESTAMP) AS told_at, coalesce(mk, l_subject) AS subject FROM {changeset.CHANGES}"
            " WHERE status = 'dead' AND reason IS NOT NULL AND (reason IS DISTINCT FROM l_error OR l_status <> 'dead')",
        )
        prune(warehouse, asked.scope)


def _stage(
    warehouse: Warehouse,
    asked: changeset.Question,
    meta: Mapping[str, Any],
    counts: SyncCounts,
    run_id: str,
    now: Callable[[], datetime],
    folder: Path,
) -> journal.Delivery:
    """Write the delivery's file; only then may the journal know of it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{asked.sync.name}-{run_id}"
    path = folder / f"{name}{SUFFIX}"
    rows = warehouse.copy_to_parquet(changeset.stage_sql(asked), path)
    if rows != counts.to_send:
        raise FatalError(f"{asked.sync.name}: {rows} rows were staged where {counts.to_send} belong")
    return journal.Delivery(
        name, asked.sync.name, asked.scope.account, asked.scope.object, run_id, path, rows, now().isoformat(),
        meta,
    )  # fmt: skip


def _meta(asked: changeset.Question, counts: SyncCounts) -> Mapping[str, Any]:
    """What sending and settling need, as it was when the rows were staged."""
    return {
        "fields": [[each.field, each.if_null, each.conflict, each.type] for each in asked.fields],
        "match_field": asked.sync.match_field,
        "mode": asked.sync.mode,
        "options": dict(asked.sync.options),
        "max_failed": asked.sync.guardrails.max_failed,
        "digest": asked.digest,
        "parts": [each.field for each in asked.parts],
        "counts": {"rows": counts.rows, "unchanged": counts.unchanged},
    }


def settle(warehouse: Warehouse, store: Store, delivery_id: str) -> SyncResult:
    """Merge a delivery's outcomes into the ledger and forget it. Killed anywhere and done again, it gives the same."""
    delivery = journal.find(store, delivery_id)
    if delivery is None:
        raise FatalError(f"delivery {delivery_id} is not known", "run again")
    ledger.ensure(warehouse)
    records = journal.batches(store, delivery_id)
    lost = bool(records) and not delivery.stage.exists()
    scope = Scope(delivery.account, delivery.object, delivery.sync)
    with warehouse.sparing(delivery.rows):
        answered = (
            settling.give_up(warehouse, delivery)
            if lost
            else warehouse.amply(lambda: settling.merge(warehouse, delivery, records))
        )
        prune(warehouse, scope)
    kept, overwritten = settling.fields_told(records)
    counts = replace(
        counting.settled(warehouse, scope, delivery.meta["counts"], answered, settling.requests(records)),
        kept=kept,
        overwritten=overwritten,
    )
    journal.drop(store, delivery_id)
    delivery.stage.unlink(missing_ok=True)
    status, error = _ending(delivery, sum(record.n for record in records))
    if lost:
        status, error = "failed", f"{delivery.stage} is gone: what was in flight is looked up or sent again"
    return SyncResult(status, counts, error)


def _ending(delivery: journal.Delivery, sent: int) -> tuple[Ending, str | None]:
    if delivery.stopped is not None:
        status, _, reason = delivery.stopped.partition("|")
        return ("stopped" if status == "stopped" else "failed"), reason
    if sent < delivery.rows:
        return "failed", f"the run ended after {sent} of {delivery.rows} rows"
    return "ok", None


def recover(warehouse: Warehouse, store: Store, sync: str | None = None) -> list[SyncResult]:
    """Settle what an earlier run left behind, before the sync is prepared again; the caller holds the sync's lock.

    Without `sync` every delivery is settled: only for a caller that knows of no other run.
    """
    return [settle(warehouse, store, left.delivery) for left in journal.deliveries(store, sync)]
