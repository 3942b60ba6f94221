"""Rows that a suite holds back, by key: named exactly, or not at all. Until they are written they wait in temporary memory."""

from __future__ import annotations

from tailrace.errors import WarehouseError
from tailrace.project.reader import hint
from tailrace.project.spec import Expectation, Suite
from tailrace.validate.question import Examiner, Question
from tailrace.validate.unjudged import kind_of
from tailrace.validate.verdict import failure, title
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged

HELD = "tailrace_held"
"""A temporary table: the expectation's position, type, what it is about and its reason, and `held_key` of the row."""

IN_ONE_PASS = 1_250_000
"""Distinct values whose hash table, of some 50 bytes each, is made at once."""

BEFORE = f"{HELD}_before"
"""A temporary table: what the last judgement held back, and since when."""


def key_problem(warehouse: Warehouse, suite: Suite, staged: Staged) -> str | None:
    """Why the suite's key does not name the staged rows: it is missing, NULL somewhere or repeats. None if it does."""
    if suite.key is None:
        return None
    if _spelled_key(warehouse, suite, staged) is None:
        known = hint(suite.key, list(warehouse.columns(staged.ref)))
        return f"key {suite.key} is no column of {suite.model}. {known}".rstrip()
    key = warehouse.dialect.quote(suite.key)
    table = warehouse.dialect.table(staged.ref)
    missing = int(warehouse.query(f"SELECT count(*) - count({key}) FROM {table}")[0][0])
    distinct = int(warehouse.query(f"SELECT {distinct_sql(key, table, staged.rows)}")[0][0])
    repeated = staged.rows - missing - distinct
    wrong = [f"is NULL in {_rows(missing)}"] if missing else []
    wrong += [f"repeats ({_rows(repeated)} too many)"] if repeated else []
    return f"key {suite.key} {' and '.join(wrong)}, so rows cannot be told apart" if wrong else None


def distinct_sql(column: str, table: str, rows: int) -> str:
    """SQL for `count(DISTINCT column)` of a table with so many rows: of many, part by part by their hashes, one hash table at a time.

    The divisors are literals: as parameters they would make the hash 128 bits wide, fifty times slower.
    """
    parts = rows // IN_ONE_PASS + 1
    if parts == 1:
        return f"(SELECT count(DISTINCT {column}) FROM {table})"
    return " + ".join(
        f"(SELECT count(DISTINCT {column}) FROM {table} WHERE hash({column}) % {parts} = {part})"
        for part in range(parts)
    )


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def start_holding(warehouse: Warehouse, suite: Suite, staged: Staged) -> None:
    """An empty list of rows to hold back, in the connection's temporary memory; keys keep their type for the join."""
    key = _spelled_key(warehouse, suite, staged)
    held = warehouse.dialect.quote(key) if key else "CAST(NULL AS VARCHAR)"
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {HELD} AS SELECT CAST(0 AS BIGINT) AS position, CAST('' AS VARCHAR) AS expectation,"
        f" CAST('' AS VARCHAR) AS about, CAST('' AS VARCHAR) AS reason, {held} AS held_key FROM {warehouse.dialect.table(staged.ref)} LIMIT 0"
    )


def _spelled_key(warehouse: Warehouse, suite: Suite, staged: Staged) -> str | None:
    """The suite's key as the table spells it, if it is there."""
    wanted = (suite.key or "").lower()
    return next((name for name in warehouse.columns(staged.ref) if name.lower() == wanted), None)


def hold(
    warehouse: Warehouse,
    examiner: Examiner,
    suite: Suite,
    expectation: Expectation,
    question: Question,
    expected: int | None,
) -> int | str:
    """Name the rows that fail; their number, or why they cannot be named. Where it is not `expected`, none is kept."""
    assert suite.key is not None, "check refuses quarantine without a key"
    try:
        rows = examiner.failing_rows(question, [suite.key])
        key = warehouse.dialect.quote(suite.key)
        warehouse.execute(
            f"INSERT INTO {HELD} SELECT ?, ?, ?, ?, {key} FROM ({rows}) AS failing",
            [expectation.index, expectation.type, about(expectation), failure(expectation)],
        )
    except Exception as error:  # noqa: BLE001  # rows that cannot be named block the table, whatever the cause
        return kind_of(str(error), quotes=False)
    count = f"SELECT count(*) FROM {HELD} WHERE position = ?"
    found = int(warehouse.query(count, [expectation.index])[0][0])
    if found != expected:
        warehouse.execute(f"DELETE FROM {HELD} WHERE position = ?", [expectation.index])
    return found


def held_rows(warehouse: Warehouse) -> int:
    """Rows that at least one expectation holds back."""
    return int(warehouse.query(f"SELECT count(DISTINCT held_key) FROM {HELD}")[0][0])


def about(expectation: Expectation) -> str:
    """What stays the same of an expectation while its limits and words change: a row held by it keeps its first time."""
    return f"{title(expectation)} {expectation.where or ''}".rstrip()


def forget_held(warehouse: Warehouse) -> None:
    """Drop what start_holding made; an error of the warehouse here is of no consequence to what was written."""
    for name in (HELD, BEFORE):
        try:
            warehouse.execute(f"DROP TABLE IF EXISTS {name}")
        except WarehouseError:
            return
