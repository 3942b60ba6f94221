"""Ephemeral models are no relations: whoever reads one reads what it reads, and changes with its SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tailrace.build.built import digest
from tailrace.build.graph import Graph, ModelNode


def seen_through(graph: Graph) -> Mapping[str, ModelNode]:
    """The nodes, each with what it reads by way of ephemeral models as its own."""
    found: dict[str, ModelNode] = {}
    for name in graph.order:
        node = graph.nodes[name]
        inner = [found[up] for up in node.depends_on if _is_ephemeral(graph, up)]
        found[name] = _joined(node, inner, graph) if inner else node
    return found


def _is_ephemeral(graph: Graph, name: str) -> bool:
    return name in graph.nodes and graph.nodes[name].materialized == "ephemeral"


def _joined(node: ModelNode, inner: list[ModelNode], graph: Graph) -> ModelNode:
    kept = [up for up in node.depends_on if not _is_ephemeral(graph, up)]
    every = [node, *inner]
    return replace(
        node,
        canonical=digest(node.canonical, sorted((one.name, one.canonical) for one in inner)),
        depends_on=tuple(sorted({*kept, *(up for one in inner for up in one.depends_on)})),
        sources=tuple(sorted({table for one in every for table in one.sources})),
        reads=tuple(sorted({table for one in every for table in one.reads})),
        externals=tuple(sorted({name for one in every for name in one.externals})),
        volatile=any(one.volatile for one in every),
    )
