"""Who may see what of a judged table: personal columns, whose data a row is, and how long it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from tailrace.project.spec import Keeping


@dataclass(frozen=True)
class Audience:
    """`personal` columns (lower case) are masked wherever rows or values are shown; `subject` is the column that says whose data a row is."""

    personal: frozenset[str] = frozenset()
    subject: str | None = None
    keeping: Keeping = field(default_factory=Keeping)

    def mark(self) -> str:
        """What changes with anything that is masked; results written for another mark are not shown on."""
        return f"{','.join(sorted(self.personal))};{self.subject or ''}"
