"""A transaction: what it writes is gathered and sent as one script, so that it happens whole or not at all, whoever dies."""

from __future__ import annotations

from dataclasses import dataclass, field

from tailrace.errors import WarehouseError
from tailrace.warehouse.base import TableRef

MOST = 1_000_000
"""Bytes of a query's text: Google takes 1 MiB ("Quotas and limits", maximum unresolved query length)."""


@dataclass
class Script:
    """Statements in BigQuery's words, in their order, and the tables that they write."""

    statements: list[str] = field(default_factory=list)
    written: set[TableRef] = field(default_factory=set)
    job: str = ""
    """As which it was sent."""

    def add(self, statement: str, target: TableRef) -> None:
        self.statements.append(statement.rstrip("; \n"))
        self.written.add(target)

    def text(self, fence: str = "") -> str:
        """One job, the lease's fence at its head. A single statement is a transaction by itself."""
        statements = [fence, *self.statements] if fence else self.statements
        if len(statements) == 1:
            return statements[0]
        text = "BEGIN TRANSACTION;\n" + ";\n".join(statements) + ";\nCOMMIT TRANSACTION;"
        if len(text.encode()) > MOST:
            raise WarehouseError(
                f"a transaction of {len(statements)} statements is longer than BigQuery takes", "report it"
            )
        return text
