"""A bill on paper: what BigQuery charges for a project of so many contacts, statement by statement.

`python -m benchmarks.bigquery`. No request is made. Rules and prices are of Google's page "BigQuery pricing", as remembered; the
sizes of rows are assumptions that stand below. docs/bigquery.md shows these very numbers, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tailrace.warehouse.bigquery.bill import billed, human, price
from tailrace.warehouse.bigquery.logged import TIMES

DAYS = 30
GIB = 2**30
STORED_PER_GIB = 0.02
"""Dollars for a GiB of active logical storage a month [memory]; a table that nobody changed for 90 days costs half."""
NUMBER = 8
"""Bytes of an INT64."""
SCRIPTS = 7
"""Landing, the model, what it was built from, the suite, the ledger before and behind the requests, the run."""
VIEWS = 8
"""Tables of five scripts' fences, and of the pointer's DELETE, INSERT and UPDATE."""
SPAN = 30
"""Days that a microbatch model looks through."""
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
        yield Statement("the lease's fence, in each script", "UPDATE", 0, SCRIPTS)
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
        yield Statement("records merged since, from __changes", "SELECT", self.logged() * (self.key + NUMBER))
        yield Statement(
            "into ledger__log, as pending and as answered", "INSERT", rows * self.ledger_row * 2, 2
        )
        yield Statement("into sync_log", "INSERT", rows * self.ledger_row)
        yield Statement("which batches are merged", "DELETE, INSERT", 0, 2)
        yield Statement("verdict, validations, samples", "DELETE, INSERT", 0, 5)
        yield Statement("into runs, steps", "INSERT", 0, 2)

    def logged(self) -> int:
        """Rows of a month's change log."""
        return round(self.contacts * self.changed * DAYS)

    def at_times(self) -> Iterator[Statement]:
        """What the run above does not send, and another one does."""
        yield Statement("after a kill: fence, before the first write", "UPDATE", 0)
        yield Statement("after a kill: rows of runs and steps that did not end", "DELETE", 0, 2)
        yield Statement("`publish: {views: true}`: clones and views", "CREATE", 0, 0)
        yield Statement("`publish: {views: true}`: their move", "UPDATE, DELETE, INSERT", 0, VIEWS)
        day = self.contacts / SPAN
        yield Statement(
            "`microbatch` over 30 days: which batches changed", "SELECT", self.contacts * self.row
        )
        yield Statement(
            "`microbatch`: a batch of a day", "DELETE, INSERT", day * (self.model_reads + self.model_row), 2
        )
        whole = self.contacts * self.ledger_row
        yield Statement(f"ledger__log begun anew, every {self.days_of_log()} days", "TRUNCATE, INSERT", whole)

    def days_of_log(self) -> int:
        """Until it has three rows for each of the ledger; a change is two."""
        return round((TIMES - 1) / (2 * self.changed))

    def run_bytes(self) -> int:
        return sum(one.billed for one in self.statements())

    def month_dollars(self) -> float:
        """Queries of a month in which every run finds changes."""
        return price(self.run_bytes()) * self.runs * DAYS

    def stored(self) -> int:
        """Bytes that lie there after a month: current rows, keys, model, ledger, and a month's raw rows and logs."""
        standing = self.contacts * (self.row + self.known + self.model_row + self.ledger_row)
        return standing + self.logged() * 2 * (self.row + self.ledger_row)

    def storage_dollars(self) -> float:
        return self.stored() / GIB * STORED_PER_GIB


SIZES = (10_000_000, 1_000_000_000)
RUNS = (96, 24, 1)


def one_run() -> list[str]:
    """A Markdown table of the statements of one of 96 runs a day."""
    lines = _beside(*(Workload(size, RUNS[0]).statements() for size in SIZES))
    totals = " | ".join(f"**{human(Workload(size, RUNS[0]).run_bytes())}**" for size in SIZES)
    return [*lines, f"| **a run** | | {totals} |"]


def at_times() -> list[str]:
    """A Markdown table of what only some runs send."""
    return _beside(*(Workload(size, RUNS[0]).at_times() for size in SIZES))


def _beside(small: Iterable[Statement], large: Iterable[Statement]) -> list[str]:
    lines = ["| statement | kind | 10M: billed | 1B: billed |", "|---|---|---|---|"]
    for one, other in zip(small, large, strict=True):
        lines.append(f"| {one.what} | {one.kind} | {_shown(one)} | {_shown(other)} |")
    return lines


def _shown(statement: Statement) -> str:
    return "free" if not statement.billed else human(statement.billed)


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
    print("\n".join([*one_run(), "", *at_times(), "", *months()]))


if __name__ == "__main__":
    main()
