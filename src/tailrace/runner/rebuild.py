"""Models built again and again in one scratch over the published file, each time compared with the time before."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tailrace.build.built import read_built, read_built_sql
from tailrace.build.fingerprint import Decision, decide
from tailrace.build.graph import Graph, ModelNode
from tailrace.build.run import build
from tailrace.build.testing.active import active_unit_tests
from tailrace.build.testing.outcome import Outcome
from tailrace.build.testing.run import run_unit_tests
from tailrace.plan.data_diff import DataDiff, data_diff
from tailrace.plan.diff import Change, Versions, changes_of
from tailrace.plan.keys import keys_of, personal_columns
from tailrace.plan.resolve import Resolved
from tailrace.plan.room import needed, room
from tailrace.plan.scratch import SOURCE, is_published, scratch, without_hooks
from tailrace.runner.session import utc_now
from tailrace.state.runs import StepResult
from tailrace.warehouse.base import TableRef, Warehouse

BEFORE = "tailrace_before"
FIRST = 10
LARGE = 2_000_000
"""Rows of a table that is not copied for a diff."""
RUN_ID = "watch"


@dataclass(frozen=True)
class Rebuilt:
    """A model that was built: its rows, the first of them under `columns`, and what differs from before (None: nothing to compare)."""

    step: StepResult
    rows: int = 0
    columns: tuple[str, ...] = ()
    first: tuple[tuple[Any, ...], ...] = ()
    diff: DataDiff | None = None
    change: Change | None = None

    def document(self) -> dict[str, Any]:
        return {
            "model": self.step.name,
            "status": self.step.status,
            "why": self.step.detail.get("why"),
            "error": self.step.error,
            "change": self.change.kind if self.change else None,
            "details": list(self.change.details) if self.change else [],
            "rows": self.rows,
            "first": [dict(zip(self.columns, row, strict=True)) for row in self.first],
            "diff": self.diff.document() if self.diff else None,
        }


@dataclass
class Rebuild:
    """What one round did; `notes` say what it left out."""

    models: list[Rebuilt] = field(default_factory=list)
    tests: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def status(self) -> str:
        bad = any(one.step.status == "failed" for one in self.models) or any(
            test.is_bad for test in self.tests
        )
        return "failed" if bad else "ok"


class Workbench:
    """Holds the scratch open from one round to the next; begins anew when something was published in between."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._warehouse: Warehouse | None = None
        self._published: tuple[int, int] | None = None
        self._made: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def rebuild(self, resolved: Resolved, models: Collection[str], saved: Collection[str]) -> Rebuild:
        """Build what is not up to date among `models`; `saved` are the files that were written. Takes no lock, runs no hooks."""
        started = time.monotonic()
        warehouse, graph = self._scratch(resolved), without_hooks(resolved.graph)
        found = Rebuild()
        decisions = [one for one in decide(warehouse, graph, models) if one.action == "build"]
        if needed(warehouse, graph, [one.model for one in decisions]) > room():
            found.notes.append("the models to build are too large for memory here: choose fewer of them")
            return found
        found.models += self._built(warehouse, resolved, graph, models, decisions) if decisions else []
        found.tests += _unit_tests(resolved, graph, [one.step.name for one in found.models], saved)
        found.seconds = time.monotonic() - started
        return found

    def _built(
        self,
        warehouse: Warehouse,
        resolved: Resolved,
        graph: Graph,
        models: Collection[str],
        decisions: Sequence[Decision],
    ) -> list[Rebuilt]:
        built, sql = read_built(warehouse), read_built_sql(warehouse)
        there = [node for one in decisions if self._has_rows(warehouse, node := graph.nodes[one.model])]
        kept = {node.name: self._keep(warehouse, node) for node in there}
        steps = build(warehouse, graph, set(models), root=resolved.project.root, run_id=RUN_ID, now=utc_now)
        versions = Versions(sql, read_built_sql(warehouse), "duckdb")
        changes = changes_of(graph, decisions, built, versions)
        found = [
            self._told(warehouse, resolved, step, kept.get(step.name), changes.get(step.name))
            for step in steps
            if step.status != "skipped"
        ]
        for name in kept:
            warehouse.execute(f"DROP TABLE IF EXISTS {warehouse.dialect.table(TableRef(BEFORE, name))}")
        return found

    def _scratch(self, resolved: Resolved) -> Warehouse:
        path = resolved.project.target.path
        there = path.stat() if path is not None and is_published(resolved.project) else None
        mark = (there.st_ino, there.st_mtime_ns) if there else None
        if self._warehouse is None or mark != self._published:
            self._open.close()
            self._made.clear()
            self._published = mark
            self._warehouse = self._open.enter_context(scratch(resolved.project))
        return self._warehouse

    def _has_rows(self, warehouse: Warehouse, node: ModelNode) -> bool:
        return node.table.name in warehouse.tables(node.schema)

    def _keep(self, warehouse: Warehouse, node: ModelNode) -> str | None:
        """The rows as they are before a build, quoted: the published table itself, or a copy of what was built here."""
        table = warehouse.dialect.table(node.table)
        if node.name not in self._made:
            return f"{SOURCE}.{table}"
        if int(warehouse.query(f"SELECT count(*) FROM {table}")[0][0]) > LARGE:
            return None
        copy = warehouse.dialect.table(TableRef(BEFORE, node.name))
        warehouse.ensure_schema(BEFORE)
        warehouse.execute(f"CREATE OR REPLACE TABLE {copy} AS SELECT * FROM {table}")
        return copy

    def _told(
        self,
        warehouse: Warehouse,
        resolved: Resolved,
        step: StepResult,
        before: str | None,
        change: Change | None,
    ) -> Rebuilt:
        node = resolved.graph.nodes.get(step.name)
        if node is None or step.status == "failed":
            return Rebuilt(step)
        self._made.add(node.name)
        table, personal = warehouse.dialect.table(node.table), personal_columns(node)
        rows = int(warehouse.query(f"SELECT count(*) FROM {table}")[0][0])
        columns = tuple(warehouse.columns(node.table))
        first = [
            tuple("***" if name.lower() in personal and value is not None else value for name, value in zip(columns, row, strict=True))
            for row in warehouse.query(f"SELECT * FROM {table} LIMIT {FIRST}")
        ]  # fmt: skip
        diff = None
        if before is not None:
            keys = keys_of(resolved.project, node)
            diff = data_diff(warehouse, node.name, (before, table), keys, personal=personal)
        return Rebuilt(step, rows, columns, tuple(first), diff, change)


def _unit_tests(
    resolved: Resolved, graph: Graph, rebuilt: Collection[str], saved: Collection[str]
) -> list[Outcome]:
    """The unit tests of what was built, and those of which the file was saved."""
    tests = [
        test
        for test in active_unit_tests(resolved.project, graph)
        if test.model in rebuilt or test.path in saved
    ]
    return run_unit_tests(resolved.project, resolved.graph, tests) if tests else []
