"""Rows that a suite holds back, by key: named exactly, or not at all."""

from __future__ import annotations

from datetime import datetime

from tailrace.errors import WarehouseError
from tailrace.project.reader import hint
from tailrace.project.spec import Expectation, Suite
from tailrace.validate.question import Examiner, Question
from tailrace.validate.verdict import failure
from tailrace.warehouse.base import META, TableRef, Warehouse
from tailrace.warehouse.stage import Staged

QUARANTINE = TableRef(META, "quarantine")
HELD = "tailrace_held"
"""A temporary table: position of the expectation in its suite, its type, the reason, `held_key` of the row."""

SAMPLE = 1000
"""Rows kept of a table that is stopped as a whole because too many would be held back."""

TABLE = (
    f"CREATE TABLE IF NOT EXISTS {QUARANTINE} (run_id VARCHAR, suite VARCHAR, model VARCHAR, expectation VARCHAR,"
    ' "key" VARCHAR, "row" VARCHAR, reason VARCHAR, subject VARCHAR, first_seen_at TIMESTAMP)'
)


def quarantined_keys_sql(warehouse: Warehouse, suite: str) -> str:
    """SELECT of the keys, as text, that the suite's last judgement holds back; for whoever sends the model's rows."""
    if not warehouse.columns(QUARANTINE):
        return 'SELECT CAST(NULL AS VARCHAR) AS "key" WHERE false'
    name = suite.replace("'", "''")
    return f"SELECT DISTINCT \"key\" FROM {QUARANTINE} WHERE suite = '{name}'"


def key_problem(warehouse: Warehouse, suite: Suite, staged: Staged) -> str | None:
    """Why the suite's key does not name the staged rows: it is missing, NULL somewhere or repeats. None if it does."""
    if suite.key is None:
        return None
    if _spelled_key(warehouse, suite, staged) is None:
        known = hint(suite.key, list(warehouse.columns(staged.ref)))
        return f"key {suite.key} is no column of {suite.model}. {known}".rstrip()
    key = warehouse.dialect.quote(suite.key)
    missing, distinct = warehouse.query(
        f"SELECT count(*) - count({key}), count(DISTINCT {key}) FROM {warehouse.dialect.table(staged.ref)}"
    )[0]
    repeated = staged.rows - missing - distinct
    wrong = [f"is NULL in {missing:,} rows"] if missing else []
    wrong += [f"repeats in {repeated:,} rows"] if repeated else []
    return f"key {suite.key} {' and '.join(wrong)}, so rows cannot be told apart" if wrong else None


def start_holding(warehouse: Warehouse, suite: Suite, staged: Staged) -> None:
    """An empty list of rows to hold back, in the connection's temporary memory; keys keep their type for the join."""
    key = _spelled_key(warehouse, suite, staged)
    held = warehouse.dialect.quote(key) if key else "CAST(NULL AS VARCHAR)"
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {HELD} AS SELECT CAST(0 AS BIGINT) AS position, CAST('' AS VARCHAR) AS expectation,"
        f" CAST('' AS VARCHAR) AS reason, {held} AS held_key FROM {warehouse.dialect.table(staged.ref)} LIMIT 0"
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
            f"INSERT INTO {HELD} SELECT ?, ?, ?, {key} FROM ({rows}) AS failing",
            [expectation.index, expectation.type, failure(expectation)],
        )
    except Exception as error:  # noqa: BLE001  # rows that cannot be named block the table, whatever the cause
        return str(error).splitlines()[0][:300]
    count = f"SELECT count(*) FROM {HELD} WHERE position = ?"
    found = int(warehouse.query(count, [expectation.index])[0][0])
    if found != expected:
        warehouse.execute(f"DELETE FROM {HELD} WHERE position = ?", [expectation.index])
    return found


def held_rows(warehouse: Warehouse) -> int:
    """Rows that at least one expectation holds back."""
    return int(warehouse.query(f"SELECT count(DISTINCT held_key) FROM {HELD}")[0][0])


def write(
    warehouse: Warehouse,
    suite: Suite,
    staged: Staged,
    *,
    run_id: str,
    at: datetime,
    subject: str | None,
    sample: bool,
) -> None:
    """Replace the suite's rows by those held now; a row held for the same reason before keeps its first time.

    `sample`: of a table that is stopped as a whole, the first rows are enough to see what is wrong.
    """
    quote = warehouse.dialect.quote
    old = f"{HELD}_before"
    warehouse.execute(
        f'CREATE OR REPLACE TEMP TABLE {old} AS SELECT expectation, reason, "key", min(first_seen_at) AS first_seen_at'
        f" FROM {QUARANTINE} WHERE suite = ? GROUP BY ALL",
        [suite.name],
    )
    warehouse.execute(f"DELETE FROM {QUARANTINE} WHERE suite = ?", [suite.name])
    if not suite.key or not held_rows(warehouse):
        return
    kept = f"SELECT DISTINCT held_key FROM {HELD} ORDER BY held_key LIMIT {SAMPLE}"
    chosen = f"WHERE h.held_key IN ({kept})" if sample else ""
    person = f"CAST(t.{quote(subject)} AS VARCHAR)" if subject else "CAST(NULL AS VARCHAR)"
    text = "CAST(h.held_key AS VARCHAR)"
    warehouse.execute(
        f"""INSERT INTO {QUARANTINE} SELECT ?, ?, ?, h.expectation, {text}, CAST(to_json(t) AS VARCHAR), h.reason,
  {person}, coalesce(b.first_seen_at, CAST(? AS TIMESTAMP)) FROM {HELD} AS h
  JOIN {warehouse.dialect.table(staged.ref)} AS t ON t.{quote(suite.key)} = h.held_key
  LEFT JOIN {old} AS b ON b.expectation = h.expectation AND b.reason = h.reason AND b."key" = {text} {chosen}
  ORDER BY h.position, h.held_key""",
        [run_id, suite.name, suite.model, at],
    )


def forget_held(warehouse: Warehouse) -> None:
    """Drop what start_holding made; an error of the warehouse here is of no consequence to what was written."""
    for name in (HELD, f"{HELD}_before"):
        try:
            warehouse.execute(f"DROP TABLE IF EXISTS {name}")
        except WarehouseError:
            return
