"""Columns and types of what a model reads, as the open warehouse has them, for the translation into another dialect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tailrace.build.graph import ModelNode
from tailrace.warehouse.base import TableRef, Warehouse


def columns_read(
    node: ModelNode, nodes: Mapping[str, ModelNode], warehouse: Warehouse
) -> tuple[dict[str, dict[str, str]], bool]:
    """By the names that SQL may have for a table, column -> type; and whether that is all that the model reads."""
    found: dict[str, dict[str, str]] = {}
    for name, table in _named(node, nodes):
        if columns := warehouse.columns(table):
            found[name] = columns
    carried = any(nodes[up].materialized == "ephemeral" for up in node.depends_on if up in nodes)
    missing = any(str(table) not in found for _, table in _named(node, nodes) if table != node.table)
    return found, not (carried or missing or node.externals)


def _named(node: ModelNode, nodes: Mapping[str, ModelNode]) -> Iterator[tuple[str, TableRef]]:
    tables = [
        (up, nodes[up].table)
        for up in node.depends_on
        if up in nodes and nodes[up].materialized != "ephemeral"
    ]
    if node.settings.incremental is not None:
        tables.append((node.name, node.table))
    for name, table in tables:
        yield name, table
        yield str(table), table
    for table in node.reads:
        yield str(table), table
