"""The SQL of models to read: those that ask the warehouse while they render ask the published one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from tailrace.build.compile import compile_project
from tailrace.build.graph import ModelNode, flagged
from tailrace.plan.resolve import Resolved
from tailrace.plan.scratch import published


def in_dialect(resolved: Resolved, dialect: Literal["duckdb", "bigquery"]) -> Resolved:
    """The project with its models written for that engine, whatever its target is; ProjectError where one cannot be."""
    project = resolved.project
    if project.target.type == dialect:
        return resolved
    there = replace(project, target=replace(project.target, type=dialect))
    return replace(resolved, graph=compile_project(there, now=resolved.graph.now, cache_dir=None))


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
