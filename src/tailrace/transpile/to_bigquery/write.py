"""The whole way of one SELECT from DuckDB's words into BigQuery's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import Token, exp

from tailrace.transpile.kinds import Kinds
from tailrace.transpile.places import Places
from tailrace.transpile.problem import Problem
from tailrace.transpile.rewrite import Writer, printed
from tailrace.transpile.schema import Schema, kinds_of_tables
from tailrace.transpile.to_bigquery import (
    aggregates,
    casts,
    dates,
    json_of,
    operators,
    queries,
    tables,
    texts,
    windows,
)
from tailrace.transpile.to_bigquery.calls import called
from tailrace.transpile.to_bigquery.plain import simplify

RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    **operators.RULES, **casts.RULES, **dates.RULES, **texts.RULES, **json_of.RULES, **aggregates.RULES, **windows.RULES,
    **tables.RULES, **queries.RULES, exp.Anonymous: called,
}  # fmt: skip


def to_bigquery(
    tree: exp.Expr, tokens: Sequence[Token], schema: Schema | None = None
) -> tuple[str, list[Problem]]:
    """The SELECT as BigQuery's text, or all that cannot be carried over, in the order of the file.

    With a schema, what depends on a type that is still unknown is refused.
    """
    tree = simplify(tree)
    kinds = Kinds(tree, kinds_of_tables(schema))
    writer = Writer(tree, Places(tokens), RULES, "BigQuery", kinds, exact=schema is not None)
    written = queries.query(writer, tree, [])
    if writer.problems:
        return "", sorted(writer.problems, key=lambda problem: problem.offset)
    return printed(written, "bigquery")
