"""What a run would do on a BigQuery target, and what it would cost; no statement that is billed is asked.

No model is built: what a model was built from says whether it would be, a dry run its columns and bytes. A sync whose model
stays is compared from the copy that this machine staged; of any other it is said that its rows are known after the build.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tailrace.activate.result import SyncCounts
from tailrace.build.built import read_built, read_built_sql
from tailrace.build.fingerprint import Decision, Judge, Judgement, contents
from tailrace.build.graph import flagged
from tailrace.build.materialize.places import placed
from tailrace.errors import BadInput, FatalError, WarehouseError
from tailrace.plan.asking import Vendors
from tailrace.plan.diff import Sql, Versions, changes_of
from tailrace.plan.far_scratch import FarScratch, far_scratch
from tailrace.plan.impact import vanished_columns
from tailrace.plan.preview import ModelPlan, Preview, Wanted, difference, now
from tailrace.plan.readers import readers_of
from tailrace.plan.resolve import Chosen, Resolved
from tailrace.plan.scans import Scan, Scans
from tailrace.plan.scratch import SOURCE, is_published
from tailrace.plan.sync_preview import sync_previews
from tailrace.project.spec import Sync
from tailrace.state.runs import StepResult
from tailrace.warehouse.base import META, STAGE, TableRef
from tailrace.warehouse.bigquery.bill import PRICE_PER_TIB, billed, price
from tailrace.warehouse.stage import NOTES


def preview_far(resolved: Resolved, chosen: Chosen, wanted: Wanted, vendors: Vendors | None) -> Preview:
    """Bytes stand on each model and sync, and their sum on the whole."""
    if wanted.diff:
        raise BadInput("--diff builds models, and on BigQuery that is billed", "plan it on a duckdb target")
    with far_scratch(resolved.project) as warehouse:
        return _FarPlanning(resolved, chosen, warehouse, vendors).plan()


class _FarPlanning:
    def __init__(
        self, resolved: Resolved, chosen: Chosen, warehouse: FarScratch, vendors: Vendors | None
    ) -> None:
        self._resolved, self._chosen = resolved, chosen
        self._warehouse, self._vendors = warehouse, vendors
        self._graph = resolved.graph
        self._found = Preview()
        self._built = read_built(warehouse)
        self._scans: dict[str, Scan] = {}

    def plan(self) -> Preview:
        found, project = self._found, self._resolved.project
        judged = self._judged()
        decisions = [one.decision if isinstance(one, Judgement) else one for one in judged]
        if is_published(project):
            found.vanished += vanished_columns(self._warehouse, self._resolved)
        if is_published(project) or not project.pipelines:
            self._scan(judged)
        self._tell(decisions)
        if is_published(project):
            self._syncs({one.model for one in decisions if one.action == "build"})
        self._sum()
        return found

    def _judged(self) -> list[Judgement | Decision]:
        """As `decide` does, with what tells how a model would be built."""
        judge = Judge(self._warehouse, flagged(self._graph, FULL_REFRESH=False))
        found: list[Judgement | Decision] = []
        for name in self._graph.order:
            if name not in self._chosen.models:
                judge.settle(name, None)
                continue
            try:
                judgement = judge.judge(name, renders=False)
            except FatalError as error:
                found.append(Decision(name, "build", f"its template fails: {error.message.splitlines()[0]}"))
                judge.settle(name, None)
                continue
            found.append(judgement)
            judge.settle(name, judgement.parts)
        return found

    def _scan(self, judged: Sequence[Judgement | Decision]) -> None:
        scans = Scans(self._warehouse, self._graph, self._resolved.project.root)
        for one in judged:
            if not isinstance(one, Judgement) or one.decision.action != "build":
                continue
            node = one.node
            if node.late:
                self._scans[node.name] = scans.lose(node)
                self._found.notes.append(
                    f"{node.name} asks BigQuery while it renders: its bytes and columns are known after the run"
                )
                continue
            try:
                self._scans[node.name] = scans.scan(node, whole=one.whole)
            except WarehouseError as error:
                said = str(placed(node, error)).removesuffix(".")
                said = f"{said}. {error.fix}" if error.fix else said
                self._found.steps.append(StepResult("build", node.name, "failed", error=said))
            except FatalError as error:
                self._found.steps.append(StepResult("build", node.name, "failed", error=str(error)))

    def _tell(self, decisions: Sequence[Decision]) -> None:
        after: dict[str, Sql] = {
            one.model: (self._graph.nodes[one.model].sql, self._graph.nodes[one.model].incremental_sql)
            for one in decisions
            if not self._graph.nodes[one.model].late
        }
        versions = Versions(read_built_sql(self._warehouse), after, "bigquery")
        changes = changes_of(self._graph, decisions, self._built, versions)
        columns = {name: self._difference(name) for name in changes}
        changes = {name: change.retyped(columns[name]) for name, change in changes.items()}
        readers = readers_of(self._resolved, changes)
        for one in decisions:
            name = one.model
            read = self._bytes_of(one)
            self._found.models.append(
                ModelPlan(
                    one,
                    columns.get(name, {}),
                    changes.get(name),
                    readers.get(name, ()),
                    priced=True,
                    bytes=read,
                )
            )
            if scan := self._scans.get(name):
                self._say_unknown(name, scan)

    def _bytes_of(self, decision: Decision) -> int | None:
        """None where nobody knows."""
        if decision.action == "skip":
            return 0
        scan = self._scans.get(decision.model)
        return scan.bytes if scan else None

    def _say_unknown(self, name: str, scan: Scan) -> None:
        if scan.unknown:
            self._found.notes.append(
                f"{name} also reads what {', '.join(scan.unknown)} will hold: that is known once it is built"
            )

    def _difference(self, model: str) -> dict[str, list[str]]:
        node, built = self._graph.nodes[model], self._built.get(model)
        stood = built.table(model) if built else node.table
        scan = self._scans.get(model)
        return difference(self._warehouse.columns(stood), scan.columns if scan else {})

    def _syncs(self, building: set[str]) -> None:
        current = [sync for sync in self._chosen.syncs if self._is_staged(sync, building)]
        with self._warehouse.near_only():
            for sync in current:
                self._mirror_staged(sync)
            self._found.syncs |= sync_previews(
                self._warehouse, self._resolved, current, self._found.steps, now, self._vendors
            )
        for sync in current:
            if sync.name in self._found.syncs:
                self._found.syncs[sync.name] = {**self._found.syncs[sync.name], "bytes": 0}
        for sync in self._chosen.syncs:
            if sync not in current:
                self._found.syncs[sync.name] = self._unknown(sync, building)

    def _is_staged(self, sync: Sync, building: set[str]) -> bool:
        """Whether this machine has the rows that the sync would send from."""
        node = self._graph.nodes[sync.model]
        if sync.model in building or not self._warehouse.columns(TableRef(META, "models")):
            return False
        version = contents(self._warehouse, self._graph).get(sync.model, "")
        stamp = f"{node.table}|{version}|{self._warehouse.stamp_of(node.table)}"
        staged = self._warehouse.dialect.table(NOTES)
        try:
            known = self._warehouse.query(f"SELECT stamp FROM {SOURCE}.{staged} WHERE name = ?", [sync.name])
        except WarehouseError:  # nothing was ever staged here
            return False
        return known == [(stamp,)]

    def _mirror_staged(self, sync: Sync) -> None:
        """The staged copy under the model's own name."""
        node, quoted = self._graph.nodes[sync.model], self._warehouse.dialect.table
        self._warehouse.ensure_schema(node.table.schema)
        rows = f"SELECT * FROM {SOURCE}.{quoted(TableRef(STAGE, sync.name))}"
        self._warehouse.execute(f"CREATE OR REPLACE VIEW {quoted(node.table)} AS {rows}")

    def _unknown(self, sync: Sync, building: set[str]) -> dict[str, Any]:
        """No numbers, and what fetching the rows would read."""
        table = self._graph.nodes[sync.model].table
        found = self._warehouse.info(table)
        read: int | None = found.bytes if found else None
        if found and found.kind == "view":
            read = self._warehouse.jobs.dry_run(f"SELECT * FROM `{table.schema}`.`{table.name}`").bytes
        after = f"once {sync.model} is built" if sync.model in building else "once a run has fetched them"
        numbers = dict.fromkeys(SyncCounts(sync.name).detail())
        edges = {"conflicts": None, "reads": None, "minutes": None, "judged_by": None, "as_of": None}
        return {
            **numbers, **edges, "sync": sync.name, "refused": [], "notes": [f"its rows are known {after}"],
            "examples": [], "stopped": None, "bytes": read,
        }  # fmt: skip

    def _sum(self) -> None:
        """Statements are billed one by one, so the price is no mere share of the sum."""
        found = self._found
        read = [one.bytes for one in found.models if one.bytes]
        read += [int(detail["bytes"]) for detail in found.syncs.values() if detail.get("bytes")]
        per_tib = float(self._resolved.project.target.settings.get("price_per_tib", PRICE_PER_TIB))
        found.bytes = sum(read)
        found.price = round(sum(price(billed(one), per_tib) for one in read), 6)
