"""What earlier runs saw: their judgements in tailrace_meta.validations, and distributions kept by ourselves.

A run counts where the suite was judged on other rows than today's, once per content, and where no check that compares with
history blocked it: what was stopped is no example to follow.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from tailrace.project.spec import Expectation, Suite
from tailrace.validate.entry import column_text
from tailrace.validate.own.declaration import Distribution
from tailrace.validate.own.kwargs import MOST_RUNS
from tailrace.warehouse.base import META, TableRef, Warehouse
from tailrace.warehouse.stage import Staged

VALIDATIONS = TableRef(META, "validations")
DISTRIBUTIONS = TableRef(META, "distributions")
_COLUMNS = {
    "suite": "VARCHAR", "run_id": "VARCHAR", "column": "VARCHAR", "bins": "VARCHAR", "rows": "BIGINT", "at": "TIMESTAMP",
    "where": "VARCHAR", "content": "VARCHAR",
}  # fmt: skip


@dataclass(frozen=True)
class Check:
    """An expectation as it is known from run to run: its type, columns and condition."""

    type: str
    column: str | None
    where: str | None

    @staticmethod
    def of(item: Expectation) -> Check:
        return Check(item.type, column_text(item.kwargs), item.where)


@dataclass(frozen=True)
class Past:
    """A judged run: the model's rows, and the number that the asked-for check observed."""

    rows: int
    number: float | None


def past_runs(
    warehouse: Warehouse,
    suite: Suite,
    staged: Staged,
    observed: Check | None,
    stopped_by: Sequence[Check],
    runs: int,
) -> list[Past]:
    """The last `runs` runs with any rows, newest first; those that one of `stopped_by` blocked are left out."""
    there = warehouse.columns(VALIDATIONS)
    if not {"observed_number", "content"} <= there.keys():  # none yet, or of a release that kept less
        return []
    saw, saw_params = _is([observed] if observed else [])
    stop, stop_params = _is(stopped_by)
    told = f"""SELECT run_id, max("at") AS judged_at, max("rows") AS judged_rows, max(content) AS judged_content,
    max(CASE WHEN {saw} THEN observed_number END) AS number,
    max(CASE WHEN decision = 'block' AND ({stop}) THEN 1 ELSE 0 END) AS stopped
  FROM {warehouse.dialect.table(VALIDATIONS)} WHERE suite = ? AND model = ? GROUP BY run_id"""
    rows = warehouse.query(
        f"""SELECT judged_rows, number FROM (SELECT *, row_number() OVER (PARTITION BY judged_content ORDER BY judged_at DESC) AS again
  FROM ({told}) AS told WHERE stopped = 0 AND judged_rows > 0 AND judged_content <> ?) AS counted
WHERE again = 1 ORDER BY judged_at DESC LIMIT {int(runs)}""",
        [*saw_params, *stop_params, suite.name, suite.model, staged.content],
    )
    return [Past(int(count), None if number is None else float(number)) for count, number in rows]


def _is(checks: Sequence[Check]) -> tuple[str, list[str]]:
    """SQL that tells rows of these checks, and its parameters."""
    parts: list[str] = []
    params: list[str] = []
    for check in checks:
        parts.append("(expectation = ? AND coalesce(\"column\", '') = ? AND coalesce(\"where\", '') = ?)")
        params += [check.type, check.column or "", check.where or ""]
    return " OR ".join(parts) or "1 = 0", params


def distributions(warehouse: Warehouse, suite: Suite, staged: Staged, check: Check, runs: int) -> list[str]:
    """The bins of the last `runs` distributions of a column, newest first, the judged content's own left out."""
    if not warehouse.columns(DISTRIBUTIONS):
        return []
    rows = warehouse.query(
        f'SELECT bins FROM {warehouse.dialect.table(DISTRIBUTIONS)} WHERE suite = ? AND "column" = ?'
        f' AND coalesce("where", \'\') = ? AND content <> ? ORDER BY "at" DESC LIMIT {int(runs)}',
        [suite.name, (check.column or "").lower(), check.where or "", staged.content],
    )
    return [str(bins) for (bins,) in rows]


def forget(warehouse: Warehouse, suite: Suite, personal: Collection[str]) -> None:
    """Remove how values of personal columns (lower case) are spread, kept while they were not marked."""
    if not personal or not warehouse.columns(DISTRIBUTIONS):
        return
    names = ", ".join("?" * len(personal))
    warehouse.execute(
        f'DELETE FROM {warehouse.dialect.table(DISTRIBUTIONS)} WHERE suite = ? AND lower("column") IN ({names})',
        [suite.name, *sorted(personal)],
    )


def write(
    warehouse: Warehouse, suite: Suite, found: Sequence[Distribution], run_id: str, at: datetime
) -> None:
    """Remember distributions, in the transaction of the results; at most as many runs of each as a check can ask for."""
    if not found:
        return
    table, quote = warehouse.dialect.table(DISTRIBUTIONS), warehouse.dialect.quote
    columns = ", ".join(f"{quote(name)} {kind}" for name, kind in _COLUMNS.items())
    warehouse.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
    for one in found:
        same = 'suite = ? AND "column" = ? AND coalesce("where", \'\') = ?'
        params = [suite.name, one.column.lower(), one.where or ""]
        warehouse.execute(f"DELETE FROM {table} WHERE {same} AND content = ?", [*params, one.content])
        warehouse.execute(
            f"INSERT INTO {table} ({', '.join(quote(name) for name in _COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [suite.name, run_id, one.column.lower(), one.bins, one.rows, at, one.where, one.content],
        )
        warehouse.execute(
            f'DELETE FROM {table} WHERE {same} AND "at" < (SELECT min(kept) FROM (SELECT "at" AS kept FROM {table}'
            f' WHERE {same} ORDER BY "at" DESC LIMIT {MOST_RUNS}) AS newest)',
            [*params, *params],
        )
