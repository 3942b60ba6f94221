"""A project in a folder whose pipelines name their own sources, landed by the real steps, every landing one run."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tailrace import events
from tailrace.errors import ProjectError
from tailrace.plan.resolve import choose, resolve
from tailrace.project.load import load_project
from tailrace.runner.session import Session
from tailrace.runner.steps import land

PYPROJECT = '[tool.tailrace]\nname = "acme"\nprofile = "acme"\n'
PROFILES = """acme:
  target: dev
  outputs:
    dev: {type: duckdb, path: warehouse.duckdb}
"""


@dataclass
class Site:
    root: Path
    at: datetime = datetime(2024, 3, 1, tzinfo=UTC)
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.write("pyproject.toml", PYPROJECT)
        self.write("profiles.yml", PROFILES)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def resolved(self) -> Any:
        return resolve(load_project(self.root), now=self.at)

    def check(self) -> list[str]:
        """Every diagnostic of `tailrace check`."""
        try:
            self.resolved()
        except ProjectError as error:
            return [str(diagnostic) for diagnostic in error.diagnostics]
        return []

    @contextmanager
    def session(self):
        session = Session(self.resolved().project, "land", now=self.now)
        try:
            yield session
        finally:
            session.close()

    def land(self) -> dict[str, Any]:
        """StepResults by name."""
        resolved = self.resolved()
        session = Session(resolved.project, "land", now=self.now)
        with events.listening(self._hear):
            try:
                with session.warehouse() as warehouse:
                    land(session, warehouse, choose(resolved, ()))
            finally:
                session.close()
        return {result.name: result for result in session.results}

    def one(self) -> Any:
        """The only step, which went well."""
        (result,) = self.land().values()
        assert result.error is None, result.error
        return result

    def error(self) -> str:
        """What the only step says that failed."""
        (result,) = self.land().values()
        assert result.status == "failed", result
        return result.error

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.session() as session, session.warehouse() as warehouse:
            return warehouse.query(sql)

    def columns(self, table: str) -> dict[str, str]:
        rows = self.query(f"SELECT column_name, column_type FROM (DESCRIBE {table})")
        return {name: kind for name, kind in rows}

    def position(self) -> str:
        return self.query("SELECT position FROM tailrace_meta.cursors")[0][0]

    def _hear(self, event: events.Event) -> None:
        if isinstance(event, events.Notice):
            self.notices.append(event.text)
