"""Whose rows they are: what was landed from one account, or sent to it, says nothing of another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tailrace.activate.ledger import LEDGER, SYNC_LOG
from tailrace.activate.target import account_in
from tailrace.connectors.sdk.options import object_type
from tailrace.project.spec import Pipeline
from tailrace.runner.copying.tables import NOBODY
from tailrace.runner.session import Session
from tailrace.warehouse.base import META, Warehouse


@dataclass
class Ours:
    """What of the source belongs to accounts that the other target has, too; `left` says what does not, and why."""

    datasets: list[str] = field(default_factory=list)
    where: str = NOBODY
    syncs: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def agreeing(source: Session, target: Session, warehouse: Warehouse, parts: tuple[str, ...]) -> Ours:
    """Asks both accounts of a connection, once, and only of connections that something came from or went to."""
    ours = Ours()
    if "landing" in parts:
        _landing(source, target, warehouse, ours)
    if "ledger" in parts:
        _ledger(target, warehouse, ours)
    return ours


def _landing(source: Session, target: Session, warehouse: Warehouse, ours: Ours) -> None:
    taken: dict[str, list[str]] = {}
    for pipeline in source.project.pipelines:
        if warehouse.tables(pipeline.dataset):
            taken.setdefault(pipeline.dataset, []).extend(_foreign(source, target, pipeline))
    for dataset, why in taken.items():
        if why:
            ours.left.append(f"{dataset}: landed from {'; '.join(why)}")
        else:
            ours.datasets.append(dataset)


def _foreign(source: Session, target: Session, pipeline: Pipeline) -> Iterator[str]:
    """A source of the pipeline's own is the same for every target."""
    if pipeline.source:
        return
    name = pipeline.connection
    mine, theirs = source.account(name), target.account(name)
    if mine != theirs:
        yield f"account {mine} of {name}, where {target.project.target.name} has {theirs}"


def _ledger(target: Session, warehouse: Warehouse, ours: Ours) -> None:
    """Scopes of both tables: a sync whose ledger is empty may have a log."""
    scopes = set()
    for ref in (LEDGER, SYNC_LOG):
        if ref.name in warehouse.tables(META):
            scopes |= set(
                warehouse.query(f"SELECT DISTINCT account, object, sync FROM {warehouse.dialect.table(ref)}")
            )
    kept = []
    literal = warehouse.dialect.literal
    for account, obj, sync in sorted(scopes, key=str):
        why = _not_ours(target, account, obj, sync)
        if why:
            ours.left.append(f"{sync}: sent to account {account}, {why}")
        else:
            kept.append(
                f"(account = {literal(account)} AND object = {literal(obj)} AND sync = {literal(sync)})"
            )
            ours.syncs.append(sync)
    if kept:
        ours.where = f"({' OR '.join(kept)})"


def _not_ours(target: Session, account: str | None, obj: str | None, name: str) -> str:
    """Why rows of a scope are no rows of the target; "" where they are."""
    sync = next((sync for sync in target.project.syncs if sync.name == name), None)
    if sync is None or account is None or sync.object != obj:
        return "and the project has no such sync"
    kind = object_type(target.declaration(sync.connection), sync.object)
    if kind is None:
        return "and the project has no such object"
    theirs = target.account(sync.connection)
    return "" if account_in(kind, account) == theirs else f"where {target.project.target.name} has {theirs}"
