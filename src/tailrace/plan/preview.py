"""What a run would do with what is landed already: models are built, judged and compared in a scratch database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from tailrace.build.built import read_built, read_built_sql
from tailrace.build.fingerprint import Decision, decide
from tailrace.build.run import build
from tailrace.plan.asking import Vendors
from tailrace.plan.data_diff import SAMPLE, DataDiff
from tailrace.plan.diff import Change, Sql, Versions, changes_of
from tailrace.plan.impact import Vanished, vanished_columns
from tailrace.plan.model_diffs import model_diffs
from tailrace.plan.readers import Readers, readers_of
from tailrace.plan.resolve import Chosen, Resolved
from tailrace.plan.room import needed, room
from tailrace.plan.scratch import is_published, scratch, without_hooks
from tailrace.plan.sync_preview import sync_previews
from tailrace.plan.unbuilt import empty_models
from tailrace.state.runs import StepResult
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

RUN_ID = "plan"
Columns = dict[TableRef, dict[str, str]]


@dataclass(frozen=True)
class Wanted:
    """How much of a plan is asked for: `build` models in the scratch, `diff` their rows by samples of so many (0: all)."""

    build: bool = True
    diff: bool = False
    sample: int = SAMPLE


@dataclass(frozen=True)
class ModelPlan:
    """One model: `columns` that would be added, removed or retyped against what is published; `change` is None for one that stays."""

    decision: Decision
    columns: Mapping[str, list[str]] = field(default_factory=dict)
    change: Change | None = None
    readers: Sequence[Readers] = ()
    diff: DataDiff | None = None
    priced: bool = False
    """On BigQuery: `bytes` are what building it reads, None where that is not known."""
    bytes: int | None = None

    def document(self) -> dict[str, Any]:
        found, change = self.decision, self.change
        document: dict[str, Any] = {
            "model": found.model,
            "action": found.action,
            "why": found.why,
            "columns": dict(self.columns),
            "change": change.kind if change else None,
            "details": list(change.details) if change else [],
            "readers": [reader.document() for reader in self.readers],
        }
        document |= {"bytes": self.bytes} if self.priced else {}
        return {**document, "diff": self.diff.document()} if self.diff else document


@dataclass
class Preview:
    """`syncs` are each sync's numbers as they would be, with examples before and after; `vanished` columns with readers.

    `notes` say what a plan left out, and why.
    """

    models: list[ModelPlan] = field(default_factory=list)
    steps: list[StepResult] = field(default_factory=list)
    syncs: dict[str, dict[str, Any]] = field(default_factory=dict)
    vanished: list[Vanished] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bytes: int | None = None
    """What all of it reads in BigQuery, and its `price`; None on DuckDB."""
    price: float | None = None

    @property
    def status(self) -> str:
        found: set[str] = {step.status for step in self.steps}
        found |= {"stopped" for detail in self.syncs.values() if detail.get("stopped")}
        return next((status for status in ("failed", "stopped") if status in found), "ok")


def now() -> datetime:
    return datetime.now(UTC)


def preview(
    resolved: Resolved, chosen: Chosen, wanted: Wanted = Wanted(), vendors: Vendors | None = None
) -> Preview:
    """Builds, judges and diffs the chosen part (on BigQuery nothing is built); takes no lock, writes nothing, and asks vendors only where `vendors` says how.

    Without a published file only a project that lands nothing can be built.
    """
    if resolved.project.target.type == "bigquery":
        from tailrace.plan.far_preview import preview_far

        return preview_far(resolved, chosen, wanted, vendors)
    with scratch(resolved.project) as warehouse:
        return _Planning(
            replace(resolved, graph=without_hooks(resolved.graph)), chosen, wanted, warehouse, vendors
        ).plan()


class _Planning:
    def __init__(
        self,
        resolved: Resolved,
        chosen: Chosen,
        wanted: Wanted,
        warehouse: DuckDBWarehouse,
        vendors: Vendors | None,
    ) -> None:
        self._vendors = vendors
        self._resolved = resolved
        self._graph = resolved.graph
        self._chosen = chosen
        self._wanted = wanted
        self._warehouse = warehouse
        self._found = Preview()
        self._built = read_built(warehouse)
        self._sql = read_built_sql(warehouse)

    def plan(self) -> Preview:
        found, project = self._found, self._resolved.project
        decisions = decide(self._warehouse, self._graph, set(self._chosen.models))
        if not is_published(project) and project.pipelines:
            changes = changes_of(self._graph, decisions, {}, Versions({}, {}, ""))
            found.models += [ModelPlan(one, change=changes.get(one.model)) for one in decisions]
            return found
        found.vanished += vanished_columns(self._warehouse, self._resolved)
        before = self._columns()
        builds = self._has_room(decisions)
        if builds:
            decisions = self._build(decisions)
        elif any(decision.action == "build" for decision in decisions):
            found.steps += empty_models(self._warehouse, self._graph, decisions, project.root)
        self._tell(decisions, before, builds=builds)
        if builds:
            found.syncs |= sync_previews(
                self._warehouse, self._resolved, self._chosen.syncs, found.steps, now, self._vendors
            )
        return found

    def _has_room(self, decisions: Sequence[Decision]) -> bool:
        if not self._wanted.build:
            self._found.notes.append("no model was built (--no-build): decisions and columns only")
            return False
        holds = needed(
            self._warehouse, self._graph, [one.model for one in decisions if one.action == "build"]
        )
        if holds <= (most := room()):
            return True
        self._found.notes.append(
            f"the models to build hold about {holds / 2**30:,.1f} GB, and a plan may take {most / 2**30:,.1f} GB here:"
            " decisions and columns only. Plan fewer models, or make room for temporary files"
        )
        return False

    def _build(self, decisions: Sequence[Decision]) -> list[Decision]:
        """The decisions as building them showed: a model of which no batch is stale, for one, is skipped after all."""
        if any(decision.action == "build" for decision in decisions):
            self._found.steps += build(
                self._warehouse,
                self._graph,
                set(self._chosen.models),
                root=self._resolved.project.root,
                run_id=RUN_ID,
                now=now,
            )
        made = {step.name: step for step in self._found.steps}
        return [_as_made(one, made[one.model]) if one.model in made else one for one in decisions]

    def _tell(self, decisions: Sequence[Decision], before: Columns, *, builds: bool) -> None:
        versions = Versions(self._sql, self._after(decisions, builds=builds), "duckdb")
        changes = changes_of(self._graph, decisions, self._built, versions)
        now_there = self._columns()
        columns = {name: self._difference(name, before, now_there) for name in changes}
        changes = {name: change.retyped(columns[name]) for name, change in changes.items()}
        readers = readers_of(self._resolved, changes)
        diffs = {}
        if builds and self._wanted.diff:
            failed = {step.name for step in self._found.steps if step.status == "failed"}
            whole = [name for name in changes if name not in failed]
            diffs = model_diffs(self._warehouse, self._resolved, whole, self._built, self._wanted.sample)
        self._found.models += [
            ModelPlan(one, columns.get(one.model, {}), changes.get(one.model), readers.get(one.model, ()),
                      diffs.get(one.model))
            for one in decisions
        ]  # fmt: skip

    def _after(self, decisions: Sequence[Decision], *, builds: bool) -> dict[str, Sql]:
        """The SQL of each model as it would be; of one that asks the warehouse only once it was built."""
        nodes = (self._graph.nodes[one.model] for one in decisions)
        found = {node.name: (node.sql, node.incremental_sql) for node in nodes if not node.late}
        if builds:
            made = {step.name for step in self._found.steps if step.status == "ok"}
            found |= {name: sql for name, sql in read_built_sql(self._warehouse).items() if name in made}
        return found

    def _columns(self) -> Columns:
        """Every table's columns and their types, in order."""
        found: Columns = {}
        rows = self._warehouse.query(
            "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()"
            " WHERE database_name = current_database() AND NOT internal ORDER BY schema_name, table_name, column_index"
        )
        for schema, table, column, kind in rows:
            found.setdefault(TableRef(schema, table), {})[str(column)] = str(kind)
        return found

    def _difference(self, model: str, before: Columns, after: Columns) -> dict[str, list[str]]:
        node, built = self._graph.nodes[model], self._built.get(model)
        stood = TableRef(built.schema, built.relation(model)) if built else node.table
        return difference(before.get(stood, {}), after.get(node.table, {}))


def _as_made(decision: Decision, step: StepResult) -> Decision:
    action: Literal["build", "skip"] = "skip" if step.status == "skipped" else "build"
    return replace(decision, action=action, why=str(step.detail.get("why") or decision.why))


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    """Columns that come, go and change their type; none where either is not known."""
    if not before or not after:
        return {}
    return {
        "added": [f"{name} {kind}" for name, kind in after.items() if name not in before],
        "removed": [f"{name} {kind}" for name, kind in before.items() if name not in after],
        "retyped": [
            f"{n} {before[n]} -> {kind}" for n, kind in after.items() if n in before and before[n] != kind
        ],
    }
