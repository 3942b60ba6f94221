"""Deliveries of other machines: one that is alive is left alone, one that died is made up for.

A sync that sends holds a lease of its own. Given back, its outcomes are in the ledger. Expired, its machine ended in between:
nothing is known of what it had staged, so those rows are looked up or sent again; and when that machine comes back, its
journal has nothing to say any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tailrace.activate.ledger import LEDGER
from tailrace.activate.run import settle
from tailrace.errors import LockHeld
from tailrace.state import journal
from tailrace.state.store import Store
from tailrace.warehouse.base import META, Warehouse

if TYPE_CHECKING:
    from tailrace.activate.result import SyncResult
    from tailrace.runner.session import Session

FACT = "sent_under:"


def sync_lock(sync: str) -> str:
    """The lease's name."""
    return f"sync-{sync}"


def remember(store: Store, delivery: str, nonce: str) -> None:
    """Under which lease a delivery is sent; one that was taken again after a pause has its nonce still."""
    store.remember(FACT + delivery, nonce)


def check_free(session: Session, sync: str) -> None:
    """LockHeld where another machine is delivering the sync."""
    if session.leases is None:
        return
    entry = session.leases.last(sync_lock(sync))
    if entry is not None and not session.leases.is_over(entry):
        raise LockHeld(
            f"another machine is delivering {sync} ({entry.holder})", "wait until it ends, then run again"
        )


def make_up(session: Session, warehouse: Warehouse, sync: str) -> None:
    """Where a machine died while it sent: of all that waits nothing is known any more. The caller holds the target."""
    if session.leases is None:
        return
    entry = session.leases.last(sync_lock(sync))
    if entry is None or entry.released or entry.nonce in _ours(session.store, sync):
        return
    with session.leases.held(sync_lock(sync)):  # first: a machine that only stood still cannot go on now
        if LEDGER.name in warehouse.tables(META):
            warehouse.execute(
                f"UPDATE {warehouse.dialect.table(LEDGER)} SET status = 'unknown', acked_hash = NULL, scan_hash = NULL"
                " WHERE sync = ? AND status = 'pending'",
                [sync],
            )


def settle_left(session: Session, warehouse: Warehouse, delivery: journal.Delivery) -> SyncResult | None:
    """Merge what a delivery of ours was answered; None where another machine has made up for it, and knows better by now."""
    store, nonce = session.store, session.store.fact(FACT + delivery.delivery)
    if session.leases is not None and nonce is not None:
        entry = session.leases.last(sync_lock(delivery.sync))
        if entry is not None and entry.nonce != nonce:
            journal.drop(store, delivery.delivery)
            delivery.stage.unlink(missing_ok=True)
            _forget(store, delivery.delivery)
            return None
    done = settle(warehouse, store, delivery.delivery)
    if nonce is not None:
        _forget(store, delivery.delivery)
    return done


def _ours(store: Store, sync: str) -> Sequence[str | None]:
    """The leases of deliveries that our journal still has: their outcomes are merged, not given up."""
    return [store.fact(FACT + left.delivery) for left in journal.deliveries(store, sync)]


def _forget(store: Store, delivery: str) -> None:
    with store.write() as db:
        db.execute("DELETE FROM facts WHERE name = ?", (FACT + delivery,))
