"""Aggregates, windows and lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, call, respecting, whole_of
from tailrace.transpile.to_duckdb.dates import Rule

_NAMES = {
    "count": "count", "sum": "sum", "avg": "avg", "min": "min", "max": "max", "countif": "count_if", "logical_or": "bool_or",
    "logical_and": "bool_and", "any_value": "any_value", "approx_count_distinct": "approx_count_distinct", "stddev": "stddev",
    "stddev_samp": "stddev_samp", "stddev_pop": "stddev_pop", "variance": "variance", "var_samp": "var_samp", "var_pop": "var_pop",
    "bit_and": "bit_and", "bit_or": "bit_or", "bit_xor": "bit_xor", "grouping": "grouping",
}  # fmt: skip


def simple(w: Writer, node: exp.Anonymous) -> exp.Expr:
    [value] = node.expressions or [exp.Star()]
    name = _NAMES[str(node.this)]
    if isinstance(value, exp.HavingMax):
        if node.this != "any_value":
            return w.refuse(
                node, "HAVING MAX of this function has no counterpart", "Write ANY_VALUE(x HAVING MAX y)"
            )
        return call(
            "arg_max" if value.args.get("max") else "arg_min", w.write(value.this), w.write(value.expression)
        )
    if isinstance(value, exp.Distinct):
        return call(name, exp.Distinct(expressions=w.all(value.expressions)))
    return call(name, exp.Star() if isinstance(value, exp.Star) else w.write(value))


def _taken(argument: exp.Expr) -> tuple[exp.Expr, list[exp.Expr], exp.Expr | None, bool]:
    """Value, ORDER BY, LIMIT and IGNORE NULLS of an argument."""
    limit, order, ignores = None, [], False
    if isinstance(argument, exp.Limit):
        limit, argument = argument.expression, argument.this
    if isinstance(argument, exp.Order):
        order, argument = argument.expressions, argument.this
    if isinstance(argument, exp.IgnoreNulls):
        ignores, argument = True, argument.this
    elif isinstance(argument, exp.RespectNulls):
        argument = argument.this
    return argument, order, limit, ignores


def array_agg(w: Writer, node: exp.Anonymous) -> exp.Expr:
    value, order, limit, ignores = _taken(node.expressions[0])
    if isinstance(value, exp.IgnoreNulls):
        ignores, value = True, value.this
    distinct = isinstance(value, exp.Distinct)
    inner = value.expressions[0] if distinct else value
    written = exp.Distinct(expressions=[w.write(inner)]) if distinct else w.write(inner)
    found: exp.Expr = call(
        "list", exp.Order(this=written, expressions=ordered(w, order)) if order else written
    )
    if ignores:
        there = exp.Not(this=exp.Is(this=w.write(inner), expression=exp.Null()))
        found = exp.Filter(this=found, expression=exp.Where(this=there))
    if limit is None:
        return found
    if whole_of(limit) is None:
        return w.refuse(limit, "a computed LIMIT has no counterpart", "Write a number")
    return call("list_slice", found, exp.Literal.number(1), w.write(limit))


def string_agg(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """The separator is a comma where none is given."""
    first, rest = node.expressions[0], node.expressions[1:]
    value, order, limit, _ = _taken(rest[0] if rest else first)
    if limit is not None:
        return w.refuse(node, "LIMIT in STRING_AGG() has no counterpart", "Filter the rows first")
    separator: exp.Expr | None = value if rest else None
    value = first if rest else value
    if isinstance(value, exp.Distinct):
        separator = value.expressions[1] if len(value.expressions) > 1 else separator
        written: exp.Expr = exp.Distinct(expressions=[w.write(value.expressions[0])])
    else:
        written = w.write(value)
    between = w.write(separator) if separator is not None else exp.Literal.string(",")
    return call(
        "string_agg", written, exp.Order(this=between, expressions=ordered(w, order)) if order else between
    )


def ordered(w: Writer, order: list[exp.Expr]) -> list[exp.Expr]:
    """NULLs come first of an ascending order in BigQuery, and last of a descending one: said where DuckDB would do otherwise."""
    return [
        exp.Ordered(
            this=w.write(key.this), desc=key.args.get("desc"), nulls_first=bool(key.args.get("nulls_first"))
        )
        for key in order
    ]


def by_other(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return call({"max_by": "arg_max", "min_by": "arg_min"}[str(node.this)], *w.all(node.expressions))


def percentile(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return call("quantile_cont", *w.all(node.expressions))


def over(w: Writer, node: exp.Window) -> exp.Expr:
    arguments: dict[str, Any] = {
        "over": node.args.get("over"),
        "partition_by": w.all(node.args.get("partition_by") or []),
    }
    arguments["this"] = node.this.copy() if isinstance(node.this, exp.Identifier) else w.write(node.this)
    alias, order, spec = (node.args.get(key) for key in ("alias", "order", "spec"))
    if alias is not None:
        arguments["alias"] = alias.copy()
    if order is not None:
        arguments["order"] = exp.Order(expressions=ordered(w, order.expressions))
    if spec is not None:
        sides = {
            key: w.write(value) if isinstance(value, exp.Expr) else value for key, value in spec.args.items()
        }
        arguments["spec"] = exp.WindowSpec(**sides)
    return exp.Window(**{key: value for key, value in arguments.items() if value})


def ranked(w: Writer, node: exp.Anonymous) -> exp.Expr:
    values = node.expressions
    if values and isinstance(values[-1], exp.IgnoreNulls):
        known = {"first_value": exp.FirstValue, "last_value": exp.LastValue, "nth_value": exp.NthValue}
        found = known[str(node.this)](this=w.write(values[0].this if len(values) == 1 else values[0]))
        if len(values) > 1:
            found.set("offset", w.write(values[-1].this))
        return exp.IgnoreNulls(this=found)
    return call(str(node.this), *w.all(values))


def listed(name: str) -> Rule:
    def write(w: Writer, node: exp.Anonymous) -> exp.Expr:
        return call(name, *w.all(node.expressions))

    return write


CALLS: dict[str, tuple[int, int, Rule]] = {
    **{name: (0 if name == "count" else 1, 1, simple) for name in _NAMES}, "array_agg": (1, 1, array_agg), "string_agg": (1, 2, string_agg),
    **dict.fromkeys(("max_by", "min_by"), (2, 2, by_other)), "percentile_cont": (2, 2, percentile),
    **{name: (2, 2, listed(name)) for name in ("corr", "covar_pop", "covar_samp")},
    **dict.fromkeys(("row_number", "rank", "dense_rank", "percent_rank", "cume_dist"), (0, 0, ranked)), "ntile": (1, 1, ranked),
    "lag": (1, 3, ranked), "lead": (1, 3, ranked), "first_value": (1, 1, ranked), "last_value": (1, 1, ranked), "nth_value": (2, 2, ranked),
    "array_length": (1, 1, listed("len")), "array_reverse": (1, 1, listed("list_reverse")), "array_to_string": (2, 2, listed("array_to_string")),
    "generate_array": (2, 3, listed("generate_series")),
}  # fmt: skip
RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    exp.Window: over,
    exp.RespectNulls: respecting,
}
