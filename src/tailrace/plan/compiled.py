"""The SQL of models to read: those that ask the warehouse while they render ask the published one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Literal

from tailrace.build.compile import compile_project
from tailrace.build.graph import Graph, ModelNode, flagged
from tailrace.errors import ProjectError
from tailrace.plan.resolve import Resolved
from tailrace.plan.scratch import published


def in_dialect(
    resolved: Resolved, dialect: Literal["duckdb", "bigquery"], chosen: Collection[str]
) -> Resolved:
    """The project with its models written for that engine, whatever its target is.

    ProjectError where one of `chosen`, or what they come from, cannot be. Where only another one cannot, the others have no SQL.
    """
    project, graph = resolved.project, resolved.graph
    if project.target.type == dialect:
        return resolved
    there = replace(project, target=replace(project.target, type=dialect))
    try:
        return replace(resolved, graph=compile_project(there, now=graph.now, cache_dir=None))
    except ProjectError:
        needed = _with_upstream(graph, chosen)
        models = tuple(m for m in project.models if m.name in needed or m.name not in graph.nodes)
        if len(models) == len(project.models):
            raise
    found = compile_project(replace(there, models=models), now=graph.now, cache_dir=None)
    rest = {name: replace(node, sql="", incremental_sql="") for name, node in graph.nodes.items()}
    return replace(resolved, graph=replace(found, nodes={**rest, **found.nodes}, order=graph.order))


def _with_upstream(graph: Graph, chosen: Collection[str]) -> set[str]:
    """The models and all that they come from."""
    found = set(chosen)
    for name in reversed(graph.order):
        if name in found:
            found.update(graph.nodes[name].depends_on)
    return found


def compiled_sql(resolved: Resolved, nodes: Iterable[ModelNode]) -> dict[str, str]:
    """SQL by model name, for a build from nothing. FatalError where a template fails on what is published."""
    chosen = list(nodes)
    found = {node.name: node.sql for node in chosen if not node.late}
    if late := [node for node in chosen if node.late]:
        renderer = flagged(resolved.graph, WHICH="compile").late
        assert renderer is not None, "a compiled project renders its own templates"
        with published(resolved.project) as warehouse:
            for node in late:
                found[node.name] = renderer.node(node.name, warehouse, incremental=False).sql
    return {node.name: found[node.name] for node in chosen}
