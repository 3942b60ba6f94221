"""The whole way of one SELECT from BigQuery's words into DuckDB's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import Token, exp

from tailrace.transpile.places import Places
from tailrace.transpile.problem import Problem
from tailrace.transpile.rewrite import Writer, printed, uncalled
from tailrace.transpile.schema import Schema, kinds_of_tables
from tailrace.transpile.to_duckdb import aggregates, dates, operators, queries, texts
from tailrace.transpile.to_duckdb.dates import Rule
from tailrace.transpile.to_duckdb.kinds_of import BigQueryKinds

CALLS: dict[str, tuple[int, int, Rule]] = {**texts.CALLS, **dates.CALLS, **aggregates.CALLS}


def called(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """A function by its name; one that no rule knows is refused rather than passed on."""
    known = CALLS.get(str(node.this).lower())
    if known is None or not known[0] <= len(node.expressions) <= known[1]:
        return uncalled(w, node, CALLS, {})
    return known[2](w, node)


RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    **operators.RULES, **dates.RULES, **texts.RULES, **aggregates.RULES, **queries.RULES, exp.Anonymous: called,
}  # fmt: skip


def to_duckdb(
    tree: exp.Expr, tokens: Sequence[Token], schema: Schema | None = None
) -> tuple[str, list[Problem]]:
    """The SELECT as DuckDB's text, or all that cannot be carried over, in the order of the file."""
    writer = Writer(tree, Places(tokens), RULES, "DuckDB", BigQueryKinds(tree, kinds_of_tables(schema)))
    written = writer.write(tree)
    if writer.problems:
        return "", sorted(writer.problems, key=lambda problem: problem.offset)
    return printed(written, "duckdb")
