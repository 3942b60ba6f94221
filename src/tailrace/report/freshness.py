"""How far the data reaches: what was landed when, and when the models that people rely on were built."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from tailrace.project.spec import Project
from tailrace.report.document import KEPT, Built, Landed
from tailrace.report.published import Published
from tailrace.warehouse.base import TableRef

READ = ("ok", "skipped")


def read_landed(published: Published, project: Project, now: datetime) -> tuple[Landed, ...]:
    """Every resource that the project lands or that was landed once, by name."""
    changed = {
        row["resource"]: row["updated_at"] for row in published.rows("cursors", ("resource", "updated_at"))
    }
    steps = _land_steps(published)
    slas = {
        f"{pipeline.dataset}.{resource.name}": pipeline.schedule.sla if pipeline.schedule else None
        for pipeline in project.pipelines
        for resource in pipeline.resources
    }
    names = sorted({*changed, *slas} if slas or changed else set())
    rows = _counts(published, names)
    return tuple(
        _landed(name, rows.get(name), steps.get(name, []), changed.get(name), slas.get(name), now)
        for name in names
    )


def _landed(
    name: str,
    rows: int | None,
    steps: list[tuple[str, datetime, int]],
    changed: datetime | None,
    sla: float | None,
    now: datetime,
) -> Landed:
    read = max((at for status, at, _ in steps if status in READ), default=changed)
    late = sla is not None and (read is None or (now - read).total_seconds() > sla)
    status = steps[-1][0] if steps else ""
    return Landed(name, rows, read, changed, sla, late, status, tuple(count for _, _, count in steps))


def _land_steps(published: Published) -> dict[str, list[tuple[str, datetime, int]]]:
    """(status, start of its run, rows read) of each resource's last landings, oldest first."""
    found: dict[str, list[tuple[str, datetime, int]]] = defaultdict(list)
    if not published.columns("steps") or not published.columns("runs"):
        return found
    steps = published.relation("steps", ("run_id", "step", "name", "status", "rows_in"))
    rows: Any = published.warehouse.query(
        f"SELECT s.name, s.status, r.started_at, s.rows_in FROM {steps} AS s"
        f" JOIN {published.relation('runs', ('run_id', 'started_at'))} AS r ON r.run_id = s.run_id"
        " WHERE s.step = 'land' AND r.started_at IS NOT NULL"
        f" QUALIFY row_number() OVER (PARTITION BY s.name ORDER BY r.started_at DESC) <= {KEPT}"
        " ORDER BY s.name, r.started_at"
    )
    for name, status, at, count in rows:
        found[name].append((status or "", at, int(count or 0)))
    return found


def _counts(published: Published, names: list[str]) -> dict[str, int]:
    """Rows of the tables that are there; DuckDB knows them without reading any."""
    there: list[tuple[str, TableRef]] = []
    known: dict[str, dict[str, str]] = {}
    for name in names:
        schema, _, table = name.partition(".")
        if schema not in known:
            known[schema] = published.warehouse.tables(schema)
        if known[schema].get(table) == "table":
            there.append((name, TableRef(schema, table)))
    if not there:
        return {}
    quoted = published.warehouse.dialect.table
    counts = [f"SELECT {number}, count(*) FROM {quoted(ref)}" for number, (_, ref) in enumerate(there)]
    return {
        there[number][0]: int(count)
        for number, count in published.warehouse.query(" UNION ALL ".join(counts))
    }


def read_models(published: Published, project: Project) -> dict[str, tuple[Built, str]]:
    """Models that a suite or a sync reads, each with the run that built it."""
    wanted = {suite.model for suite in project.suites} | {sync.model for sync in project.syncs}
    columns = ("model", "schema_name", "rows", "built_at", "run_id")
    found = published.rows("models", columns, "ORDER BY model")
    return {
        row["model"]: (
            Built(row["model"], f"{row['schema_name']}.{row['model']}", row["rows"], row["built_at"]),
            row["run_id"] or "",
        )
        for row in found
        if row["model"] in wanted
    }
