"""What hooks behind a run see of it: dbt's `results`, `schemas` and `database_schemas`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tailrace.build.graph import Graph, ModelNode
from tailrace.build.testing.outcome import Outcome
from tailrace.state.runs import StepResult

_STATUS = {"ok": "success", "failed": "error", "skipped": "skipped", "stopped": "error"}
_TEST_STATUS = {"skip": "skipped"}


class RunResult(dict[str, Any]):
    """One node of the run; templates read its keys as attributes, too."""

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary, as dbt's results give."""
        return dict(self)


def names_after(
    graph: Graph, steps: Iterable[StepResult], outcomes: Iterable[Outcome] = ()
) -> Mapping[str, Any]:
    """The names for hooks of on-run-end; schemas are those in which something was built or tested without an error."""
    nodes = graph.nodes
    built = [
        _built(graph, nodes[step.name], step)
        for step in steps
        if step.name in nodes and nodes[step.name].materialized != "ephemeral"
    ]
    homes = {(one["node"]["database"], one["node"]["schema"]) for one in built if one["status"] == "success"}
    return {
        "results": [*built, *(_tested(graph, outcome) for outcome in outcomes)],
        "schemas": sorted({schema for _, schema in homes}),
        "database_schemas": sorted(homes),
    }


def _built(graph: Graph, node: ModelNode, step: StepResult) -> RunResult:
    package = node.package or graph.project
    kind = "snapshot" if node.materialized == "snapshot" else node.kind
    return RunResult(
        node={
            "name": node.name,
            "unique_id": f"{kind}.{package}.{node.name}",
            "resource_type": kind,
            "package_name": package,
            "original_file_path": node.path,
            "database": graph.database,
            "schema": node.schema,
            "alias": node.table.name,
            "tags": list(node.tags),
            "config": {**node.config, "materialized": node.materialized, "tags": list(node.tags)},
        },
        status=_STATUS[step.status],
        message=step.error or str(step.detail.get("why") or "") or None,
        execution_time=step.seconds,
        failures=None,
        thread_id="Thread-1",
        timing=[],
        adapter_response={"rows_affected": step.rows_out},
    )


def _tested(graph: Graph, outcome: Outcome) -> RunResult:
    kind = "unit_test" if outcome.kind == "unit" else "test"
    return RunResult(
        node={
            "name": outcome.name,
            "unique_id": f"{kind}.{graph.project}.{outcome.name}",
            "resource_type": kind,
            "package_name": graph.project,
            "original_file_path": outcome.location.file,
            "column_name": outcome.column or None,
            "attached_node": outcome.model or None,
            "config": {"materialized": "test", "severity": outcome.severity},
        },
        status=_TEST_STATUS.get(outcome.status, outcome.status),
        message=outcome.message or None,
        execution_time=outcome.seconds,
        failures=outcome.failures,
        thread_id="Thread-1",
        timing=[],
        adapter_response={},
    )
