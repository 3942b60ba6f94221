"""Small projects and published files with any past: written with the tables' own definitions, as runs leave them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tailrace.activate import ledger
from tailrace.build.built import ensure_built
from tailrace.land.cursors import ensure_cursors
from tailrace.project.load import load_project
from tailrace.project.spec import Project
from tailrace.report.document import Report
from tailrace.report.facts import read_report
from tailrace.report.local import NOTHING, Local
from tailrace.runner.meta import ensure_tables
from tailrace.validate import results
from tailrace.warehouse.base import META, TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

NOW = datetime(2026, 11, 21, 9, 30)
START = datetime(2026, 11, 21, 9, 0)
DAY = timedelta(days=1)

FILES = {
    "pyproject.toml": '[tool.tailrace]\nname = "acme"\nprofile = "acme"\n',
    "profiles.yml": """acme:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: warehouse.duckdb
      connections:
        hubspot: {type: hubspot, access_token: sandbox}
""",
    "pipelines/hubspot.yml": """pipeline: hubspot
connection: hubspot
schedule: {cron: "*/15 * * * *", sla: 1h}
resources:
  contacts: {}
""",
    "models/marts/lead_scores.sql": "SELECT 1 AS contact_id, 'a@example.com' AS email, 50 AS score, 'note' AS note\n",
    "models/marts/marts.yml": """version: 2
models:
  - name: lead_scores
    columns:
      - {name: contact_id}
      - {name: email, pii: true}
      - {name: score}
""",
    "expectations/lead_scores.yml": """suite: lead_scores
model: lead_scores
key: contact_id
expectations:
  - type: expect_column_values_to_be_between
    kwargs: {column: score, min_value: 0, max_value: 100}
    on_fail: quarantine
""",
    "reverse/hubspot_lead_scores.yml": """sync: hubspot_lead_scores
