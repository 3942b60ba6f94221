"""A bill on paper: what BigQuery charges for a project of so many contacts, statement by statement.

`python -m benchmarks.bigquery`. No request is made. Rules and prices are of Google's page "BigQuery pricing", as remembered; the
sizes of rows are assumptions that stand below. docs/bigquery.md shows these very numbers, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tailrace.warehouse.bigquery.bill import billed, human, price

DAYS = 30
GIB = 2**30
STORED_PER_GIB = 0.02
"""Dollars for a GiB of active logical storage a month [memory]; a table that nobody changed for 90 days costs half."""
NAMED, NEAR = 500, 2_000_000
"""So many keys are written out in a condition (land/pruning.py); tables of fewer rows are read on this machine (`near_rows`)."""
BLOCK = 64 * 2**20
"""Bytes of a block of a clustered table: an assumption, Google tells no number."""


@dataclass(frozen=True)
class Statement:
    """`scanned` bytes of `tables` tables; a load job has none."""

    what: str
    kind: str
    scanned: float
    tables: int = 1

    @property
    def billed(self) -> int:
        return 0 if self.kind == "LOAD" else billed(round(self.scanned), self.tables)


@dataclass(frozen=True)
class Workload:
    """One CRM object, one model over it, one sync from it; bytes are those of one row."""

    contacts: int
    runs: int
    changed: float = 0.01
    row: int = 600
    key: int = 12
    known: int = 100
    model_reads: int = 150
    model_row: int = 120
    ledger_row: int = 300

    @property
    def rows(self) -> int:
        """Contacts that change between two runs."""
        return round(self.contacts * self.changed / self.runs)

    def touched(self, width: int) -> float:
        """Bytes that BigQuery reads of a table clustered by key, to find these rows anywhere in it: of many keys, all of it."""
        whole = self.contacts * width
        if self.rows > NAMED:
            return whole
        blocks = max(1, whole / BLOCK)
        return whole * (1 - (1 - 1 / blocks) ** self.rows)

    def statements(self) -> Iterator[Statement]:
        """Of a run that finds changes; an idle run has none."""
        rows, came = self.rows, self.rows * self.row
        yield Statement("rows as received", "LOAD", came)
        if self.contacts > NEAR:
            yield Statement("__keys of what came", "SELECT", self.touched(self.known), 2)
            yield Statement("current rows of what came", "SELECT", self.touched(self.row), 2)
        yield Statement("fence", "UPDATE", 0)
        yield Statement("into __raw", "INSERT", came)
        yield Statement("into __changes", "INSERT", came)
        yield Statement("from current", "DELETE", self.touched(self.key) + self.touched(self.row), 2)
        yield Statement("into current", "INSERT", came)
        yield Statement("from __keys", "DELETE", self.touched(self.key) + self.touched(self.known), 2)
        yield Statement("into __keys", "INSERT", rows * self.known)
        yield Statement("cursor", "DELETE, INSERT", 0, 2)
        yield Statement("model", "CREATE TABLE", self.contacts * self.model_reads)
        yield Statement("what it was built from", "DELETE, INSERT", 0, 2)
        yield Statement("model, fetched for suite and sync", "SELECT", self.contacts * self.model_row)
        yield Statement("from ledger", "DELETE", self.contacts * (self.key + self.ledger_row), 2)
        yield Statement("into ledger, sync_log", "INSERT", rows * self.ledger_row * 2, 2)
        yield Statement("verdicts, runs, steps", "DELETE, INSERT", 0, 6)

    def run_bytes(self) -> int:
        return sum(one.billed for one in self.statements())

    def month_dollars(self) -> float:
        """Queries of a month in which every run finds changes."""
        return price(self.run_bytes()) * self.runs * DAYS

    def stored(self) -> int:
        """Bytes that lie there after a month: current rows, keys, model, ledger, and a month's log and raw rows."""
        standing = self.contacts * (self.row + self.known + self.model_row + self.ledger_row)
        return standing + round(self.contacts * self.changed * DAYS * self.row * 2)

    def storage_dollars(self) -> float:
        return self.stored() / GIB * STORED_PER_GIB


SIZES = (10_000_000, 1_000_000_000)
RUNS = (96, 24, 1)


def one_run() -> list[str]:
    """A Markdown table of the statements of one of 96 runs a day."""
    small, large = (list(Workload(size, RUNS[0]).statements()) for size in SIZES)
    lines = ["| statement | kind | 10M: billed | 1B: billed |", "|---|---|---|---|"]
    for one, other in zip(small, large, strict=True):
        lines.append(f"| {one.what} | {one.kind} | {_shown(one)} | {_shown(other)} |")
    totals = " | ".join(f"**{human(Workload(size, RUNS[0]).run_bytes())}**" for size in SIZES)
    return [*lines, f"| **a run** | | {totals} |"]


def _shown(statement: Statement) -> str:
    return "free" if statement.kind == "LOAD" else human(statement.billed)


def months() -> list[str]:
    """A Markdown table of months."""
    lines = [
        "| contacts | runs a day | changed rows a run | billed a run | queries a month | storage a month |",
        "|---|---|---|---|---|---|",
    ]
    for size in SIZES:
        for runs in RUNS:
            work = Workload(size, runs)
            lines.append(
                f"| {size:,} | {runs} | {work.rows:,} | {human(work.run_bytes())} | ${work.month_dollars():,.0f} | ${work.storage_dollars():,.2f} |"
            )
    return lines


def main() -> None:
    print("\n".join([*one_run(), "", *months()]))


if __name__ == "__main__":
    main()
