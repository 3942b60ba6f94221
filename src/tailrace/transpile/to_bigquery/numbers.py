"""Functions of numbers, and those that choose between values."""

from __future__ import annotations

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, call, number
from tailrace.transpile.to_bigquery.operators import remainder
from tailrace.transpile.to_bigquery.texts import Rule, is_never_null, same
from tailrace.transpile.to_bigquery.together import unified


def extreme(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """greatest() and least() leave NULLs out in DuckDB; one NULL makes BigQuery's NULL."""
    name = str(node.this).upper()
    written = unified(w, node.expressions)
    if all(is_never_null(value) for value in node.expressions):
        return call(name, *written)
    told = next(
        (value for value, own in zip(written, node.expressions, strict=True) if is_never_null(own)), None
    )
    if len(written) == 2 and told is not None:
        return call("COALESCE", call(name, *written), told.copy())
    if len(written) == 2:
        return call("COALESCE", call(name, *written), *(value.copy() for value in written))
    aggregate = "MAX" if name == "GREATEST" else "MIN"
    source = exp.alias_(call("UNNEST", exp.Array(expressions=written)), "value")
    return exp.Subquery(this=exp.select(call(aggregate, exp.column("value"))).from_(source))


def one_of(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return call(str(node.this).upper(), *unified(w, node.expressions))


def conditional(w: Writer, node: exp.Anonymous) -> exp.Expr:
    condition, *values = node.expressions
    return call("IF", w.write(condition), *unified(w, values))


def logarithm(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """log(x) is to the base of ten in DuckDB, the natural one in BigQuery; log(b, x) names the base first."""
    if len(node.expressions) == 1:
        return call("LOG10", w.write(node.expressions[0]))
    base, value = node.expressions
    return call("LOG", w.write(value), w.write(base))


def mod(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return remainder(w, node.expressions[0], node.expressions[1], w.places.of(node))


CALLS: dict[str, tuple[int, int, Rule]] = {
    "coalesce": (1, 999, one_of), "ifnull": (2, 2, one_of), "nullif": (2, 2, one_of), "if": (3, 3, conditional),
    "greatest": (1, 999, extreme), "least": (1, 999, extreme),
    "abs": (1, 1, same("ABS")), "sign": (1, 1, same("SIGN")), "ceil": (1, 1, same("CEIL")), "ceiling": (1, 1, same("CEIL")),
    "floor": (1, 1, same("FLOOR")), "round": (1, 2, same("ROUND")), "trunc": (1, 1, same("TRUNC")), "sqrt": (1, 1, same("SQRT")),
    "exp": (1, 1, same("EXP")), "ln": (1, 1, same("LN")), "log": (1, 2, logarithm), "log10": (1, 1, same("LOG10")),
    "log2": (1, 1, same("LOG", number(2))), "pow": (2, 2, same("POW")), "power": (2, 2, same("POW")), "mod": (2, 2, mod), "fmod": (2, 2, mod),
    "pi": (0, 0, same("ACOS", number(-1))), "isnan": (1, 1, same("IS_NAN")), "isinf": (1, 1, same("IS_INF")),
    **{name: (1, 1, same(name.upper())) for name in ("sin", "cos", "tan", "asin", "acos", "atan")}, "atan2": (2, 2, same("ATAN2")),
}  # fmt: skip
