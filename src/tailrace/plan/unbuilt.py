"""Models as empty tables: what their columns would be, for a plan that builds no rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from tailrace.build.batches import set_batch
from tailrace.build.fingerprint import Decision
from tailrace.build.graph import Graph, ModelNode
from tailrace.build.materialize.places import placed
from tailrace.build.seeds import seed_select
from tailrace.errors import WarehouseError
from tailrace.state.runs import StepResult
from tailrace.warehouse.base import Warehouse

_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)


def empty_models(
    warehouse: Warehouse, graph: Graph, decisions: Iterable[Decision], root: Path
) -> list[StepResult]:
    """Puts an empty table in the place of every model to build; one result for each whose SQL the engine refuses.

    A model that asks the warehouse while it renders, or that keeps its columns (a snapshot, an incremental model whose
    `on_schema_change` is `ignore`), is left as it is.
    """
    failed = []
    for decision in decisions:
        node = graph.nodes[decision.model]
        if decision.action != "build" or _keeps(node, standing=bool(warehouse.columns(node.table))):
            continue
        try:
            with warehouse.transaction():
                _empty(warehouse, node, root)
        except WarehouseError as error:
            failed.append(
                StepResult("build", node.name, "failed", error=str(placed(node, error)).removesuffix("."))
            )
    return failed


def _keeps(node: ModelNode, *, standing: bool) -> bool:
    settings = node.settings.incremental
    ignores = settings is not None and settings.on_schema_change == "ignore" and settings.microbatch is None
    return node.late or node.materialized in ("ephemeral", "snapshot") or (ignores and standing)


def _empty(warehouse: Warehouse, node: ModelNode, root: Path) -> None:
    warehouse.ensure_schema(node.schema)
    table = warehouse.dialect.table(node.table)
    sql = seed_select(node, root) if node.kind == "seed" else set_batch(node.sql, _SOME_DAY, _SOME_DAY)
    if standing := warehouse.tables(node.schema).get(node.table.name):
        temporary = warehouse.dialect.quote(f"tailrace_empty_{node.name}")
        warehouse.execute(f"CREATE TEMP TABLE {temporary} AS\n{sql}\nWITH NO DATA")
        warehouse.execute(f"DROP {standing.upper()} {table}")
        warehouse.execute(f"CREATE TABLE {table} AS SELECT * FROM {temporary}")
        warehouse.execute(f"DROP TABLE {temporary}")
        return
    warehouse.execute(f"CREATE TABLE {table} AS\n{sql}\nWITH NO DATA")