model: lead_scores
connection: hubspot
object: contacts
mode: update
primary_key: contact_id
match: {email: email}
fields: {lead_score: score}
validate: lead_scores
""",
}


def lay_out(root: Path, files: dict[str, str | None] | None = None) -> Path:
    """The project with `files` over it; None takes one away."""
    for name, text in {**FILES, **(files or {})}.items():
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
    return root


def check(
    type_: str = "expect_column_values_to_be_between", column: str | None = "score", **more: Any
) -> dict[str, Any]:
    """One row of `validations` as a passing check leaves it; `more` goes over it."""
    return {
        "expectation": type_, "column": column, "severity": "critical", "success": True, "observed": None,
        "unexpected_count": 0, "decision": "pass", "where": None, "reason": None,
        "description": f"{column} is as it should be", "owner": "", "kwargs": json.dumps({"column": column}),
        "query": None, "observed_number": None, "stage": "hubspot_lead_scores", **more,
    }  # fmt: skip


def failing(decision: str = "quarantine", rows: int | None = 12, **more: Any) -> dict[str, Any]:
    reason = more.pop("reason", f"score is not between 0 and 100: {rows} rows")
    return check(
        **{"success": False, "decision": decision, "unexpected_count": rows, "reason": reason, **more}
    )


@dataclass
class Past:
    """A published file in the making; `at` is when the next run begins."""

    root: Path
    at: datetime = START
    runs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.warehouse = DuckDBWarehouse(self.root / "warehouse.duckdb")
        results.ensure(self.warehouse)
        ledger.ensure(self.warehouse)
        ensure_cursors(self.warehouse)
        ensure_built(self.warehouse)
        ensure_tables(self.warehouse)

    def insert(self, table: str, **values: Any) -> None:
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        self.warehouse.execute(
            f'INSERT INTO {META}."{table}" ({names}) VALUES ({marks})', list(values.values())
        )

    def run(
        self,
        run_id: str,
        *,
        status: str = "ok",
        command: str = "run",
        error: str | None = None,
        at: datetime | None = None,
    ) -> str:
        """A run that took a minute; the next begins an hour later."""
        began = at or self.at
        self.insert("runs", run_id=run_id, command=command, target="dev", started_at=began,
                    finished_at=began + timedelta(minutes=1), status=status, error=error)  # fmt: skip
        self.runs.append(run_id)
        self.at = began + timedelta(hours=1)
        return run_id

    def step(
        self,
        step: str,
        name: str,
        status: str = "ok",
        rows: int = 0,
        error: str | None = None,
        run_id: str = "",
    ) -> None:
        self.insert("steps", run_id=run_id or self.runs[-1], position=0, step=step, name=name, status=status,
                    rows_in=rows, rows_out=rows, seconds=0.1, error=error)  # fmt: skip

    def judge(
        self, checks: Sequence[dict[str, Any]], *, suite: str = "lead_scores", model: str = "lead_scores", rows: int = 500,
        reasons: Sequence[str] | None = None, quarantined: int | None = None, **verdict: Any,
    ) -> None:  # fmt: skip
        """The suite judges in the run that was added last, two minutes after it began."""
        run_id, at = self.runs[-1], self.at - timedelta(minutes=58)
        common = {"run_id": run_id, "suite": suite, "model": model, "rows": rows, "at": at}
        table = results.VALIDATIONS
        values = [{"position": number, **one, **common} for number, one in enumerate(checks)]
        for start in range(0, len(values), 200):
            part = [[row.get(name) for name in results.COLUMNS[table]] for row in values[start : start + 200]]
            results.insert(self.warehouse, table, part)
        blocking = [one["reason"] for one in checks if one["decision"] == "block"]
        why = blocking if reasons is None else list(reasons)
        held = sum(one["unexpected_count"] or 0 for one in checks if one["decision"] == "quarantine")
        self.warehouse.execute(f"DELETE FROM {META}.verdicts WHERE suite = ?", [suite])
        self.insert("verdicts", **{
            "suite": suite, "stage": "s", "content": "c", "suite_hash": None, "decision": "blocked" if why else "pass",
            "reasons": json.dumps(why), "quarantined": held if quarantined is None else quarantined, "lasting": True,
            "run_id": run_id, "at": at, **verdict,
        })  # fmt: skip
        self.step("validate", suite, "stopped" if why else "ok", rows, "; ".join(why) or None)

    def sample(
        self, rows: Sequence[dict[str, Any]], *, position: int = 0, suite: str = "lead_scores"
    ) -> None:
        for number, row in enumerate(rows):
            self.insert("validation_samples", run_id=self.runs[-1], suite=suite, position=position, number=number,
                        row=json.dumps(row), at=self.at)  # fmt: skip

    def hold(self, keys: Sequence[str], *, reason: str = "score is not between 0 and 100",
             expectation: str = "expect_column_values_to_be_between", suite: str = "lead_scores") -> None:  # fmt: skip
        for key in keys:
            self.insert("quarantine", run_id=self.runs[-1], suite=suite, model=suite, expectation=expectation, key=key,
                        row="{}", reason=reason)  # fmt: skip

    def sent(
        self, status: str, count: int, at: datetime | None = None, sync: str = "hubspot_lead_scores"
    ) -> None:
        for key in range(count):
            self.insert(
                "ledger",
                account="1",
                object="contacts",
                sync=sync,
                primary_key=f"{status}{key}",
                status=status,
            )
        if at is not None:
            self.insert("sync_log", run_id=self.runs[-1], sync=sync, key="1", operation="update", at=at)

    def built(
        self, model: str = "lead_scores", at: datetime | None = None, run_id: str = "", rows: int = 500
    ) -> None:
        self.insert("models", model=model, schema_name="marts", materialized="table", rows=rows,
                    built_at=at or self.at - timedelta(hours=1), run_id=run_id or self.runs[-1])  # fmt: skip

    def landed(self, resource: str = "hubspot.contacts", rows: int = 500, at: datetime | None = None) -> None:
        schema, _, name = resource.partition(".")
        self.warehouse.ensure_schema(schema)
        table = self.warehouse.dialect.table(TableRef(schema, name))
        self.warehouse.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT range AS id FROM range({rows})")
        self.insert("cursors", resource=resource, updated_at=at or self.at)

    def close(self) -> None:
        self.warehouse.close()


def report(root: Path, *, now: datetime = NOW, run_id: str = "", local: Local = NOTHING) -> Report:
    """As the command reads it."""
    project: Project = load_project(root)
    warehouse = DuckDBWarehouse(root / "warehouse.duckdb", read_only=True)
    try:
        return read_report(warehouse, project, version="0.1.0", now=now, run_id=run_id, local=local)
    finally:
        warehouse.close()
