"""A small project whose warehouse is published without any vendor, to plan against."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tailrace.build.run import build
from tailrace.plan.preview import Preview, Wanted, preview
from tailrace.plan.resolve import Resolved, choose, resolve
from tailrace.plan.states import modified_models
from tailrace.project.load import load_project
from tailrace.warehouse.duckdb import DuckDBWarehouse

NOW = datetime(2026, 11, 21, 4, 5, 6, 789000, tzinfo=UTC)
FILES = {
    "pyproject.toml": '[tool.tailrace]\nname = "acme"\nprofile = "acme"\n\n[tool.tailrace.models.marts]\nmaterialized = "table"\n',
    "profiles.yml": """
acme:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: warehouse.duckdb
      connections:
        hubspot: {type: hubspot, access_token: sandbox, base_url: "http://127.0.0.1:1/hubspot"}
""",
    "pipelines/hubspot.yml": "pipeline: hubspot\nconnection: hubspot\nresources:\n  contacts: {}\n  deals: {}\n",
    "models/staging/stg_contacts.sql": "SELECT id, email, visits, day FROM {{ source('hubspot', 'contacts') }}",
    "models/marts/scores.sql": "SELECT id, email, visits * 2 AS score, visits > 3 AS hot FROM {{ ref('stg_contacts') }}",
    "models/marts/top.sql": "SELECT id, score FROM {{ ref('scores') }} WHERE score > 4",
    "models/marts/best.sql": "SELECT max(score) AS score FROM {{ ref('scores') }}",
    "models/marts/marts.yml": "models:\n  - name: scores\n    columns:\n      - {name: id}\n      - {name: email, pii: true}\n",
    "expectations/scores.yml": """
suite: scores
model: scores
key: id
expectations:
  - {type: expect_column_values_to_not_be_null, kwargs: {column: score}, severity: critical, on_fail: block}
""",
    "reverse/scores.yml": """
sync: scores
model: scores
connection: hubspot
object: contacts
mode: update
primary_key: id
match: {email: email}
fields: {lead_score: score}
guardrails: {max_changed: off, max_created: off, max_deleted: off}
""",
}
CONTACTS = """
CREATE OR REPLACE TABLE hubspot.contacts AS SELECT range AS id, 'p' || range || '@example.com' AS email, range AS visits,
TIMESTAMP '2026-11-01' + INTERVAL (range) DAY AS day FROM range(1, 11)
"""


class Field:
    """The project's folder and what is published of it."""

    def __init__(self, root: Path, files: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.runs = 0
        for name, text in (FILES | dict(files or {})).items():
            self.write(name, text)

    @property
    def path(self) -> Path:
        return self.root / "warehouse.duckdb"

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def remove(self, name: str) -> None:
        (self.root / name).unlink()

    def execute(self, *statements: str) -> None:
        """Into the published file; then every landed table counts as changed."""
        warehouse = DuckDBWarehouse(self.path)
        for statement in statements:
            warehouse.execute(statement)
        warehouse.execute(
            "UPDATE tailrace_meta.cursors SET data_version = data_version + 10, raw_done = raw_done + 10"
        )
        warehouse.close()

    def resolved(self, now: datetime = NOW) -> Resolved:
        return resolve(load_project(self.root), now=now)

    def publish(self, now: datetime = NOW) -> dict[str, str]:
        """Land (the first time) and build into the published file; the status of each model."""
        self.runs += 1
        first = not self.path.exists()
        warehouse = DuckDBWarehouse(self.path)
        if first:
            warehouse.ensure_schema("hubspot")
            warehouse.execute(CONTACTS)
            warehouse.execute("CREATE TABLE hubspot.deals AS SELECT 1 AS id, 10.0 AS amount")
            warehouse.execute(
                "CREATE TABLE tailrace_meta.cursors (resource VARCHAR, data_version BIGINT, raw_done BIGINT)"
            )
            warehouse.execute(
                "INSERT INTO tailrace_meta.cursors VALUES ('hubspot.contacts', 1, 1), ('hubspot.deals', 1, 1)"
            )
        graph = self.resolved(now).graph
        found = build(
            warehouse, graph, set(graph.nodes), root=self.root, run_id=f"run{self.runs}", now=lambda: now
        )
        warehouse.close()
        assert [step.error for step in found if step.status == "failed"] == []
        return {step.name: step.status for step in found}

    def plan(self, *select: str, now: datetime = NOW, **wanted: object) -> Preview:
        resolved = self.resolved(now)
        modified = modified_models(resolved)
        return preview(resolved, choose(resolved, select, (), modified), Wanted(**wanted))

    def changes(self, *select: str, **wanted: object) -> dict[str, str]:
        """The class of each model that a plan would build."""
        return {m.decision.model: m.change.kind for m in self.plan(*select, **wanted).models if m.change}

    def query(self, sql: str) -> list[tuple[object, ...]]:
        warehouse = DuckDBWarehouse(self.path, read_only=True)
        try:
            return warehouse.query(sql)
        finally:
            warehouse.close()

    def digest(self) -> dict[str, str]:
        """Every file of the project's folder and what is in it."""
        return {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and "cache" not in path.parts
        }
