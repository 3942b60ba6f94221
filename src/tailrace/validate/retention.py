"""How long results stay: what is too old, or of a suite that the project no longer has, is cleared."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from tailrace.project.spec import Keeping
from tailrace.validate.held import PREFIX
from tailrace.validate.own.history import DISTRIBUTIONS
from tailrace.validate.results import QUARANTINE, SAMPLES, VALIDATIONS, VERDICTS
from tailrace.warehouse.base import META, STAGE, TableRef, Warehouse

STAGED = "suite_"
"""Heads the name of a staged table that no sync sends from."""

_Change = tuple[TableRef, str, str, list[Any]]


def clear(
    warehouse: Warehouse, suites: Collection[str], stages: Collection[str], keeping: Keeping, now: datetime
) -> int:
    """Delete or empty what is due, in one transaction; returns how many statements that took.

    `suites` are the project's, `stages` the names under which its models are staged.

    Where nothing is due nothing is written, so that an idle run leaves the file as it is.
    """
    due = [change for change in _changes(warehouse, suites, keeping, now) if _is_due(warehouse, change)]
    tables = _left_tables(warehouse, {PREFIX + suite for suite in suites} | set(stages))
    if not due and not tables:
        return 0
    with warehouse.transaction():
        for ref, change, where, values in due:
            warehouse.execute(
                f"{change} {warehouse.dialect.table(ref)} {_then(change)} WHERE {where}", values
            )
        for ref in tables:
            warehouse.execute(f"DROP TABLE IF EXISTS {warehouse.dialect.table(ref)}")
    return len(due) + len(tables)


def _changes(warehouse: Warehouse, suites: Collection[str], keeping: Keeping, now: datetime) -> list[_Change]:
    """Every rule as table, DELETE or UPDATE, condition and its values; of tables that are there."""
    moment = now.astimezone(UTC).replace(tzinfo=None)
    rows, results = (moment - timedelta(days=days) for days in (keeping.rows_days, keeping.results_days))
    gone = f"suite NOT IN ({', '.join('?' * len(suites))})" if suites else "true"
    names = sorted(suites)
    own = VALIDATIONS.name
    standing = f"SELECT 1 FROM {VERDICTS} AS v WHERE v.suite = {own}.suite AND v.run_id = {own}.run_id"
    rules: list[_Change] = [
        (QUARANTINE, "DELETE FROM", gone, names),
        (QUARANTINE, "UPDATE", '"row" IS NOT NULL AND first_seen_at <= ?', [rows]),
        (SAMPLES, "DELETE FROM", f'{gone} OR "at" <= ? OR number >= ?', [*names, rows, max(keeping.samples, 0)]),
        (VERDICTS, "DELETE FROM", gone, names),
        (DISTRIBUTIONS, "DELETE FROM", f'{gone} OR "at" <= ?', [*names, results]),
        # what a verdict that still stands was made of stays with it, however old
        (VALIDATIONS, "DELETE FROM", f'"at" <= ? AND NOT EXISTS ({standing})', [results]),
    ]  # fmt: skip
    there = warehouse.tables(META)
    return [rule for rule in rules if rule[0].name in there]


def _is_due(warehouse: Warehouse, change: _Change) -> bool:
    ref, _, where, values = change
    return bool(
        warehouse.query(f"SELECT 1 FROM {warehouse.dialect.table(ref)} WHERE {where} LIMIT 1", values)
    )


def _then(change: str) -> str:
    return 'SET "row" = NULL' if change == "UPDATE" else ""


def _left_tables(warehouse: Warehouse, known: Collection[str]) -> list[TableRef]:
    """Keys that suites which are gone held back, and the copies of models that they judged."""
    return [
        TableRef(STAGE, name)
        for name, kind in warehouse.tables(STAGE).items()
        if kind == "table" and name.startswith((PREFIX, STAGED)) and name not in known
    ]
