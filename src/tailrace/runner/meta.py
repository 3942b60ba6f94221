"""Runs and steps as tables for analysts: copied from the state into `tailrace_meta` when something is published."""

from __future__ import annotations

from tailrace.state.store import Store
from tailrace.warehouse.base import META, Warehouse

TABLES = f"""
CREATE TABLE IF NOT EXISTS {META}.runs (run_id VARCHAR, command VARCHAR, target VARCHAR, started_at TIMESTAMP,
  finished_at TIMESTAMP, status VARCHAR, error VARCHAR);
CREATE TABLE IF NOT EXISTS {META}.steps (run_id VARCHAR, position INTEGER, step VARCHAR, name VARCHAR, status VARCHAR,
  rows_in BIGINT, rows_out BIGINT, seconds DOUBLE, error VARCHAR)
"""

RUNS = "SELECT run_id, command, target, started_at, finished_at, status, error FROM runs"
STEPS = "SELECT run_id, position, step, name, status, rows_in, rows_out, seconds, error FROM steps"


def ensure_tables(warehouse: Warehouse) -> None:
    warehouse.ensure_schema(META)
    for statement in TABLES.split(";\n"):
        warehouse.execute(statement)


def copy_runs(warehouse: Warehouse, store: Store) -> None:
    """Bring `tailrace_meta.runs` and `.steps` up to what the state knows; runs that are there and ended stay untouched."""
    ensure_tables(warehouse)
    ended = {row[0] for row in warehouse.query(f"SELECT run_id FROM {META}.runs WHERE status <> 'running'")}
    fresh = [row for row in store.read(RUNS) if row[0] not in ended]
    with warehouse.transaction():
        for row in fresh:
            warehouse.execute(f"DELETE FROM {META}.runs WHERE run_id = ?", [row[0]])
            warehouse.execute(f"DELETE FROM {META}.steps WHERE run_id = ?", [row[0]])
            warehouse.execute(f"INSERT INTO {META}.runs VALUES (?, ?, ?, CAST(CAST(? AS TIMESTAMPTZ) AS TIMESTAMP),"
                              " CAST(CAST(? AS TIMESTAMPTZ) AS TIMESTAMP), ?, ?)", row)  # fmt: skip
            for step in store.read(f"{STEPS} WHERE run_id = ? ORDER BY position", [row[0]]):
                warehouse.execute(f"INSERT INTO {META}.steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", step)
