"""Syncs in a run: their changesets are staged under the lock; what they send is shipped without it.

What a killed run left is settled first: answered batches are merged, batches in flight become unknown, and the next
changeset decides anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import replace

from tailrace.activate.result import ChangesetStopped, Options, Prepared
from tailrace.activate.run import ONCE, prepare
from tailrace.activate.target import scope_of
from tailrace.connectors.sdk.base import ObjectType
from tailrace.connectors.sdk.options import check_object, object_type
from tailrace.errors import GateStopped, LockHeld, TailraceError
from tailrace.events import StepStarted, emit
from tailrace.plan.audience import reading
from tailrace.plan.keys import personal_columns
from tailrace.plan.landed import landed_of
from tailrace.plan.resolve import Resolved
from tailrace.project.spec import Sync
from tailrace.runner.adopting import adopt_sync
from tailrace.runner.one_row import refuse, rows_named
from tailrace.runner.sending import Sending
from tailrace.runner.session import Session
from tailrace.runner.shipping import Shipment, sync_step
from tailrace.runner.steps import model_table, versions_of
from tailrace.runner.takeover import check_free, make_up, settle_left
from tailrace.state import journal
from tailrace.state.locks import held
from tailrace.state.runs import StepResult
from tailrace.validate.held import quarantined_keys_sql
from tailrace.validate.standing import binding
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged, stage


def lock_syncs(session: Session, syncs: Iterable[Sync], stack: ExitStack) -> list[Sync]:
    """The syncs that no other run is delivering; they are held until `stack` ends."""
    free: list[Sync] = []
    for sync in syncs:
        try:
            check_free(session, sync.name)
            stack.enter_context(held(session.store, f"sync-{sync.name}"))
            free.append(sync)
        except LockHeld as error:
            session.record(StepResult("activate", sync.name, "skipped", error=str(error)))
    return free


def prepare_syncs(
    session: Session, warehouse: Warehouse, resolved: Resolved, syncs: Iterable[Sync], sending: Sending
) -> list[Shipment]:
    """Stage what each sync has to send; a sync without anything to send, or stopped by a gate, is recorded and done."""
    chosen = [_filled(session, sync) for sync in syncs]
    named = rows_named(warehouse, resolved, chosen, sending.only) if sending.only is not None else {}
    _settle_orphans(session, warehouse, resolved)
    shipments: list[Shipment] = []
    for sync in chosen:
        with session.step("activate", sync.name):
            make_up(session, warehouse, sync.name)
            for left in journal.deliveries(session.store, sync.name):
                settle_left(session, warehouse, left)
            if sending.full_resync and sync.mode in ONCE and len(chosen) > 1:
                session.record(StepResult("activate", sync.name, "skipped", error=_sends_once(sync)))
                continue
            if sending.only is not None and sync.name not in named:
                session.record(
                    StepResult("activate", sync.name, "skipped", error="its model has no row with that key")
                )
                continue
            shipments += _prepare(session, warehouse, resolved, sync, sending, named.get(sync.name))
    return shipments


def _sends_once(sync: Sync) -> str:
    return f"mode {sync.mode} sends a row once: a full resync would create every record again"


def _filled(session: Session, sync: Sync) -> Sync:
    """With its options as the connector fills them in."""
    filled, _ = check_object(session.declaration(sync.connection), sync.object, sync.mode, sync.options)
    return replace(sync, options=filled)


def _settle_orphans(session: Session, warehouse: Warehouse, resolved: Resolved) -> None:
    """Deliveries whose sync the project no longer has, renamed or removed: what was answered still counts."""
    known = {sync.name for sync in resolved.project.syncs}
    for left in journal.deliveries(session.store):
        if left.sync not in known:
            with suppress(LockHeld), held(session.store, f"sync-{left.sync}"):
                check_free(session, left.sync)
                settle_left(session, warehouse, left)


def _prepare(
    session: Session,
    warehouse: Warehouse,
    resolved: Resolved,
    sync: Sync,
    sending: Sending,
    only: str | None,
) -> list[Shipment]:
    started = session.now()
    emit(StepStarted("activate", sync.name))
    staged = gated(session, warehouse, resolved, sync)
    options = Options(
        sending.limit, sending.approve, sending.full_resync, session.is_sandbox(sync.connection),
        personal_columns(resolved.graph.nodes[sync.model]), only,
    )  # fmt: skip
    quarantined = quarantined_keys_sql(warehouse, sync.validate) if sync.validate else None
    if sending.adopt:
        session.record(
            adopt_sync(
                session, warehouse, resolved, sync, _object(session, sync), staged, quarantined, options
            )
        )
        return []
    account = session.account(sync.connection)
    try:
        prepared: Prepared = prepare(
            warehouse, session.store, sync, _object(session, sync), account, staged, quarantined,
            run_id=session.run_id, now=session.now, folder=session.folder / "deliveries", options=options,
            remote=lambda: session.connector(sync.connection).destination().fields(sync.object, sync.options),
            landed=landed_of(resolved.project, sync),
        )  # fmt: skip
    except ChangesetStopped as stopped:
        session.record(_stopped(sync, stopped, (session.now() - started).total_seconds()))
        return []
    if prepared.delivery is None:
        if only is not None:
            written = scope_of(_object(session, sync), account, sync).account
            refuse(warehouse, sync, written, only, hidden=bool(options.personal))
        seconds = (session.now() - started).total_seconds()
        session.record(sync_step(sync, "ok", prepared.counts, seconds, None))
        return []
    return [Shipment(sync, prepared.delivery, started, warehouse.columns(staged.ref))]


def gated(session: Session, warehouse: Warehouse, resolved: Resolved, sync: Sync) -> Staged:
    """The staged model, if the gate lets it through: its verdict must be for exactly this content."""
    failed = {(result.step, result.name) for result in session.results if result.status == "failed"}
    if ("build", sync.model) in failed:
        raise GateStopped(
            f"model {sync.model} could not be built, so its rows are not sent", "mend the model"
        )
    if ("validate", sync.validate) in failed:
        raise GateStopped(
            f"suite {sync.validate} could not judge what would be sent", "mend what it failed on"
        )
    table = model_table(resolved, sync.model)
    if not warehouse.columns(table):
        raise GateStopped(
            f"model {sync.model} is not built, so there is nothing to send", "run `tailrace build` first"
        )
    with reading(resolved, sync.model):
        version = versions_of(warehouse, resolved).get(sync.model, "")
        staged = stage(warehouse, table, sync.name, version=version)
    if sync.validate is None:
        return staged
    suite = next(suite for suite in resolved.project.suites if suite.name == sync.validate)
    known = binding(warehouse, suite, staged, session.now(), session.run_id)
    verdict = known.verdict
    if verdict is None:
        raise GateStopped(
            f"suite {suite.name} has not judged what would be sent: {known.why}", "run `tailrace validate`"
        )
    if verdict.decision == "blocked":
        raise GateStopped(
            f"suite {suite.name} blocked: {'; '.join(verdict.reasons)}", "mend the model or its data"
        )
    return staged


def _stopped(sync: Sync, stopped: ChangesetStopped, seconds: float) -> StepResult:
    detail = {
        **stopped.counts.detail(),
        "requests": 0,
        "stopped": stopped.message,
        "changeset": stopped.changeset,
    }
    return StepResult("activate", sync.name, "stopped", stopped.counts.rows, 0, seconds, str(stopped), detail)


def _object(session: Session, sync: Sync) -> ObjectType:
    found = object_type(session.declaration(sync.connection), sync.object)
    if found is None:
        raise TailraceError(f"{sync.connection} has no object {sync.object}")
    return found
