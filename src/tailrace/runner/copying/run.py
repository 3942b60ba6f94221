"""Carry landing and ledger to another target, so that its first run lands nothing anew and sends nothing again.

Both targets are held. A kill leaves whole tables and a note that the copy has not ended: no run works on the target until the
same command has done it anew. Models, verdicts and their history are not carried: the first run builds and judges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tailrace.activate.ledger import MERGES_READ
from tailrace.build.built import MODELS
from tailrace.build.intervals import INTERVALS
from tailrace.errors import BadInput, WarehouseError
from tailrace.failpoints import reach
from tailrace.project.spec import Project
from tailrace.runner.copying.accounts import Ours, agreeing
from tailrace.runner.copying.moving import carry, count
from tailrace.runner.copying.tables import PARTS, Table, order, whole
from tailrace.runner.locking import half_copied, locked, note_copying
from tailrace.runner.session import Session
from tailrace.state import approvals, journal, runs
from tailrace.state.runs import StepResult
from tailrace.validate.results import VERDICTS
from tailrace.warehouse.base import META, Warehouse

READ = (MODELS, INTERVALS, VERDICTS, MERGES_READ)
"""What a target remembers of what it read in its landed tables: with other tables in their place it is not true any more."""


@dataclass
class Copied:
    """`tables`: name and rows, in their order; `left`: what was not carried, and why."""

    tables: list[tuple[str, int]] = field(default_factory=list)
    approvals: int = 0
    left: list[str] = field(default_factory=list)


def copy(
    source: Project,
    target: Project,
    parts: tuple[str, ...],
    *,
    replace: bool,
    tell: Callable[[str, int], None],
) -> Copied:
    """`tell` hears each table and its rows. BadInput where there is nothing to carry, or something in its place."""
    here, there = Session(source, "copy"), Session(target, "copy")
    try:
        _check_source(here)
        with locked(here), locked(there, copying=True):
            _check_settled(here)
            _check_settled(there)
            runs.begin(there.store, there.run_id, "copy", target.target.name, there.now())
            try:
                done = _copy(here, there, parts, replace=replace, tell=tell)
            except BaseException as error:
                there.fail(error)
                raise
            runs.finish(there.store, there.run_id, "ok", None, there.now())
            return done
    finally:
        here.close()
        there.close()


def _check_source(here: Session) -> None:
    remote = here.project.target.type == "bigquery"
    if not remote and not here.work.exists() and not here.published.exists():
        name = here.project.target.name
        raise BadInput(f"nothing has run on {name}", f"run `tailrace run --target {name}`")


def _check_settled(session: Session) -> None:
    """What is on its way belongs to the journal of its own machine."""
    if left := journal.deliveries(session.store):
        name = session.project.target.name
        raise BadInput(
            f"{name} has a delivery of {left[0].sync} that did not end", f"run `tailrace run --target {name}`"
        )


def _copy(
    here: Session, there: Session, parts: tuple[str, ...], *, replace: bool, tell: Callable[[str, int], None]
) -> Copied:
    with here.warehouse() as source, there.warehouse() as target:
        ours = agreeing(here, there, source, parts)
        tables = order(source, parts, ours.datasets, ours.where)
        if not tables:
            raise BadInput(f"{here.project.target.name} has nothing to carry: {_reasons(ours)}")
        _check_empty(here, there, target, tables, replace=replace)
        note_copying(there, here.project.target.name)
        if any(table.ref.schema != META for table in tables):
            _forget_read(target)
        done = Copied(left=ours.left)
        path = there.folder / "copying.parquet"
        for table in tables:
            done.tables.append((str(table.ref), _carry(there, source, target, table, path, tell)))
        done.approvals = _approvals(here, there, ours) if "ledger" in parts else 0
        if target.engine == "bigquery":
            target.refresh()  # type: ignore[attr-defined]  # BigQuery's alone: its copies on this machine
        _compare(source, target, tables)
        target.checkpoint()
        note_copying(there, "")
        return done


def _carry(
    there: Session,
    source: Warehouse,
    target: Warehouse,
    table: Table,
    path: Path,
    tell: Callable[[str, int], None],
) -> int:
    started = there.now()
    reach("copy:table")
    rows = carry(source, target, table, path)
    seconds = (there.now() - started).total_seconds()
    there.record(StepResult("copy", str(table.ref), "ok", rows, rows, seconds))
    tell(str(table.ref), rows)
    return rows


def _reasons(ours: Ours) -> str:
    return "; ".join(ours.left) or "nothing is landed, and nothing was sent"


def _check_empty(
    here: Session, there: Session, target: Warehouse, tables: list[Table], *, replace: bool
) -> None:
    """A copy that was killed is no data: it is begun anew."""
    if replace or half_copied(there) == here.project.target.name:
        return
    for table in tables:
        if target.columns(table.ref) and count(target, whole(table)):
            raise BadInput(
                f"{there.project.target.name} has {table.ref} already",
                "a copy goes in place of what is there: say --replace, or choose another target",
            )


def _forget_read(target: Warehouse) -> None:
    there = target.tables(META)
    with target.transaction():
        for ref in READ:
            if ref.name in there:
                target.execute(f"DELETE FROM {target.dialect.table(ref)} WHERE true")


def _approvals(here: Session, there: Session, ours: Ours) -> int:
    """Those of the syncs whose account is the same: they name the very rows, values and account."""
    waiting = [one for one in approvals.waiting(here.store) if one.sync in ours.syncs]
    known = {one.changeset for one in approvals.waiting(there.store)}
    with there.store.write() as db:
        db.executemany(
            "INSERT INTO approvals VALUES (?, ?, ?, ?, ?)",
            [
                (one.changeset, one.sync, one.asked_at, one.summary, one.approved_at)
                for one in waiting
                if one.changeset not in known
            ],
        )
    return len(waiting)


def _compare(source: Warehouse, target: Warehouse, tables: list[Table]) -> None:
    """Counted anew on both sides."""
    for table in tables:
        mine, theirs = count(source, table), count(target, table)
        if mine != theirs:
            raise WarehouseError(
                f"{table.ref} has {mine:,} rows to carry, and {theirs:,} arrived", "copy again"
            )


__all__ = ["PARTS", "Copied", "copy"]
