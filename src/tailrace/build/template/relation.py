"""A table or view as templates hold it: prints as its quoted name, and tells its parts as dbt's Relation does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Relation:
    """`text` is what it prints as where that is not its quoted name: an ephemeral model's CTE, a batch's part of a table."""

    schema: str
    identifier: str
    database: str = ""
    type: str | None = None
    mark: str = '"'
    text: str = ""

    def __str__(self) -> str:
        return self.text or f"{self._quoted(self.schema)}.{self._quoted(self.identifier)}"

    def _quoted(self, name: str) -> str:
        return f"{self.mark}{name}{self.mark}"
