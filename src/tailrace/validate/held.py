"""The rows that a suite's last judgement holds back: their keys for whoever sends, and what people may see of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tailrace.project.spec import Suite
from tailrace.validate.audience import Audience
from tailrace.validate.masking import masked_row_sql, masked_sql, subject_sql
from tailrace.validate.quarantine import BEFORE, HELD, held_rows
from tailrace.validate.results import COLUMNS, QUARANTINE
from tailrace.warehouse.base import STAGE, TableRef, Warehouse
from tailrace.warehouse.stage import Staged

PREFIX = "held__"
PAST = "past"
"""Of a row in it that is not held now: its first time is kept over a day on which rows could not be named."""
SAMPLE = 1000
"""Rows kept of a table that is stopped as a whole because too many would be held back."""


def held_table(suite: str) -> TableRef:
    """Typed `key`s of the rows held back, one row per key and expectation; it is read by syncs and never shown."""
    return TableRef(STAGE, PREFIX + suite)


def quarantined_keys_sql(warehouse: Warehouse, suite: str) -> str | None:
    """SELECT of the keys, as `"key"` of the suite's key's own type, that its last judgement holds back; None without any."""
    ref = held_table(suite)
    if not warehouse.columns(ref):
        return None
    now = f" WHERE NOT {PAST}" if PAST in warehouse.columns(ref) else ""
    return f'SELECT DISTINCT "key" FROM {warehouse.dialect.table(ref)}{now}'


def held_mark(warehouse: Warehouse, suite: str) -> str:
    """What the keys held back are, as a text that changes with any of them; "" without any."""
    ref = held_table(suite)
    if not warehouse.columns(ref):
        return ""
    rows, total = warehouse.query(
        f'SELECT count(*), coalesce(sum(CAST(hash("key", position) AS HUGEINT)), 0) FROM {warehouse.dialect.table(ref)}'
    )[0]
    return f"{rows}-{total}"


@dataclass(frozen=True)
class Holding:
    """One judgement's rows to write. `sample`: of a table that is stopped as a whole, the first rows are enough to see what is wrong.

    `unnamed` is what the expectations are about (quarantine.about) whose rows could not be named this time, so that nobody knows
    whether they hold them still.
    """

    suite: Suite
    staged: Staged
    run_id: str
    at: datetime
    audience: Audience
    sample: bool
    unnamed: tuple[str, ...] = ()


def write_held(warehouse: Warehouse, holding: Holding) -> None:
    """Replace the suite's rows by those held now; one held by the same expectation before keeps its first time."""
    name = holding.suite.name
    table, held = warehouse.dialect.table(QUARANTINE), held_table(name)
    if holding.suite.key and held_rows(warehouse):
        _write_keys(warehouse, holding, _remember_first_times(warehouse, holding))
        warehouse.execute(f"DELETE FROM {table} WHERE suite = ?", [name])
        _show(warehouse, holding)
        return
    warehouse.execute(f"DELETE FROM {table} WHERE suite = ?", [name])
    if not (holding.unnamed and _keep_first_times(warehouse, holding)):
        warehouse.execute(f"DROP TABLE IF EXISTS {warehouse.dialect.table(held)}")


def _keep_first_times(warehouse: Warehouse, holding: Holding) -> bool:
    """Leave the last judgement's rows of these expectations as past ones; whether there are any."""
    ref = held_table(holding.suite.name)
    if "about" not in warehouse.columns(ref):
        return False
    table = warehouse.dialect.table(ref)
    warehouse.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT * REPLACE (true AS {PAST}) FROM (FROM {_with_past(warehouse, ref)})"
        f" WHERE about IN ({', '.join('?' * len(holding.unnamed))})",
        list(holding.unnamed),
    )
    return bool(warehouse.query(f"SELECT 1 FROM {table} LIMIT 1"))


def _with_past(warehouse: Warehouse, ref: TableRef) -> str:
    """The table, of a release that kept none too, with the column."""
    table = warehouse.dialect.table(ref)
    return table if PAST in warehouse.columns(ref) else f"(SELECT *, false AS {PAST} FROM {table})"


