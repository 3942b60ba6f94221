"""Aggregates, with DISTINCT, ORDER BY and FILTER in them, and windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, call, cast, number, string_of
from tailrace.transpile.to_bigquery.casts import as_text
from tailrace.transpile.to_bigquery.ordering import keys
from tailrace.transpile.to_bigquery.texts import Rule

_NAMES = {
    "count": "COUNT", "sum": "SUM", "avg": "AVG", "mean": "AVG", "min": "MIN", "max": "MAX", "bool_or": "LOGICAL_OR",
    "bool_and": "LOGICAL_AND", "any_value": "ANY_VALUE", "approx_count_distinct": "APPROX_COUNT_DISTINCT", "bit_and": "BIT_AND",
    "bit_or": "BIT_OR", "bit_xor": "BIT_XOR", "stddev": "STDDEV", "stddev_samp": "STDDEV_SAMP", "stddev_pop": "STDDEV_POP",
    "variance": "VARIANCE", "var_samp": "VAR_SAMP", "var_pop": "VAR_POP",
}  # fmt: skip
_NULLS_COUNT = ("list", "array_agg", "first", "last", "arbitrary")
_FILTERED = "FILTER on this function has no counterpart"


def _condition(node: exp.Expr) -> exp.Expr | None:
    """The FILTER around a call."""
    return (
        node.parent.expression.this
        if isinstance(node.parent, exp.Filter) and node.arg_key == "this"
        else None
    )


def _kept(w: Writer, node: exp.Expr, value: exp.Expr) -> exp.Expr:
    """The value where the call's FILTER holds, else NULL, which the aggregate leaves out."""
    condition = _condition(node)
    return value if condition is None else call("IF", w.write(condition), value, exp.Null())


def _taken(argument: exp.Expr) -> tuple[exp.Expr, bool, list[exp.Ordered]]:
    """The value of an argument, whether it is DISTINCT, and its ORDER BY."""
    order: list[exp.Ordered] = []
    if isinstance(argument, exp.Order):
        order, argument = argument.expressions, argument.this
    if isinstance(argument, exp.Distinct) and len(argument.expressions) == 1:
        return argument.expressions[0], True, order
    return argument, False, order


