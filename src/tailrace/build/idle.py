"""A digest of all that decides whether a build has something to do, where that can be told without asking the warehouse."""

from __future__ import annotations

import hashlib
import json

from tailrace.build.graph import Graph, ModelNode
from tailrace.build.intervals import truncated
from tailrace.build.shaping import shape_of


def idle_key(graph: Graph, written: str) -> str | None:
    """Of the graph, the day and the state of the work file; None where a model reads what nobody here watches."""
    if any(node.externals or node.late for node in graph.nodes.values()):
        return None
    found = hashlib.sha256(f"{written} {graph.run_date}".encode())
    for name in graph.order:
        found.update(json.dumps(_said(graph.nodes[name], graph)).encode())
    return found.hexdigest()


def _said(node: ModelNode, graph: Graph) -> list[object]:
    batch = node.settings.incremental.microbatch if node.settings.incremental else None
    return [
        node.name, node.schema, node.materialized, node.canonical, shape_of(node), list(node.depends_on),
        [str(table) for table in node.reads], node.volatile,
        truncated(graph.now, batch.batch_size).isoformat() if batch else "",
    ]  # fmt: skip
