"""One SELECT from its own dialect into the other engine's, with marks for the clock and for bare table names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from tailrace.transpile.problem import Problem
from tailrace.transpile.to_bigquery.write import to_bigquery
from tailrace.transpile.to_duckdb.write import to_duckdb
from tailrace.transpile.written import parse


def transpiled(
    sql: str,
    dialect: str,
    tables: Mapping[int, str],
    replaced: Callable[[exp.Expr], tuple[str, str] | None],
) -> tuple[str, list[Problem]]:
    """The target's text, or every place that cannot be carried over. `tables`: marks by the offset of a bare name.

    `replaced` tells of a node what stands in its place, if anything: a text and the DuckDB type that it is cast to.
    """
    tree, tokens = parse(sql, dialect)
    for table in tree.find_all(exp.Table):
        name = tables.get(int(table.this.meta.get("start", -1)))
        if name is not None and isinstance(table.this, exp.Identifier):
            table.this.set("this", name)
            table.this.set("quoted", True)
    for node in list(tree.walk()):
        if found := replaced(node):
            text, kind = exp.Literal.string(found[0]), exp.DataType.build(found[1], dialect="duckdb")
            node.replace(exp.Cast(this=text, to=kind))
    return to_bigquery(tree, tokens) if dialect == "duckdb" else to_duckdb(tree, tokens)
