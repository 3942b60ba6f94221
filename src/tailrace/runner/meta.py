"""Runs and steps as tables for analysts: copied from the state into `tailrace_meta` when something is published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tailrace.state.store import Store
from tailrace.warehouse.base import META, Warehouse, in_batches

TABLES = f"""
CREATE TABLE IF NOT EXISTS {META}.runs (run_id VARCHAR, command VARCHAR, target VARCHAR, started_at TIMESTAMP,
  finished_at TIMESTAMP, status VARCHAR, error VARCHAR);
CREATE TABLE IF NOT EXISTS {META}.steps (run_id VARCHAR, position INTEGER, step VARCHAR, name VARCHAR, status VARCHAR,
  rows_in BIGINT, rows_out BIGINT, seconds DOUBLE, error VARCHAR)
"""

RUNS = "SELECT run_id, command, target, started_at, finished_at, status, error FROM runs"
STEPS = "SELECT run_id, position, step, name, status, rows_in, rows_out, seconds, error FROM steps"
AT_ONCE = 200
RUN_TYPES = ("VARCHAR", "VARCHAR", "VARCHAR", "TIMESTAMPTZ", "TIMESTAMPTZ", "VARCHAR", "VARCHAR")
STEP_TYPES = ("VARCHAR", "INTEGER", "VARCHAR", "VARCHAR", "VARCHAR", "BIGINT", "BIGINT", "DOUBLE", "VARCHAR")


def ensure_tables(warehouse: Warehouse) -> None:
    """Asks nothing and writes nothing where they are there."""
    if {"runs", "steps"} <= warehouse.tables(META).keys():
        return
    warehouse.ensure_schema(META)
    for statement in TABLES.split(";\n"):
        warehouse.execute(statement)


def copy_runs(warehouse: Warehouse, store: Store, *, ended_only: bool = False) -> None:
    """Bring `tailrace_meta.runs` and `.steps` up to what the state knows; runs that are there and ended stay untouched.

    The rows of runs come last. `ended_only`: a run that is at work has none yet.
    """
    ensure_tables(warehouse)
    ended = {row[0] for row in warehouse.query(f"SELECT run_id FROM {META}.runs WHERE status <> 'running'")}
    fresh = [
        row for row in store.read(RUNS) if row[0] not in ended and not (ended_only and row[5] == "running")
    ]
    if not fresh:
        return
    wanted = {row[0] for row in fresh}
    steps = [row for row in store.read(f"{STEPS} ORDER BY run_id, position") if row[0] in wanted]
    with warehouse.transaction():
        for some in in_batches(sorted(wanted), AT_ONCE):
            marks = ", ".join("?" * len(some))
            for name in ("steps", "runs"):
                warehouse.execute(f"DELETE FROM {META}.{name} WHERE run_id IN ({marks})", some)
        _insert(warehouse, "steps", STEP_TYPES, steps)
        _insert(warehouse, "runs", RUN_TYPES, fresh)


def _insert(warehouse: Warehouse, name: str, kinds: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Times are text in the state, and UTC without a zone here."""
    row = ", ".join(
        f"CAST(CAST(? AS {kind}) AS TIMESTAMP)" if kind == "TIMESTAMPTZ" else f"CAST(? AS {kind})"
        for kind in kinds
    )
    for some in in_batches(rows, AT_ONCE):
        values = [value for each in some for value in each]
        warehouse.execute(f"INSERT INTO {META}.{name} VALUES {', '.join([f'({row})'] * len(some))}", values)