def _remember_first_times(warehouse: Warehouse, holding: Holding) -> str:
    """The last judgement's keys; returns what of a row now is to equal them.

    They are texts where the key's type has changed since, or an older release left nothing but texts.
    """
    held = held_table(holding.suite.name)
    columns = warehouse.columns(held)
    typed = bool(columns) and columns["key"] == _key_type(warehouse, holding)
    values: list[str] = []
    if columns:
        source, about = warehouse.dialect.table(held), "about"
    else:
        source, about = f"{warehouse.dialect.table(QUARANTINE)} WHERE suite = ?", "CAST(NULL AS VARCHAR)"
        values = [holding.suite.name]
    key = '"key"' if typed else 'CAST("key" AS VARCHAR)'
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {BEFORE} AS SELECT {key} AS held_key, expectation, {about} AS about,"
        f" min(first_seen_at) AS first_seen_at FROM {source} GROUP BY ALL",
        values,
    )
    return "h.held_key" if typed else "CAST(h.held_key AS VARCHAR)"


def _key_type(warehouse: Warehouse, holding: Holding) -> str:
    wanted = (holding.suite.key or "").lower()
    columns = warehouse.columns(holding.staged.ref)
    return next(kind for name, kind in columns.items() if name.lower() == wanted)


def _write_keys(warehouse: Warehouse, holding: Holding, key: str) -> None:
    """A sample keeps what was held before too, so that no row's first time is lost by a day that went wrong."""
    chosen = ""
    if holding.sample:
        first = f"SELECT DISTINCT held_key FROM {HELD} ORDER BY held_key LIMIT {SAMPLE}"
        chosen = f"WHERE h.held_key IN ({first}) OR b.first_seen_at IS NOT NULL"
    warehouse.ensure_schema(STAGE)
    warehouse.execute(
        f"""CREATE OR REPLACE TABLE {warehouse.dialect.table(held_table(holding.suite.name))} AS
  SELECT h.held_key AS "key", h.position, h.expectation, h.about, h.reason,
    coalesce(b.first_seen_at, CAST(? AS TIMESTAMP)) AS first_seen_at, false AS {PAST}
  FROM {HELD} AS h LEFT JOIN {BEFORE} AS b ON b.held_key = {key} AND b.expectation = h.expectation
    AND coalesce(b.about = h.about, true) {chosen} ORDER BY h.position, h.held_key""",
        [holding.at],
    )
    if holding.unnamed:
        warehouse.execute(
            f"""INSERT INTO {warehouse.dialect.table(held_table(holding.suite.name))}
  SELECT TRY_CAST(held_key AS {_key_type(warehouse, holding)}), -1, expectation, about, '', first_seen_at, true FROM {BEFORE}
  WHERE about IN ({", ".join("?" * len(holding.unnamed))}) AND TRY_CAST(held_key AS {_key_type(warehouse, holding)}) IS NOT NULL""",
            list(holding.unnamed),
        )


def _show(warehouse: Warehouse, holding: Holding) -> None:
    """The same rows for people: personal values masked, and no row that has been there for longer than rows are kept."""
    suite, audience, quote = holding.suite, holding.audience, warehouse.dialect.quote
    assert suite.key is not None
    personal = audience.personal
    key = 'CAST(h."key" AS VARCHAR)'
    subject = "CAST(NULL AS VARCHAR)"
    if audience.subject:
        subject = subject_sql(f"t.{quote(audience.subject)}", personal=audience.subject.lower() in personal)
    row = masked_row_sql(warehouse.dialect, warehouse.columns(holding.staged.ref), personal, "t")
    names = ", ".join(quote(name) for name in COLUMNS[QUARANTINE])
    oldest = holding.at - timedelta(days=audience.keeping.rows_days)
    warehouse.execute(
        f"""INSERT INTO {warehouse.dialect.table(QUARANTINE)} ({names})
  SELECT ?, ?, ?, h.expectation, {masked_sql(key) if suite.key.lower() in personal else key},
    CASE WHEN h.first_seen_at > ? THEN {row} END, h.reason, {subject}, h.first_seen_at
  FROM {warehouse.dialect.table(held_table(suite.name))} AS h
  JOIN {warehouse.dialect.table(holding.staged.ref)} AS t ON t.{quote(suite.key)} = h."key" AND NOT h.{PAST}
  ORDER BY h.position, h."key" """,
        [holding.run_id, suite.name, suite.model, oldest],
    )
