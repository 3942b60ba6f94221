"""The whole way of one SELECT from DuckDB's words into BigQuery's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import Token, exp

from tailrace.transpile.kinds import Kinds
from tailrace.transpile.places import Places
from tailrace.transpile.problem import Problem
from tailrace.transpile.rewrite import Writer, printed
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

RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    **operators.RULES, **casts.RULES, **dates.RULES, **texts.RULES, **json_of.RULES, **aggregates.RULES, **windows.RULES,
    **tables.RULES, **queries.RULES, exp.Anonymous: called,
}  # fmt: skip


def to_bigquery(tree: exp.Expr, tokens: Sequence[Token]) -> tuple[str, list[Problem]]:
    """The SELECT as BigQuery's text, or all that cannot be carried over, in the order of the file."""
    writer = Writer(tree, Places(tokens), RULES, "BigQuery", Kinds(tree))
    written = queries.query(writer, tree, [])
    if writer.problems:
        return "", sorted(writer.problems, key=lambda problem: problem.offset)
    return printed(written, "bigquery")
