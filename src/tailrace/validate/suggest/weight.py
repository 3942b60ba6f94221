"""How much a proposal may stop: facts about rows that are sent hold those rows back, guesses only warn."""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.project.spec import OnFail, Severity
from tailrace.validate.suggest.profile import Table
from tailrace.validate.suggest.subject import Part

Weight = tuple[Severity, OnFail]
GUESS: Weight = ("warning", "warn")


def fact(table: Table, columns: Sequence[str]) -> Weight:
    """Of a fact about single rows: quarantine where a sync depends on one of the columns and the rows have a key."""
    if table.key is not None and table.is_sent(columns):
        return "critical", "quarantine"
    return GUESS


def part_of(severity: Severity) -> Part:
    """Under which heading it stands."""
    return "row" if severity == "critical" else "statistics"
