"""What happened, and what the published warehouse says: status, runs, show, query."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from tailrace.cli.frame import Frame
from tailrace.cli.render import size, status_word, step_line, table
from tailrace.errors import BadInput, WarehouseError, near_miss
from tailrace.plan.copies import is_readable, open_published
from tailrace.project.spec import Project
from tailrace.state.opening import open_existing
from tailrace.state.quotas import quota_documents, quota_line
from tailrace.state.store import Store
from tailrace.warehouse.duckdb import DuckDBWarehouse

if TYPE_CHECKING:
    import pyarrow as pa

RUNS = "SELECT run_id, command, target, started_at, finished_at, status, error FROM runs ORDER BY started_at DESC, rowid DESC LIMIT ?"
RUN_WORDS = ("run_id", "command", "target", "started_at", "finished_at", "status", "error")
STEPS = "SELECT step, name, status, rows_in, rows_out, seconds, error, detail FROM steps WHERE run_id = ? ORDER BY position"
STEP_WORDS = ("step", "name", "status", "rows_in", "rows_out", "seconds", "error", "detail")
SHOWN = 200
"""Rows that `query` prints as a table; the other formats give all."""


@contextmanager
def _store(project: Project) -> Iterator[Store]:
    store = open_existing(project.target, project.state_dir)
    if store is None:
        raise BadInput("nothing has run here yet", "run `tailrace run`")
    try:
        yield store
    finally:
        store.close()


@contextmanager
def published(project: Project) -> Iterator[DuckDBWarehouse]:
    """The published file, read-only and closed to everything outside it; of a BigQuery target this machine's copies."""
    if not is_readable(project):
        raise BadInput("nothing is published yet", "run `tailrace run`")
    with _sealed(project) as warehouse:
        yield warehouse


@contextmanager
def _sealed(project: Project) -> Iterator[DuckDBWarehouse]:
    warehouse = open_published(project)
    try:
        warehouse.execute("SET enable_external_access = false")
        warehouse.execute("SET lock_configuration = true")
        yield warehouse
    finally:
        warehouse.close()


def show_runs(frame: Frame, last: int) -> None:
    """The newest runs first."""
    with _store(frame.load()) as store:
        rows = store.read(RUNS, [last])
    frame.document([dict(zip(RUN_WORDS, row, strict=True)) for row in rows])
    frame.say(table(("run", "command", "started", "status", "error"),
                    [(row[0], row[1], row[3][:19], row[5], (row[6] or "")[:80]) for row in rows]))  # fmt: skip


def show_run(frame: Frame, run_id: str) -> None:
    """One run's steps, with what each did."""
    with _store(frame.load()) as store:
        known = store.read(RUNS, [1 if run_id == "last" else 1000])
        found = [row for row in known if run_id in ("last", row[0])]
        if not found:
            raise BadInput(f"there is no run {run_id}", near_miss(run_id, [row[0] for row in known]))
        steps = [dict(zip(STEP_WORDS, row, strict=True)) for row in store.read(STEPS, [found[0][0]])]
    for step in steps:
        step["detail"] = json.loads(step["detail"] or "{}")
    frame.document({**dict(zip(RUN_WORDS, found[0], strict=True)), "steps": steps})
    frame.say(f"run {found[0][0]}: {found[0][1]}, {status_word(found[0][5])}, started {found[0][3][:19]}")
    for step in steps:
        frame.say(step_line(step, step["detail"]))


