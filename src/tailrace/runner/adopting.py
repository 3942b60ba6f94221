"""`activate --adopt`: the ledger takes over what the vendor holds, so that a first sync sends only what differs."""

from __future__ import annotations

from tailrace.activate import ledger
from tailrace.activate.adopt import adopt
from tailrace.activate.changeset import question
from tailrace.activate.result import Options
from tailrace.activate.target import scope_of
from tailrace.connectors.sdk.base import ObjectType
from tailrace.plan.landed import landed_of
from tailrace.plan.resolve import Resolved
from tailrace.project.spec import Sync
from tailrace.runner.session import Session
from tailrace.state.runs import StepResult
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged


def adopt_sync(
    session: Session,
    warehouse: Warehouse,
    resolved: Resolved,
    sync: Sync,
    obj: ObjectType,
    staged: Staged,
    quarantined: str | None,
    options: Options,
) -> StepResult:
    """Read what the vendor holds of the rows to send and note it as accepted; the run lock is held meanwhile."""
    started = session.now()
    scope = scope_of(obj, session.account(sync.connection), sync)
    ledger.ensure(warehouse)
    ledger.check_account(warehouse, scope, options)
    asked = question(
        warehouse, sync, staged, scope,
        known=ledger.relation(warehouse, scope), quarantined=quarantined, full_resync=False,
        landed=landed_of(resolved.project, sync),
    )  # fmt: skip
    destination = session.connector(sync.connection).destination()
    found = adopt(
        warehouse, asked, destination,
        run_id=session.run_id, now=session.now, in_flight=session.in_flight(sync.connection),
    )  # fmt: skip
    said = f"adopted {found.same:,} as they are, {found.differing:,} differ, {found.unknown:,} not found; nothing was sent"
    detail = {"adopted": found.same, "differing": found.differing, "unmatched": found.unknown, "say": said}
    seconds = (session.now() - started).total_seconds()
    return StepResult("activate", sync.name, "ok", staged.rows, 0, seconds, None, detail)
