"""One suite of our own checks, judged run after run with the real Great Expectations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from tests.unit.validate.made import staged, suite

from tailrace.validate.audience import Audience
from tailrace.validate.run import judge
from tailrace.warehouse.duckdb import DuckDBWarehouse

_RUNS = count()
TODAY = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """A row of tailrace_meta.validations."""

    success: bool
    observed: str | None
    number: float | None
    unexpected: int | None
    decision: str
    reason: str | None
    expected: str


class Gate:
    """Judges `items` on the rows of a SELECT; each call is a run, a minute after the one before."""

    def __init__(
        self, warehouse: DuckDBWarehouse, *items: dict, personal: frozenset[str] = frozenset(), **more
    ) -> None:
        self.warehouse = warehouse
        self.suite = suite(*items, **more)
        self.now = TODAY
        self.audience = Audience(personal)
        self.verdict = None

    def __call__(self, select: str) -> Seen:
        """What the first expectation of the suite found."""
        return self.all(select)[0]

    def all(self, select: str) -> list[Seen]:
        """What each found; of a verdict that was reused, what it found then."""
        self.now += timedelta(minutes=1)
        run_id = f"r{next(_RUNS):06}"
        table = staged(self.warehouse, select)
        self.verdict, _ = judge(
            self.warehouse, self.suite, table, run_id=run_id, now=lambda: self.now, audience=self.audience
        )
        rows = self.warehouse.query(
            "SELECT success, observed, observed_number, unexpected_count, decision, reason, description"
            " FROM tailrace_meta.validations WHERE suite = 'scores' AND run_id ="
            " (SELECT max(run_id) FROM tailrace_meta.validations WHERE suite = 'scores') ORDER BY position"
        )
        return [Seen(*row) for row in rows]

    @property
    def until(self) -> datetime | None:
        """When the last verdict runs out."""
        return self.warehouse.query("SELECT valid_until FROM tailrace_meta.verdicts WHERE suite = 'scores'")[
            0
        ][0]
