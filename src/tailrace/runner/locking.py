"""Who may work on a target: the run lock of its state, and of a BigQuery target its lease, since other machines may write it, too.

Both are taken and given back together. Deliveries hold no warehouse, so each sync that sends has a lease of its own for as long:
another machine leaves it alone, and knows by a lease that nobody gave back that something was on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tailrace.errors import BadInput
from tailrace.runner.handover import Handover
from tailrace.runner.session import LOCK, Session
from tailrace.state.locks import held

if TYPE_CHECKING:
    from tailrace.runner.shipping import Shipment
    from tailrace.warehouse.bigquery.lease import HeldLease, TargetLeases


COPYING = "copying"
"""In the state of a target that is copied to, and in a BigQuery target's lease: from where, while the copy has not ended."""


@contextmanager
def locked(session: Session, *, wait: float = 0.0, copying: bool = False) -> Iterator[None]:
    """Hold the run lock, of this machine or its state and of the target; LockHeld naming the holder after `wait` seconds.

    BadInput where a copy to the target has not ended, unless it is what goes on.
    """
    with _held(session, wait):
        if not copying and (source := half_copied(session)):
            name = session.project.target.name
            raise BadInput(
                f"a copy from {source} to {name} has not ended: there is only a part of it",
                f"run `tailrace copy --from {source} --to {name}` to its end",
            )
        yield


def half_copied(session: Session) -> str:
    """From where a copy to the target has not ended; "" where there is none."""
    noted = session.lease.entry.copying if session.lease is not None else ""
    return noted or session.store.fact(COPYING) or ""


def note_copying(session: Session, source: str) -> None:
    """A copy begins, or has ended (""): for this machine and for others."""
    session.store.remember(COPYING, source)
    if session.lease is not None:
        session.lease.mark_copying(source)


@contextmanager
def _held(session: Session, wait: float) -> Iterator[None]:
    with held(session.store, LOCK, wait=wait):
        if session.project.target.type != "bigquery" or session.elsewhere:
            yield
            return
        with _leases(session).held(wait=wait) as lease:
            session.lease = lease
            try:
                _take_over(session, lease)
                yield
            finally:
                session.lease = None


def _leases(session: Session) -> TargetLeases:
    """The target's leases, with one client for the whole command."""
    from tailrace.warehouse.bigquery.connection import connect
    from tailrace.warehouse.bigquery.jobs import Jobs
    from tailrace.warehouse.bigquery.lease import SECONDS, TargetLeases

    if session.leases is None:
        settings = session.project.target.settings
        jobs = Jobs(connect(settings), settings)
        session.leases = TargetLeases(
            jobs,
            run_id=session.run_id,
            seconds=float(settings.get("lease", SECONDS)),
            budgets=Handover(session).budgets,
        )
    return session.leases


def _take_over(session: Session, lease: HeldLease) -> None:
    """What the holder before us knew; where it did not give its lease back, what it still has on its way ends first."""
    if lease.former is None:
        return
    Handover(session).take(lease.former.budgets)
    if not lease.former.released:
        lease.fence().seal(lease.owner.jobs)


@contextmanager
def sync_leases(session: Session, shipments: Iterable[Shipment]) -> Iterator[None]:
    """Hold the leases of what is about to be sent; entered under the run lock, so that none is somebody else's."""
    with ExitStack() as stack:
        if session.leases is not None:
            from tailrace.runner.takeover import remember, sync_lock

            for shipment in shipments:
                lease = stack.enter_context(session.leases.held(sync_lock(shipment.sync.name)))
                remember(session.store, shipment.delivery, lease.entry.nonce)
                session.watched.append(lease)
                stack.callback(session.watched.remove, lease)
        yield
