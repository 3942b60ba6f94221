"""`test`: unit tests on their fixtures, with no lock and no warehouse; data tests under the run lock, on what was built last.

A dbt project's hooks of a run come around the data tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tailrace.build.materialize.hooks import END, START, run_project_hooks
from tailrace.build.materialize.results import names_after
from tailrace.build.testing.outcome import Outcome, status_of
from tailrace.build.testing.run import nothing_built, run_data_tests, run_unit_tests
from tailrace.build.testing.selection import ChosenTests
from tailrace.plan.resolve import Resolved
from tailrace.runner.locking import locked
from tailrace.state import runs
from tailrace.state.runs import StepResult

if TYPE_CHECKING:
    from tailrace.runner.session import Session

Tell = Callable[[Outcome], None]
_STATUS: dict[str, runs.Status] = {
    "pass": "ok", "warn": "ok", "skip": "skipped", "fail": "failed", "error": "failed",
}  # fmt: skip


def _nobody(_outcome: Outcome) -> None:
    """Nobody listens."""


@dataclass
class Testing:
    """What one `test` does: `store` keeps failing rows, `fail_fast` ends with the first test that fails."""

    resolved: Resolved
    chosen: ChosenTests
    store: bool = False
    fail_fast: bool = False
    tell: Tell = _nobody
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def status(self) -> str:
        return status_of(self.outcomes)

    def unit(self) -> None:
        """The unit tests, first: they need no data."""
        project, graph = self.resolved.project, self.resolved.graph
        self.outcomes += run_unit_tests(
            project, graph, self.chosen.unit, fail_fast=self.fail_fast, tell=self.tell
        )

    def data(self, session: Session) -> None:
        """The data tests, on the work warehouse and under its lock; recorded as a run. LockHeld where another one works."""
        if not self.chosen.data or (self.fail_fast and self.status == "failed"):
            return
        if not session.work.exists() and not session.published.exists():
            for outcome in nothing_built(self.chosen.data):
                self.tell(outcome)
                self.outcomes.append(outcome)
            return
        with locked(session):
            runs.begin(
                session.store, session.run_id, session.command, session.project.target.name, session.now()
            )
            found: list[Outcome] = []
            try:
                found = self._on_warehouse(session)
            except BaseException as error:
                session.fail(error)
                raise
            runs.finish(session.store, session.run_id, status_of(found), _first_error(found), session.now())

    def _on_warehouse(self, session: Session) -> list[Outcome]:
        """Every outcome is a step of the run."""

        def tell(outcome: Outcome) -> None:
            session.record(step_of(outcome))
            self.outcomes.append(outcome)
            self.tell(outcome)

        graph = self.resolved.graph
        with session.warehouse() as warehouse:
            run_project_hooks(warehouse, graph, START)
            found = run_data_tests(
                warehouse,
                self.resolved.project,
                graph,
                self.chosen.data,
                store=self.store,
                fail_fast=self.fail_fast,
                tell=tell,
            )
            run_project_hooks(warehouse, graph, END, names_after(graph, (), self.outcomes))
            return found


def step_of(outcome: Outcome) -> StepResult:
    """A test as a step of a run; samples stay out of the record, since they are people's data."""
    detail = {
        "say": f"{outcome.status}{': ' if outcome.message else ''}{outcome.message}",
        "failures": outcome.failures,
    }
    status = _STATUS[outcome.status]
    error = (outcome.message or outcome.status) if status == "failed" else None
    return StepResult(
        "test", outcome.name, status, 0, 0, outcome.seconds, error, {**detail, "test": outcome.status}
    )


def _first_error(outcomes: Sequence[Outcome]) -> str | None:
    bad = [f"test {outcome.name}: {outcome.message}" for outcome in outcomes if outcome.is_bad]
    return "; ".join(bad) or None
