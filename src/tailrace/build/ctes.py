"""Ephemeral models: no relation of their own, but CTEs in the SQL of those who read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tailrace.build.calls import CTE
from tailrace.build.graph import ModelNode
from tailrace.build.marks import CTES
from tailrace.build.names import Names

_NAME = re.compile(rf"\b{CTE}(\w+)")


def ephemeral_ctes(nodes: Mapping[str, ModelNode], names: Names, sql: str) -> list[ModelNode]:
    """The ephemeral models that the SQL names, each behind those that it reads itself."""
    found: dict[str, ModelNode] = {}
    _collect(nodes, names, sql, found)
    return list(found.values())


def _collect(nodes: Mapping[str, ModelNode], names: Names, sql: str, found: dict[str, ModelNode]) -> None:
    for name in dict.fromkeys(_NAME.findall(sql)):
        named = names.model(name)
        node = nodes.get(named.name) if named else None
        if node is not None and node.name not in found and node.materialized == "ephemeral":
            _collect(nodes, names, node.sql, found)
            found[node.name] = node


def with_ctes(sql: str, ephemerals: Iterable[ModelNode]) -> tuple[str, int, int]:
    """The SQL that carries them, the line (from 0) behind which they stand, and their lines; the mark is gone."""
    texts = [f"{CTE}{node.name} AS (\n{node.sql.strip()}\n)" for node in ephemerals]
    before, mark, after = sql.partition(CTES)
    if not mark:
        return sql, 0, 0
    if not texts:
        return before + after.replace(CTES, ""), 0, 0
    opens = re.search(r"\bWITH(\s+RECURSIVE)?\s*\Z", before, re.IGNORECASE) is not None
    joined = ", ".join(texts)
    carried = f" {joined}," if opens else f"WITH {joined} "
    return before + carried + after.replace(CTES, ""), before.count("\n"), carried.count("\n")
