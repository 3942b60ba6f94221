"""Runs and their steps: written here while they happen, copied into `tailrace_meta` when the warehouse is published."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tailrace.state.store import Store

Status = Literal["ok", "skipped", "failed", "stopped"]


@dataclass(frozen=True)
class StepResult:
    """What one step did with one resource, model, suite or sync. `detail` is JSON-able and shown by `tailrace show`."""

    step: str
    name: str
    status: Status
    rows_in: int = 0
    rows_out: int = 0
    seconds: float = 0.0
    error: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The object that `run --json` shows under `steps`; that of a suite has its `checks`."""
        return {
            "step": self.step,
            "name": self.name,
            "status": self.status,
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "seconds": round(self.seconds, 3),
            "error": self.error,
            **({"checks": self.detail["checks"]} if "checks" in self.detail else {}),
        }


def begin(store: Store, run_id: str, command: str, target: str, now: datetime) -> None:
    """Record a run that starts; runs of dead processes that never ended are closed as failed."""
    with store.write() as db:
        for old in store.abandoned(db):
            db.execute(
                "UPDATE runs SET status = 'failed', error = 'killed', finished_at = ? WHERE run_id = ?",
                (now.isoformat(), old),
            )
        db.execute(
            "INSERT INTO runs (run_id, command, target, started_at, status, pid) VALUES (?, ?, ?, ?, 'running', ?)",
            (run_id, command, target, now.isoformat(), os.getpid()),
        )


def record(store: Store, run_id: str, step: StepResult) -> None:
    """Record one step, behind those that ended before it."""
    detail = json.dumps(dict(step.detail), default=str)
    with store.write() as db:
        store.lock_row(db, "runs", "run_id", run_id)
        db.execute(
            "INSERT INTO steps SELECT ?, coalesce(max(position), -1) + 1, ?, ?, ?, ?, ?, ?, ?, ? FROM steps WHERE run_id = ?",
            (
                run_id,
                step.step,
                step.name,
                step.status,
                step.rows_in,
                step.rows_out,
                step.seconds,
                step.error,
                detail,
                run_id,
            ),
        )


def record_all(store: Store, run_id: str, steps: Sequence[StepResult]) -> None:
    """Record many steps at once, in their order, behind those that ended before them."""
    with store.write() as db:
        store.lock_row(db, "runs", "run_id", run_id)
        found = db.execute("SELECT coalesce(max(position), -1) + 1 FROM steps WHERE run_id = ?", (run_id,))
        first = int(found.fetchone()[0])
        db.executemany(
            "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (run_id, first + number, step.step, step.name, step.status, step.rows_in, step.rows_out,
                 step.seconds, step.error, json.dumps(dict(step.detail), default=str))
                for number, step in enumerate(steps)
            ),
        )  # fmt: skip


def forget(store: Store, run_id: str, step: str, name: str) -> None:
    """Take a step back, since a later word on it follows."""
    with store.write() as db:
        db.execute("DELETE FROM steps WHERE run_id = ? AND step = ? AND name = ?", (run_id, step, name))


def finish(store: Store, run_id: str, status: str, error: str | None, now: datetime) -> None:
    with store.write() as db:
        db.execute(
            "UPDATE runs SET status = ?, error = ?, finished_at = ? WHERE run_id = ?",
            (status, error, now.isoformat(), run_id),
        )
