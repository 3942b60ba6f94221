"""Report runs: insights asked for by POST, made while they are asked after, fetched when they are done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tailrace.sandbox.meta_ads.errors import GraphError
from tailrace.sandbox.meta_ads.insights import Asked, answer
from tailrace.sandbox.meta_ads.records import Records

Record = dict[str, Any]
STAGES = (("Job Not Started", 0), ("Job Running", 45), ("Job Completed", 95), ("Job Completed", 100))
"""What each look at a run finds; the words are from memory, and completed is not done below 100 percent."""
FIRST_RUN = 610000000000001


@dataclass
class Run:
    """One report: what was asked, how often it was looked at, and its rows once it is done."""

    id: str
    account: str
    asked: Asked
    looks: int = 0
    rows: list[Record] | None = None

    @property
    def stage(self) -> tuple[str, int]:
        return STAGES[min(self.looks, len(STAGES)) - 1]


class Reports:
    """The runs of one sandbox, by id."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def start(self, account: str, asked: Asked) -> Run:
        run = Run(str(FIRST_RUN + len(self._runs)), account, asked)
        self._runs[run.id] = run
        return run

    def find(self, key: str) -> Run | None:
        return self._runs.get(key)

    def look(self, run: Run, records: Records) -> Record:
        """The run's state, one stage further than at the last look."""
        run.looks += 1
        words, percent = run.stage
        if percent == 100 and run.rows is None:
            run.rows = answer(records, run.asked, whole=True)
        return {
            "id": run.id,
            "account_id": run.account,
            "async_status": words,
            "async_percent_completion": percent,
            "is_running": percent < 100,
            "date_start": run.asked.since.isoformat(),
            "date_stop": run.asked.until.isoformat(),
        }

    def rows(self, run: Run) -> list[Record]:
        """The rows of a run that is done."""
        if run.rows is None:
            raise GraphError(100, "(#100) The report run is not completed yet", subcode=1487534)
        return run.rows
