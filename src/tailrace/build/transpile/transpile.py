"""One SELECT from its own dialect into the other engine's, with marks for the clock and for bare table names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from tailrace.build import clock
from tailrace.build.facts import Problem
from tailrace.build.transpile.to_bigquery.write import to_bigquery
from tailrace.build.transpile.to_duckdb.write import to_duckdb
from tailrace.build.transpile.written import parse


def transpiled(
    sql: str, dialect: str, tables: Mapping[int, str], clock_kind: Callable[[exp.Expr], str | None]
) -> tuple[str, list[Problem]]:
    """The target's text, or every place that cannot be carried over. `tables`: marks by the offset of a bare name.

    `clock_kind` tells which clock a node reads, if any.
    """
    tree, tokens = parse(sql, dialect)
    for table in tree.find_all(exp.Table):
        name = tables.get(int(table.this.meta.get("start", -1)))
        if name is not None and isinstance(table.this, exp.Identifier):
            table.this.set("this", name)
            table.this.set("quoted", True)
    for node in list(tree.walk()):
        if kind := clock_kind(node):
            mark = exp.Literal.string(clock.mark(kind))
            node.replace(exp.Cast(this=mark, to=exp.DataType.build(clock.type_of(kind), dialect="duckdb")))
    return to_bigquery(tree, tokens) if dialect == "duckdb" else to_duckdb(tree, tokens)
