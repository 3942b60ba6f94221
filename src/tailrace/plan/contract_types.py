"""Types in contracts that the engine does not have, found without a warehouse."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tailrace.build.graph import Graph, ModelNode
from tailrace.errors import Diagnostic, Location
from tailrace.project.spec import ColumnDoc

_PLAIN = frozenset(
    {
        "bigint",
        "blob",
        "boolean",
        "bool",
        "date",
        "double",
        "float",
        "hugeint",
        "int",
        "integer",
        "interval",
        "json",
        "numeric",
        "smallint",
        "string",
        "text",
        "time",
        "timestamp",
        "timestamptz",
        "tinyint",
        "ubigint",
        "uinteger",
        "usmallint",
        "utinyint",
        "uuid",
        "varchar",
    }
)
"""Types for which nobody has to be asked."""
_MAKES_TYPES = re.compile(r"\bcreate\b.*\btype\b|\{\{", re.IGNORECASE | re.DOTALL)


def wrong_contract_types(graph: Graph) -> list[Diagnostic]:
    """Of every enforced contract; none where a hook may make types of its own."""
    unsure = [
        (node, doc)
        for node in graph.nodes.values()
        if node.settings.contract
        for doc in node.documented
        if doc.data_type and doc.data_type.strip().casefold() not in _PLAIN
    ]
    if not unsure or any(_MAKES_TYPES.search(text) for text in _hooks(graph)):
        return []
    return list(_judged(unsure))


def _judged(unsure: list[tuple[ModelNode, ColumnDoc]]) -> Iterator[Diagnostic]:
    from tailrace.build.materialize.duckdb import engine_type
    from tailrace.warehouse.duckdb import DuckDBWarehouse

    engine = DuckDBWarehouse(None)
    try:
        for node, doc in unsure:
            if engine_type(engine, str(doc.data_type)) is None:
                said = f"{doc.data_type} of {doc.name} is no type"
                yield Diagnostic(
                    doc.location or Location(node.path), said, "Write one of DuckDB's, such as varchar"
                )
    finally:
        engine.close()


def _hooks(graph: Graph) -> Iterator[str]:
    """Whatever runs before a model is made."""
    yield from (text for _, text in graph.on_run_start)
    for node in graph.nodes.values():
        yield from node.settings.pre_hooks
