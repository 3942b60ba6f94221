"""The data diffs of a plan: each model as it is published against what was built in the scratch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tailrace.build.built import Built
from tailrace.build.graph import Graph
from tailrace.errors import BadInput
from tailrace.plan.data_diff import DataDiff, data_diff
from tailrace.plan.keys import keys_of, personal_columns
from tailrace.plan.resolve import Resolved
from tailrace.plan.scratch import SOURCE, is_published
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse


def model_diffs(
    warehouse: DuckDBWarehouse,
    resolved: Resolved,
    models: Iterable[str],
    built: Mapping[str, Built],
    sample: int,
) -> dict[str, DataDiff]:
    """Of those among the models that are published; one that never was has nothing before."""
    found: dict[str, DataDiff] = {}
    if not is_published(resolved.project):
        return found
    there = {
        TableRef(str(schema), str(name))
        for schema, name in warehouse.query(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ?", [SOURCE]
        )
    }
    for name in models:
        node, stood = resolved.graph.nodes[name], built.get(name)
        before = TableRef(stood.schema, stood.relation(name)) if stood else node.table
        if before in there:
            quoted = warehouse.dialect.table
            relations = (f"{SOURCE}.{quoted(before)}", quoted(node.table))
            keys, personal = keys_of(resolved.project, node), personal_columns(node)
            found[name] = data_diff(warehouse, name, relations, keys, sample=sample, personal=personal)
    return found


def refuse_undiffable(graph: Graph, select: Sequence[str]) -> None:
    """BadInput for a model named by itself whose rows nobody can compare: an ephemeral one is no relation."""
    for word in select:
        node = graph.nodes.get(word)
        if node is not None and node.materialized == "ephemeral":
            readers = [other.name for other in graph.nodes.values() if word in other.depends_on]
            fix = f"diff what reads it: {', '.join(readers)}" if readers else "no model reads it"
            raise BadInput(f"{word} is ephemeral: it has no rows of its own", fix)
