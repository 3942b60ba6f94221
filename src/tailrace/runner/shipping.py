"""Deliveries on their way, with the warehouse closed, and their outcomes on the way back into the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tailrace.activate.guardrails import SMALL, percent
from tailrace.activate.result import SyncCounts, SyncResult
from tailrace.activate.run import deliver
from tailrace.activate.sender import misread
from tailrace.connectors.sdk import tap
from tailrace.errors import LockLost, TailraceError
from tailrace.project.spec import Sync
from tailrace.runner.remote_fields import prepare_fields
from tailrace.runner.sending import Sending
from tailrace.runner.session import Session
from tailrace.runner.takeover import settle_left
from tailrace.state import journal
from tailrace.state.runs import StepResult
from tailrace.warehouse.base import Warehouse


@dataclass
class Shipment:
    """One staged delivery on its way; `types`: of the model's columns."""

    sync: Sync
    delivery: str
    started: datetime
    types: Mapping[str, str]


def ship(session: Session, shipments: Iterable[Shipment], sending: Sending) -> None:
    """Deliver without any hold on the warehouse; what fails stays in the journal.

    Syncs of one connection go one after the other, since they share its budget; connections do not wait for each other.
    """
    lanes: dict[str, list[Shipment]] = {}
    for shipment in shipments:
        lanes.setdefault(shipment.sync.connection, []).append(shipment)
    if len(lanes) == 1:
        _ship_lane(session, next(iter(lanes.values())), sending)
        return
    for name in lanes:  # opened here: a session opens one connector at a time
        session.connector(name)
    with ThreadPoolExecutor(len(lanes), thread_name_prefix="ship") as pool:
        running = [pool.submit(_ship_lane, session, lane, sending) for lane in lanes.values()]
        wait(running)
    for each in running:
        each.result()


def _ship_lane(session: Session, shipments: Sequence[Shipment], sending: Sending) -> None:
    for shipment in shipments:
        with session.step("activate", shipment.sync.name):
            try:
                _ship(session, shipment, sending)
            except (TailraceError, OSError):
                raise
            except Exception as error:  # one sync's odd answer must not starve the others
                raise misread(error) from error


def _ship(session: Session, shipment: Shipment, sending: Sending) -> None:
    destination = session.connector(shipment.sync.connection).destination()
    prepare_fields(destination, shipment.sync, shipment.types, shipment.sync.options)
    in_flight = session.in_flight(shipment.sync.connection)
    with _heard(sending):
        deliver(session.store, shipment.delivery, destination, in_flight=in_flight)


def _heard(sending: Sending) -> AbstractContextManager[None]:
    return nullcontext() if sending.tell is None else tap.listening(sending.tell)


def settle_shipments(session: Session, warehouse: Warehouse, shipments: Iterable[Shipment]) -> None:
    """Merge the outcomes into the ledger, those of a delivery that failed half way included."""
    for shipment in shipments:
        with session.step("activate", shipment.sync.name):
            done = _settled(session, warehouse, shipment)
            seconds = (session.now() - shipment.started).total_seconds()
            session.replace(sync_step(shipment.sync, done.status, done.counts, seconds, done.error))


def _settled(session: Session, warehouse: Warehouse, shipment: Shipment) -> SyncResult:
    delivery = journal.find(session.store, shipment.delivery)
    done = settle_left(session, warehouse, delivery) if delivery is not None else None
    if done is None:
        raise LockLost(
            f"another machine has taken over {shipment.sync.name}: what this one had sent is not in the ledger",
            "run again: what was in flight is looked up or sent again",
        )
    return done


def sync_step(sync: Sync, status: Any, counts: SyncCounts, seconds: float, error: str | None) -> StepResult:
    """A sync that is done; stopped where more rows than `max_failed` stay refused."""
    limit = sync.guardrails.max_failed
    many = limit is not None and counts.rows >= SMALL and counts.dead > limit * counts.rows
    if status == "ok" and many:
        status = "stopped"
        error = (
            f"{counts.dead} of {counts.rows} rows stay refused (max_failed is {percent(limit or 0)}):"
            f" tailrace dead list {sync.name}"
        )
    return StepResult(
        "activate", sync.name, status, counts.rows, counts.to_send, seconds, error, counts.detail()
    )