def show_status(frame: Frame) -> None:
    """The last run, how far each resource is read, the ledger's statuses per sync, what is left of quotas."""
    project = frame.load()
    with _store(project) as store:
        rows = store.read(RUNS, [1])
        left = store.read("SELECT sync, COALESCE('stopped: ' || stopped, 'on its way'), rows FROM deliveries")
        budgets = quota_documents(store, project.target.connections)
    last = dict(zip(RUN_WORDS, rows[0], strict=True)) if rows else None
    cursors: list[tuple[Any, ...]] = []
    ledger: list[tuple[Any, ...]] = []
    if is_readable(project):
        with _sealed(project) as warehouse:
            there = warehouse.tables("tailrace_meta")
            if "cursors" in there:
                cursors = warehouse.query(
                    "SELECT resource, position, strftime(updated_at, '%Y-%m-%d %H:%M:%S') FROM tailrace_meta.cursors ORDER BY 1"
                )
            if "ledger" in there:
                ledger = warehouse.query(
                    "SELECT sync, status, count(*) FROM tailrace_meta.ledger GROUP BY 1, 2 ORDER BY 1, 2"
                )
    frame.document({"last_run": last, "resources": [{"resource": r, "position": p, "updated_at": a} for r, p, a in cursors],
                    "syncs": [{"sync": s, "status": w, "rows": n} for s, w, n in ledger],
                    "deliveries_left": [{"sync": s, "state": w, "rows": n} for s, w, n in left],
                    "quotas": budgets})  # fmt: skip
    if last:
        frame.say(
            f"last run {last['run_id']}: {last['command']}, {status_word(last['status'])}, started {last['started_at'][:19]}"
        )
    for heading, headers, found in (
        ("resources", ("resource", "read up to", "changed at"), [(r, _reached(p), a) for r, p, a in cursors]),
        ("syncs", ("sync", "status", "rows"), ledger),
        ("deliveries that a killed run left; the next run finishes them", ("sync", "state", "rows"), left),
    ):
        if found:
            frame.say(f"\n{heading}\n{table(headers, found, indent='  ')}")
    if budgets:
        frame.say("\nquotas, as the vendors last told them")
        now = datetime.now(UTC)
        for budget in budgets:
            frame.say(f"  {quota_line(budget, now)}")


def _reached(position: str | None) -> str:
    """The time or day in a position; its ids and digests fill pages, and `--json` has them."""
    found = json.loads(position or "null") or {}
    mark = found.get("since") or found.get("through")
    if isinstance(mark, dict):
        mark = min(mark.values(), default=None)
    return str(mark) if mark else "whole at each read"


def run_query(frame: Frame, sql: str, form: str) -> None:
    """Print a SELECT's rows; parquet goes to stdout as bytes. What DuckDB refuses is bad input."""
    form = "json" if frame.as_json and form == "table" else form
    if not sql.strip():
        raise BadInput("the query is empty", 'Write one, such as "SELECT * FROM marts.lead_scores LIMIT 5"')
    project = frame.load()
    names, rows, arrow = _asked(frame, project, sql, whole=form == "parquet")
    if arrow is not None:
        _parquet(arrow)
        return
    if form == "table":
        click.echo(table(names, rows[:SHOWN]) if names else "done")
        if len(rows) > SHOWN:
            click.echo(f"... {len(rows) - SHOWN:,} rows more; --format csv gives all", err=True)
    elif form == "csv":
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(["" if value is None else value for value in row] for row in rows)
    else:
        click.echo(
            json.dumps(
                [dict(zip(names, map(_plain, row), strict=True)) for row in rows],
                default=str,
                ensure_ascii=False,
            )
        )


def _asked(
    frame: Frame, project: Project, sql: str, *, whole: bool
) -> tuple[list[str], list[tuple[Any, ...]], pa.Table | None]:
    """Names and rows; `whole`: an Arrow table in their place."""
    if project.target.type == "bigquery":
        from tailrace.cli.query_bigquery import ask_bigquery

        with _refused_as_bad_input():
            found, billed = ask_bigquery(project, sql)
        if frame.verbosity >= 0:
            click.echo(f"{size(billed)} billed", err=True)
        rows = [tuple(row.values()) for row in found.to_pylist()] if not whole else []
        return list(found.column_names), rows, found if whole else None
    with published(project) as warehouse, _refused_as_bad_input():
        if whole:
            return [], [], warehouse.arrow(sql)
        return (*_rows(warehouse, sql), None)


@contextmanager
def _refused_as_bad_input() -> Iterator[None]:
    """What the engine says of a person's query."""
    try:
        yield
    except WarehouseError as error:
        raise BadInput(str(error)) from error


def _rows(warehouse: DuckDBWarehouse, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names, made different where two are the same (`a`, `a_1`), and all rows."""
    rows = warehouse.query(sql)
    names: list[str] = []
    for column in warehouse.native().description or []:
        same = (
            sum(name == column[0] or name.startswith(f"{column[0]}_") for name in names)
            if column[0] in names
            else 0
        )
        names.append(f"{column[0]}_{same}" if same else column[0])
    return names, rows


def _plain(value: Any) -> Any:
    """JSON has no NaN and no decimal: the one is null, the other a number where a double holds it, else text."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Decimal):
        return float(value) if Decimal(repr(float(value))) == value else str(value)
    return value.hex() if isinstance(value, bytes) else value


def _parquet(rows: pa.Table) -> None:
    import pyarrow.parquet as pq

    pq.write_table(rows, sys.stdout.buffer)