def simple(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """An aggregate that leaves NULLs out and for which no order counts."""
    value, distinct, _ = _taken(node.expressions[0])
    kind = w.kind(value).name
    if kind == "bool" and node.this in ("sum", "avg", "mean"):
        return w.refuse(
            node, f"{node.this}() of a BOOLEAN has no counterpart", "Write count_if(x), or CAST(x AS INTEGER)"
        )
    written = w.write(value)
    if kind == "decimal" and node.this in ("avg", "mean"):
        written = cast(written, "FLOAT64")
    written = _kept(w, node, written)
    return call(_NAMES[str(node.this)], exp.Distinct(expressions=[written]) if distinct else written)


def count(w: Writer, node: exp.Anonymous) -> exp.Expr:
    if node.expressions and not isinstance(node.expressions[0], exp.Star):
        return simple(w, node)
    condition = _condition(node)
    return call("COUNT", exp.Star()) if condition is None else _counted(node, w.write(condition))


def _counted(node: exp.Anonymous, condition: exp.Expr) -> exp.Expr:
    """How often it holds; over a window in words that the emulator of the tests reads as well."""
    outer = node.parent.parent if isinstance(node.parent, exp.Filter) else node.parent
    if isinstance(outer, exp.Window):
        return call("COUNT", call("IF", condition, number(1), exp.Null()))
    return call("COUNTIF", condition)


def count_if(w: Writer, node: exp.Anonymous) -> exp.Expr:
    if isinstance(node.expressions[0], exp.Distinct):
        return w.refuse(
            node, "count_if(DISTINCT ...) has no counterpart", "Write count(DISTINCT CASE WHEN ... END)"
        )
    return _counted(node, _kept(w, node, w.write(node.expressions[0])))


def _order(
    w: Writer,
    node: exp.Anonymous,
    order: list[exp.Ordered],
    value: exp.Expr,
    written: exp.Expr,
    *,
    distinct: bool,
) -> list[exp.Expr] | None:
    if not order and isinstance(node.parent, exp.Window):
        return []
    if not order:
        fix = f"Say which order: {node.this}(x ORDER BY y)"
        w.refuse(
            node,
            f"without ORDER BY the order in {node.this}() is the tables' in DuckDB, and nobody's in BigQuery",
            fix,
        )
        return None
    if distinct and (len(order) > 1 or order[0].this != value):
        w.refuse(node, "BigQuery orders DISTINCT values by themselves only", "Order by the value itself")
        return None
    if distinct:  # by the very value that is aggregated
        down = bool(order[0].args.get("desc"))
        return [exp.Ordered(this=written.copy(), desc=down or None, nulls_first=not down)]
    return keys(w, order)


def string_agg(w: Writer, node: exp.Anonymous) -> exp.Expr:
    value, distinct, order = _taken(node.expressions[0])
    separators, last = node.expressions[1:], node.expressions[-1]
    if isinstance(value, exp.Distinct) and len(value.expressions) == 2:
        distinct, separators, value = True, value.expressions[1:], value.expressions[0]
    elif isinstance(last, exp.Order):
        order = last.expressions
        separators = [last.this] if len(node.expressions) > 1 else []
    written = _kept(w, node, as_text(w, value, cast_unknown=True))
    found = _order(w, node, order, value, written, distinct=distinct)
    separator = separators[0] if separators else exp.Literal.string(",")
    if found is None:
        return exp.Null()
    if string_of(separator) is None:
        return w.refuse(node, "a computed separator has no counterpart", "Write the separator out")
    written = exp.Distinct(expressions=[written]) if distinct else written
    return call("STRING_AGG", written, _sorted(w.write(separator), found))


def array_agg(w: Writer, node: exp.Anonymous) -> exp.Expr:
    value, distinct, order = _taken(node.expressions[0])
    if _condition(node) is not None:
        return w.refuse(node, _FILTERED, "Put the condition into a WHERE")
    if w.kind(value).name == "list":
        return w.refuse(node, "a list of lists has no counterpart", "Put the inner lists into structs")
    written = w.write(value)
    found = _order(w, node, order, value, written, distinct=distinct)
    if found is None:
        return exp.Null()
    return call("ARRAY_AGG", _sorted(exp.Distinct(expressions=[written]) if distinct else written, found))


def _sorted(argument: exp.Expr, order: list[exp.Expr]) -> exp.Expr:
    return exp.Order(this=argument, expressions=order) if order else argument


def first(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """The first of an order, which has to be told."""
    value, _, order = _taken(node.expressions[0])
    if _condition(node) is not None:
        return w.refuse(node, _FILTERED, "Put the condition into a WHERE")
    if not order:
        fix = f"Say which order: {node.this}(x ORDER BY y)"
        return w.refuse(node, f"{node.this}() without ORDER BY depends on the order of the rows", fix)
    backwards = node.this == "last"
    return _one(call("ARRAY_AGG", _limited(w.write(value), keys(w, order, backwards=backwards))))


def _limited(value: exp.Expr, order: list[exp.Expr]) -> exp.Expr:
    return exp.Limit(this=exp.Order(this=value, expressions=order), expression=number(1))


def _one(items: exp.Expr) -> exp.Expr:
    return exp.Bracket(this=items, expressions=[call("SAFE_OFFSET", number(0))])


def arg_extreme(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """arg_max(x, y): rows in which either is NULL do not count, so each hides the other."""
    value, by = w.all(node.expressions)
    written = call("IF", exp.Is(this=by, expression=exp.Null()), exp.Null(), value)
    key = call("IF", exp.Is(this=value.copy(), expression=exp.Null()), exp.Null(), by.copy())
    name = "MAX_BY" if "max" in str(node.this) else "MIN_BY"
    return call(name, _kept(w, node, written), _kept(w, node, key))


def grouping(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return call("GROUPING", w.write(node.expressions[0]))


def middle(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """Exact quantiles are no aggregates in BigQuery."""
    fix = f"Take it over a window, which BigQuery has: {node.this}(...) OVER (PARTITION BY ...)"
    if not isinstance(node.parent, exp.Window):
        return w.refuse(node, f"{node.this}() as an aggregate has no counterpart", fix)
    if node.parent.args.get("order") or _condition(node) is not None:
        return w.refuse(
            node, f"{node.this}() over an ordered window has no counterpart", "Leave ORDER BY out"
        )
    value, *share = node.expressions
    return call("PERCENTILE_CONT", w.write(value), w.write(share[0]) if share else exp.Literal.number("0.5"))


def filtered(w: Writer, node: exp.Filter) -> exp.Expr:
    """FILTER: the condition is written into the aggregate's own argument."""
    if isinstance(node.this, exp.Anonymous) and node.this.this in FILTERABLE:
        return w.write(node.this)
    return w.refuse(node, _FILTERED, "Put the condition into a CASE")


FILTERABLE = frozenset((*_NAMES, "count_if", "countif", "string_agg", "group_concat", "listagg", "array_agg", "list", "first", "last",
                        "arg_max", "arg_min", "max_by", "min_by", "median", "quantile_cont"))  # fmt: skip
CALLS: dict[str, tuple[int, int, Rule]] = {
    **dict.fromkeys(_NAMES, (1, 1, simple)), "count": (0, 1, count), "count_if": (1, 1, count_if), "countif": (1, 1, count_if),
    **dict.fromkeys(("string_agg", "group_concat", "listagg"), (1, 2, string_agg)), "array_agg": (1, 1, array_agg), "list": (1, 1, array_agg),
    "first": (1, 1, first), "last": (1, 1, first), "arg_max": (2, 2, arg_extreme), "arg_min": (2, 2, arg_extreme),
    "max_by": (2, 2, arg_extreme), "min_by": (2, 2, arg_extreme), "grouping": (1, 1, grouping),
    "median": (1, 1, middle), "quantile_cont": (2, 2, middle),
    **{name: (2, 2, lambda w, node: call(str(node.this).upper(), *w.all(node.expressions))) for name in ("corr", "covar_pop", "covar_samp")},
}  # fmt: skip
RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {exp.Filter: filtered}
