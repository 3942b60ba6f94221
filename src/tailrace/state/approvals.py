"""Changesets that a guardrail stopped, and a person's word that they may pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tailrace.errors import BadInput, near_miss
from tailrace.state.store import Store


@dataclass(frozen=True)
class Approval:
    """`changeset` names the very rows, values and operations; other ones have another name."""

    changeset: str
    sync: str
    asked_at: str
    summary: str
    approved_at: str | None


def ask(store: Store, changeset: str, sync: str, summary: str, now: datetime) -> None:
    """Remember a stopped changeset; what the same sync asked before and nobody approved is forgotten."""
    with store.write() as db:
        db.execute(
            "DELETE FROM approvals WHERE sync = ? AND changeset <> ? AND approved_at IS NULL",
            (sync, changeset),
        )
        db.execute(
            "INSERT INTO approvals VALUES (?, ?, ?, ?, NULL) ON CONFLICT (changeset) DO UPDATE SET summary = excluded.summary",
            (changeset, sync, now.isoformat(), summary),
        )


def approve(store: Store, changeset: str, now: datetime) -> Approval:
    """Let a stopped changeset through once; BadInput where none of that name waits."""
    known = {found.changeset: found for found in waiting(store)}
    if changeset not in known:
        hint = near_miss(changeset, list(known)) or "no changeset waits for approval"
        raise BadInput(f"no changeset {changeset} waits for approval", hint)
    with store.write() as db:
        db.execute("UPDATE approvals SET approved_at = ? WHERE changeset = ?", (now.isoformat(), changeset))
    return next(found for found in waiting(store) if found.changeset == changeset)


def use(store: Store, changeset: str) -> None:
    """Forget an approval whose changeset went through without anything to send."""
    with store.write() as db:
        db.execute("DELETE FROM approvals WHERE changeset = ?", (changeset,))


def forget(store: Store, sync: str) -> None:
    """Drop whatever waits of a sync, approved or not; writes nothing where there is nothing."""
    if store.read("SELECT 1 FROM approvals WHERE sync = ? LIMIT 1", [sync]):
        with store.write() as db:
            db.execute("DELETE FROM approvals WHERE sync = ?", (sync,))


def is_approved(store: Store, changeset: str) -> bool:
    rows = store.read("SELECT 1 FROM approvals WHERE changeset = ? AND approved_at IS NOT NULL", [changeset])
    return bool(rows)


def waiting(store: Store) -> list[Approval]:
    """Changesets that were stopped, approved ones that were not used yet included."""
    rows = store.read(
        "SELECT changeset, sync, asked_at, summary, approved_at FROM approvals ORDER BY asked_at"
    )
    return [Approval(*row) for row in rows]
