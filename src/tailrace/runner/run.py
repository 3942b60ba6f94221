"""The one order of things: land, build, validate, stage the changesets, publish, deliver, publish the ledger.

Nothing is held while rows travel to a vendor but the lock of the sync that sends them: an hour-long sync stops no landing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tailrace.events import RunFinished, RunStarted, emit
from tailrace.failpoints import reach
from tailrace.plan.resolve import Chosen, Resolved
from tailrace.runner import building
from tailrace.runner.locking import locked, sync_leases
from tailrace.runner.sending import Sending
from tailrace.runner.session import Session
from tailrace.state import runs

if TYPE_CHECKING:
    from tailrace.runner.shipping import Shipment

ALL = ("land", "build", "validate", "publish", "activate")
WAIT_FOR_WAREHOUSE = 3600.0
"""Seconds that a delivery waits for another run before its outcomes are merged; they are safe in the journal."""


def execute(
    session: Session, resolved: Resolved, chosen: Chosen, wanted: tuple[str, ...], sending: Sending
) -> None:
    """Do the wanted steps in the house's order; results are in the session. LockHeld where another run is at work."""
    with ExitStack() as stack, _recorded(session):
        with locked(session):
            runs.begin(
                session.store, session.run_id, session.command, session.project.target.name, session.now()
            )
            shipments = _under_lock(session, resolved, chosen, wanted, sending, stack)
            stack.enter_context(sync_leases(session, shipments))
        if shipments:
            from tailrace.runner.shipping import ship

            ship(session, shipments, sending)
            reach("run:delivered")
            with locked(session, wait=WAIT_FOR_WAREHOUSE):
                _settle(session, shipments, publishing="publish" in wanted)
        else:
            _end(session)


def _under_lock(
    session: Session,
    resolved: Resolved,
    chosen: Chosen,
    wanted: tuple[str, ...],
    sending: Sending,
    stack: ExitStack,
) -> list[Shipment]:
    """Everything that works on the warehouse; what it returns is staged and may be sent without it."""
    shipments: list[Shipment] = []
    if wanted == ("build",) and (known := building.recall(session, resolved, chosen)) is not None:
        session.record_all(known)
        return shipments
    silent = _land_build_validate(session, resolved, chosen, wanted)
    if silent and wanted == ("build",):
        building.remember(session, resolved)
    if "activate" in wanted:
        from tailrace.runner.syncs import lock_syncs, prepare_syncs

        syncs = lock_syncs(session, chosen.syncs, stack)
        with session.warehouse() as warehouse:  # opened anew: what the steps before it cached is let go of
            shipments = prepare_syncs(session, warehouse, resolved, syncs, sending)
        reach("run:prepared")
    if "publish" in wanted:
        from tailrace.runner.publishing import publish_work

        if not shipments:
            _end(session)
        publish_work(session, "warehouse")
        reach("run:published")
    return shipments


def _land_build_validate(
    session: Session, resolved: Resolved, chosen: Chosen, wanted: tuple[str, ...]
) -> bool:
    """Returns whether the build left nothing that the next one has to say again."""
    silent = False
    with session.warehouse() as warehouse:
        if "land" in wanted:
            from tailrace.runner import steps

            steps.land(session, warehouse, chosen)
            reach("run:landed")
        if "build" in wanted:
            silent = building.build(session, warehouse, resolved, chosen)
            reach("run:built")
        if "validate" in wanted:
            from tailrace.runner import steps

            steps.validate(session, warehouse, resolved, steps.suites_of(resolved, chosen, wanted))
            reach("run:validated")
    return silent


def _settle(session: Session, shipments: list[Shipment], *, publishing: bool) -> None:
    """Merge what was answered. Another run may have worked meanwhile, half or blocked: its data is not ours to publish."""
    from tailrace.runner.publishing import publish_work, shows_work
    from tailrace.runner.shipping import settle_shipments

    alone = shows_work(session)
    with session.warehouse() as warehouse:
        session.store.check()  # the warehouse is no part of the state, so nothing else would keep a worker that lost its lock from it
        settle_shipments(session, warehouse, shipments)
    reach("run:settled")
    _end(session)
    if publishing:
        publish_work(session, "ledger", meta_only=not alone)


def _end(session: Session) -> None:
    errors = [f"{result.step} {result.name}: {result.error}" for result in session.results if result.error]
    runs.finish(session.store, session.run_id, session.status(), "; ".join(errors) or None, session.now())


@contextmanager
def _recorded(session: Session) -> Iterator[None]:
    """A run that ends in an error is recorded with it; one that never got the lock has no record to close."""
    emit(RunStarted(session.run_id, session.command))
    try:
        yield
    except BaseException as error:
        session.fail(error)
        raise
    finally:
        emit(RunFinished(session.run_id, session.status()))
