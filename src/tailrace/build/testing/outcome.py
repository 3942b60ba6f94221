"""What became of one test."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from tailrace.errors import Location

Status = Literal["pass", "warn", "fail", "error", "skip"]
Kind = Literal["generic", "singular", "unit"]


@dataclass(frozen=True)
class Samples:
    """A few rows under their columns' names."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def document(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, map(_plain, row), strict=True)) for row in self.rows]


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True)
class Outcome:
    """`failures` are the test's own number (rows, unless it has a `fail_calc`); for a unit test, rows that differ.

    `error` is a test that could not be judged, `skip` one of which the model is not built. `stored` names the table with all
    failing rows, where they are kept. `message` is one line; `difference` what a unit test's rows are against what was expected.
    """

    name: str
    kind: Kind
    status: Status
    location: Location
    model: str = ""
    column: str = ""
    severity: str = "error"
    failures: int = 0
    message: str = ""
    sql: str = ""
    samples: Samples | None = None
    difference: Samples | None = None
    stored: str = ""
    seconds: float = 0.0

    @property
    def is_bad(self) -> bool:
        """Whether the command fails by it."""
        return self.status in ("fail", "error")

    def document(self) -> dict[str, Any]:
        """The object that `test --json` shows under `tests`."""
        rows = self.difference or self.samples
        return {
            "name": self.name,
            "type": self.kind,
            "model": self.model or None,
            "column": self.column or None,
            "status": self.status,
            "failures": self.failures,
            "severity": self.severity,
            "message": self.message or None,
            "sql": self.sql or None,
            "samples": rows.document() if rows else [],
            "stored": self.stored or None,
            "place": str(self.location),
            "seconds": round(self.seconds, 3),
        }


def status_of(outcomes: Iterable[Outcome]) -> Literal["ok", "failed"]:
    """`failed` where any test fails or could not be judged."""
    return "failed" if any(outcome.is_bad for outcome in outcomes) else "ok"
