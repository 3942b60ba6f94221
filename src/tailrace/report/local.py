"""What this machine knows of runs beyond the published file: those that failed before they published, or had nothing to publish."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tailrace.errors import FatalError
from tailrace.report.document import KEPT, Run
from tailrace.state.opening import HasState, reading

RUNS = (
    "SELECT run_id, command, started_at, status, error FROM runs WHERE status <> 'running'"
    f" ORDER BY started_at DESC, rowid DESC LIMIT {KEPT}"
)
STEPS = "SELECT name, status, error, detail FROM steps WHERE run_id = ? AND step = 'validate'"


@dataclass(frozen=True)
class LocalStep:
    """A suite's step in a run here. `reused`: nothing had changed, so the earlier verdict stood."""

    run: Run
    status: str
    reused: bool


@dataclass(frozen=True)
class Local:
    """`newest` run that ended; each suite's steps in the last runs, newest first."""

    newest: Run | None = None
    steps: Mapping[str, list[LocalStep]] = field(default_factory=dict)


NOTHING = Local()


def read_local(target: HasState, folder: Path) -> Local:
    """From the state, read-only and without waiting for it; nothing where it is not there or cannot be read."""
    steps: dict[str, list[LocalStep]] = defaultdict(list)
    try:
        with reading(target, folder) as read:
            if read is None:
                return NOTHING
            runs = [_run(*row) for row in read(RUNS, [])]
            for run in runs:
                for name, status, error, detail in read(STEPS, [run.run_id]):
                    reused = bool(json.loads(detail or "{}").get("reused"))
                    steps[name].append(
                        LocalStep(run, status if not error or status == "stopped" else "failed", reused)
                    )
    except (sqlite3.Error, FatalError):
        return NOTHING
    return Local(runs[0] if runs else None, steps)


def _run(run_id: str, command: str, started_at: str, status: str, error: str | None) -> Run:
    at = datetime.fromisoformat(started_at).astimezone(UTC).replace(tzinfo=None)
    return Run(run_id, command, at, None, status, error or "")
