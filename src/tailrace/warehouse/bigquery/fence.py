"""What keeps a worker that lost its lease from writing: every script begins by putting its token over a smaller one, or fails.

A change and no mere look, since BigQuery's transactions see a snapshot: two that change the same table cannot both go through
(Google: "Multi-statement transactions", conflicts), so whoever takes over waits for what is still on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tailrace.errors import LockLost, WarehouseError
from tailrace.warehouse.base import META, TableRef

if TYPE_CHECKING:
    from tailrace.warehouse.bigquery.jobs import Jobs

TABLE = TableRef(META, "fence")
"""One row: the greatest token that ever wrote."""
MARK = "tailrace lost its lease"
BEGIN, COMMIT = "BEGIN TRANSACTION", "COMMIT TRANSACTION"
CHANGES = ("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE")
ALONE = ("ALTER", "CREATE SCHEMA", "CREATE TABLE IF NOT EXISTS")
"""Sent by themselves, behind a look at the lease alone: what they do is done twice without harm."""


def lost(reason: str) -> LockLost:
    return LockLost(
        f"this run lost its lease on the target: {reason}",
        "run again: what was in flight is looked up or sent again",
    )


@dataclass
class Fence:
    """A lease's token in front of what is written. `check` raises LockLost where the lease is known to be over."""

    token: Callable[[], int]
    check: Callable[[], None]
    _ready: bool = field(default=False, init=False)

    def statement(self) -> str:
        token = self.token()
        words = f"{MARK}: a later one than {token} has written"
        return (
            f"UPDATE `{TABLE.schema}`.`{TABLE.name}` SET `token` = IF(`token` <= {token}, {token}, ERROR('{words}'))"
            " WHERE TRUE"
        )

    def around(self, sql: str) -> str:
        """One statement or script with the fence in front; what changes rows is one transaction with it.

        On the same line, since Google's errors name a line and a model's file is shown by it.
        """
        text = sql.strip().rstrip(";")
        first = text.upper()
        if first.startswith(ALONE):
            return text
        if first.startswith(BEGIN):
            return f"{BEGIN}; {self.statement()};{text[text.index(';') + 1 :]};"
        if first.startswith(CHANGES) and ";" not in text:
            return f"{BEGIN}; {self.statement()}; {text};\n{COMMIT};"
        if first.startswith("DECLARE"):  # which has to head its block
            return f"{self.statement()}; BEGIN {text};\nEND;"
        return f"{self.statement()}; {text};"

    def execute(self, jobs: Jobs, sql: str) -> int | None:
        """Run what `around` or a transaction made; LockLost where another machine has written since."""
        self.check()
        self._prepare(jobs)
        try:
            return jobs.execute(sql)
        except WarehouseError as error:
            if MARK in error.message:
                raise lost("another machine has taken the target over") from error
            raise

    def seal(self, jobs: Jobs) -> None:
        """From here on nothing of an earlier lease is written; returns when what it had on its way has ended."""
        self.execute(jobs, self.statement())

    def _prepare(self, jobs: Jobs) -> None:
        """The table and its row, by a load job: free, and of two at once one comes through."""
        if self._ready:
            return
        import pyarrow as pa

        if jobs.table(TABLE) is None or not any(page.num_rows for page in jobs.read(TABLE)):
            try:
                jobs.load(pa.table({"token": pa.array([0], pa.int64())}), TABLE, first=True)
            except WarehouseError:
                if not any(page.num_rows for page in jobs.read(TABLE)):
                    raise
        self._ready = True


def greatest(jobs: Jobs) -> int:
    """The greatest token that wrote, 0 where nobody has; asks the catalogue alone."""
    if jobs.table(TABLE) is None:
        return 0
    return max((token for page in jobs.read(TABLE) for token in page.column("token").to_pylist()), default=0)
