"""The report as data: what the page shows and what `--json` prints are these same objects. Instants are UTC without a zone."""

from __future__ import annotations

from dataclasses import dataclass, field, is_dataclass
from datetime import datetime
from typing import Any, Literal

State = Literal["blocked", "stale", "never", "held", "warned", "passed"]
STATES: tuple[State, ...] = ("blocked", "stale", "never", "held", "warned", "passed")
"""Of a suite, worst first. `stale`: it passed, but what it said holds no more."""

DECISIONS = ("block", "quarantine", "warn", "pass")
SEVERITIES = ("critical", "warning", "info")
KEPT = 30
"""Judgements that a trend shows."""


@dataclass(frozen=True)
class Run:
    """One run as `tailrace_meta.runs` has it; `failed` are its steps that failed, each with its error."""

    run_id: str
    command: str
    started_at: datetime | None
    finished_at: datetime | None
    status: str
    error: str = ""
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    """A check in one judgement; `unexpected` and `number` (what was observed) are None where there is none."""

    run_id: str
    at: datetime
    success: bool
    unexpected: int | None = None
    number: float | None = None


@dataclass(frozen=True)
class Samples:
    """Some failing rows: `columns` in the table's order, the key and the columns that fail first. `hidden` columns are left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    about: tuple[str, ...] = ()
    hidden: int = 0


@dataclass(frozen=True)
class Check:
    """One expectation in the judgement that is shown. `expected` and `reason` are words for people; `share` is of 1.

    `held` rows are kept back by it now, `keys` names some of them. `failing_since` is the first of the judgements in a row that it
    failed (`failed_in_a_row` of them), as far back as the trend goes. `query` selects every failing row. `place` is where the suite's file has
    it now, as file:line; "" where that is not known.
    """

    suite: str
    model: str
    position: int
    type: str
    column: str
    where: str
    expected: str
    reason: str
    severity: str
    decision: str
    success: bool
    unexpected: int | None
    share: float | None
    observed: str
    owner: str
    query: str = ""
    samples: Samples | None = None
    trend: tuple[Point, ...] = ()
    failing_since: datetime | None = None
    failed_in_a_row: int = 0
    held: int = 0
    keys: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True)
class Volume:
    """Rows of one judgement."""

    run_id: str
    at: datetime
    rows: int
    blocked: bool


@dataclass(frozen=True)
class Sync:
    """A sync that the suite gates: rows by status in the ledger, and when something was last sent (None: never)."""

    name: str
    connection: str
    object: str
    ledger: dict[str, int] = field(default_factory=dict)
    last_sent: datetime | None = None

    @property
    def quarantined(self) -> int:
        return self.ledger.get("quarantined", 0)


@dataclass(frozen=True)
class Suite:
    """A suite's last judgement. `stale` says why it holds no more, `notes` what else a reader should know of it.

    `key` is the column that names rows, "" where there is none; `model_path` is where the model is written.
    `confirmed_at` is the newest run that found the same content again, or the judgement itself.
    """

    name: str
    model: str
    path: str
    description: str
    state: State
    key: str = ""
    model_path: str = ""
    sentence: str = ""
    owner: str = ""
    run_id: str = ""
    judged_at: datetime | None = None
    confirmed_at: datetime | None = None
    valid_until: datetime | None = None
    rows: int = 0
    held: int = 0
    keys: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    syncs: tuple[Sync, ...] = ()
    volume: tuple[Volume, ...] = ()

    @property
    def failing(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.decision != "pass")

    @property
    def passing(self) -> int:
        return len(self.checks) - len(self.failing)


@dataclass(frozen=True)
class Landed:
    """A resource: rows now, when it was last read and when that last changed it; `reads` are rows read per run, oldest first.

    `late`: older than its pipeline's `sla` (seconds).
    """

    name: str
    rows: int | None
    read_at: datetime | None
    changed_at: datetime | None
    sla: float | None
    late: bool
    status: str
    reads: tuple[int, ...] = ()


@dataclass(frozen=True)
class Built:
    """A model that a suite or a sync reads, as it is published."""

    name: str
    table: str
    rows: int | None
    built_at: datetime | None


@dataclass(frozen=True)
class Report:
    """Everything that a page says. `alerts` are about the whole of it; `is_past`: a run before the newest was asked for.

    `unknown_suites` were judged once and are no longer in the project.
    """

    project: str
    target: str
    version: str
    made_at: datetime
    state: State
    sentence: str
    run: Run | None = None
    is_past: bool = False
    alerts: tuple[str, ...] = ()
    suites: tuple[Suite, ...] = ()
    resources: tuple[Landed, ...] = ()
    models: tuple[Built, ...] = ()
    unknown_suites: tuple[str, ...] = ()

    @property
    def checks(self) -> tuple[Check, ...]:
        return tuple(check for suite in self.suites for check in suite.checks)

    @property
    def failing(self) -> tuple[Check, ...]:
        """By severity within a decision: what blocks comes first, since nothing is sent until it is mended."""
        failing = (check for check in self.checks if check.decision != "pass")
        return tuple(sorted(failing, key=_weight))

    @property
    def held(self) -> int:
        return sum(suite.held for suite in self.suites)


def _weight(check: Check) -> tuple[int, int, int, str, int]:
    severity = SEVERITIES.index(check.severity) if check.severity in SEVERITIES else len(SEVERITIES)
    decision = DECISIONS.index(check.decision) if check.decision in DECISIONS else 0
    return decision, severity, -(check.unexpected or 0), check.suite, check.position


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values: instants in ISO 8601 with Z, tuples as lists."""
    whole: dict[str, Any] = _plain(report)
    numbers = {
        "checks": len(report.checks),
        "passing": len(report.checks) - len(report.failing),
        "held": report.held,
    }
    return {**whole, **numbers}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return {name: _plain(item) for name, item in vars(value).items()} if is_dataclass(value) else value
