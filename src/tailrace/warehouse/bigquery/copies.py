"""Copies for commands that only read on this machine: fetched anew where another machine wrote since, for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tailrace.warehouse.base import STAGE, TableRef
from tailrace.warehouse.bigquery.connection import connect
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.lease import TargetLeases
from tailrace.warehouse.bigquery.lease_entry import RUN, Entry
from tailrace.warehouse.bigquery.near import Near
from tailrace.warehouse.bigquery.work_file import id_of
from tailrace.warehouse.duckdb import DuckDBWarehouse

FETCHED = TableRef(STAGE, "fetched__lease")
"""The lease as of which a file was fetched, and whether nobody was at work under it any more."""


def renew(settings: Mapping[str, Any], path: Path, work: Path) -> None:
    """`path` as the target is now, where the last run was not this machine's; `work` is what runs write here."""
    jobs = Jobs(connect(settings), settings)
    leases = TargetLeases(jobs)
    try:
        last = leases.last(RUN)
        if last is not None and not (path.exists() and _is_new(path, work, last)):
            _fetch(jobs, path, last)
    finally:
        leases.close()


def _is_new(path: Path, work: Path, last: Entry) -> bool:
    local = DuckDBWarehouse(path, read_only=True)
    try:
        if local.columns(FETCHED):
            return bool(local.query(
                f"SELECT 1 FROM {local.dialect.table(FETCHED)} WHERE number = ? AND ended", [last.number]
            ))  # fmt: skip
        return last.file == id_of(local, work)
    finally:
        local.close()


def _fetch(jobs: Jobs, path: Path, last: Entry) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    local = DuckDBWarehouse(temporary)
    try:
        Near(local, jobs).fetch_all()
        name = local.dialect.table(FETCHED)
        local.ensure_schema(STAGE)
        local.execute(f"CREATE TABLE {name} (number BIGINT, ended BOOLEAN)")
        local.execute(f"INSERT INTO {name} VALUES (?, ?)", [last.number, last.released])
        local.checkpoint()
    finally:
        local.close()
    temporary.chmod(0o444)
    temporary.replace(path)
