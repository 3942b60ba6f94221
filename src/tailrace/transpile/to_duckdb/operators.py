"""Literals, casts, operators and subscripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, call, cast, number, string_of, text, whole_of
from tailrace.transpile.signatures import INSTANTS

_T = exp.DType
_TYPES: dict[exp.DType, str] = {
    **dict.fromkeys((_T.BIGINT, _T.INT, _T.SMALLINT, _T.TINYINT), "BIGINT"), **dict.fromkeys((_T.DOUBLE, _T.FLOAT), "DOUBLE"),
    **dict.fromkeys((_T.TEXT, _T.VARCHAR), "VARCHAR"), _T.BOOLEAN: "BOOLEAN", _T.DATE: "DATE", _T.TIME: "TIME", _T.JSON: "JSON",
    **dict.fromkeys((_T.TIMESTAMP, _T.TIMESTAMPTZ, _T.DATETIME, _T.TIMESTAMPNTZ), "TIMESTAMP"), _T.DECIMAL: "DECIMAL(38, 9)",
}  # fmt: skip
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In)


def literal(_w: Writer, node: exp.Literal) -> exp.Expr:
    """1.5 is a FLOAT64 in BigQuery, and would be a DECIMAL in DuckDB."""
    if node.is_string or "." not in node.name or "e" in node.name.lower():
        return node.copy()
    return node.copy() if isinstance(node.parent, _COMPARISONS) else exp.Literal.number(f"{node.name}e0")


def raw_text(_w: Writer, node: exp.RawString) -> exp.Expr:
    return text(node.name)


def octets(w: Writer, node: exp.ByteString) -> exp.Expr:
    return w.refuse(node, "BYTES have no counterpart here", "Write a text")


def typed(w: Writer, to: exp.DataType, place: exp.Expr) -> str | None:
    if to.this in _TYPES:
        return _TYPES[to.this]
    if to.this == _T.ARRAY and to.expressions and isinstance(to.expressions[0], exp.DataType):
        inner = typed(w, to.expressions[0], place)
        return inner and f"{inner}[]"
    shown = to.sql(dialect="bigquery")
    w.refuse(
        w.places.word(place, shown.upper()),
        f"DuckDB has no counterpart of {shown}",
        "Use a type that both engines have",
    )
    return None


def written_cast(w: Writer, node: exp.Cast) -> exp.Expr:
    target, kind, safe = typed(w, node.to, node), w.kind(node.this).name, isinstance(node, exp.TryCast)
    if target is None:
        return exp.Null()
    if target == "VARCHAR" and kind in ("double", "decimal", *INSTANTS):
        return w.refuse(
            node,
            f"DuckDB and BigQuery write a {kind} differently",
            "Format it: FORMAT('%.2f', x), FORMAT_TIMESTAMP(...)",
        )
    written = w.write(node.this)
    if target == "BIGINT" and kind == "double":
        written = call("round", written)  # BigQuery rounds a half away from zero
    return cast(written, target, safe=safe, dialect="duckdb")


def divide(w: Writer, node: exp.Div) -> exp.Expr:
    return exp.Div(this=w.write(node.left), expression=w.write(node.right), typed=False, safe=False)


def exclusive_or(w: Writer, node: exp.BitwiseXor) -> exp.Expr:
    return call("xor", w.write(node.left), w.write(node.right))


def concatenated(w: Writer, node: exp.DPipe) -> exp.Expr:
    return exp.DPipe(this=w.write(node.left), expression=w.write(node.right), safe=True)


def shifted(w: Writer, node: exp.Add | exp.Sub) -> exp.Expr:
    left, right = w.kind(node.left).name, w.kind(node.right).name
    instants = {left, right} & set(INSTANTS) and "interval" not in (left, right)
    if isinstance(node, exp.Sub) and (instants or left == right == "date"):
        return w.refuse(
            w.places.operator(node), "a difference of dates is an INTERVAL in BigQuery", "Write DATE_DIFF()"
        )
    return w.same(node)


def interval(w: Writer, node: exp.Interval) -> exp.Expr:
    """INTERVAL 3 DAY beside + and -."""
    unit = node.args.get("unit")
    name = unit.name.upper() if unit is not None else ""
    if name not in (
        "MICROSECOND",
        "MILLISECOND",
        "SECOND",
        "MINUTE",
        "HOUR",
        "DAY",
        "WEEK",
        "MONTH",
        "QUARTER",
        "YEAR",
    ):
        return w.refuse(
            w.places.word(node, "INTERVAL"),
            "this interval has no counterpart",
            "Write one unit: INTERVAL 3 MONTH",
        )
    count = node.this
    if isinstance(count, exp.Literal) and count.name.lstrip("-").isdigit():
        return exp.Interval(this=number(int(count.name)), unit=exp.var(name))
    return exp.Interval(this=exp.paren(w.write(count)), unit=exp.var(name))


def like(w: Writer, node: exp.Like) -> exp.Expr:
    """A backslash escapes in BigQuery's LIKE; in DuckDB's only where it is named."""
    pattern = string_of(node.expression)
    found: exp.Expr = exp.Like(this=w.write(node.this), expression=w.write(node.expression))
    if pattern is None or "\\" in pattern:
        found = exp.Escape(this=found, expression=text("\\"))
    return exp.Not(this=found) if node.args.get("negate") else found


def within(w: Writer, node: exp.In) -> exp.Expr:
    items = node.args.get("unnest")
    if items is not None:
        unnested = exp.select(call("unnest", w.write(items.expressions[0])))
        return exp.In(this=w.write(node.this), query=exp.Subquery(this=unnested))
    query = node.args.get("query")
    if query is not None:
        return exp.In(this=w.write(node.this), query=w.write(query))
    return exp.In(this=w.write(node.this), expressions=w.all(node.expressions))


def subscript(w: Writer, node: exp.Bracket) -> exp.Expr:
    """[OFFSET(0)], [ORDINAL(1)] and their SAFE forms; sqlglot has read their numbers."""
    base, place = node.args.get("offset"), whole_of(node.expressions[0])
    if base is None or place is None or place < base:
        return w.refuse(
            node,
            "this subscript has no counterpart",
            "Write [SAFE_OFFSET(0)] or [SAFE_ORDINAL(1)] with a number",
        )
    # the generator counts DuckDB's subscripts from 1 by itself
    return exp.Bracket(this=w.write(node.this), expressions=[number(place - base)])


def array(w: Writer, node: exp.Array) -> exp.Expr:
    return exp.Array(expressions=w.all(node.expressions))


def struct(w: Writer, node: exp.Struct) -> exp.Expr:
    if not all(isinstance(field, exp.PropertyEQ) for field in node.expressions):
        return w.refuse(node, "a STRUCT without names has no counterpart", "Name its fields: STRUCT(x AS a)")
    fields = [
        exp.PropertyEQ(this=field.this.copy(), expression=w.write(field.expression))
        for field in node.expressions
    ]
    return exp.Struct(expressions=fields)


def dot(w: Writer, node: exp.Dot) -> exp.Expr:
    return exp.Dot(this=w.write(node.this), expression=w.write(node.expression))


RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    exp.Literal: literal, exp.RawString: raw_text, exp.ByteString: octets, exp.Cast: written_cast, exp.TryCast: written_cast,
    exp.Div: divide, exp.BitwiseXor: exclusive_or, exp.DPipe: concatenated, exp.Add: shifted, exp.Sub: shifted, exp.Interval: interval,
    exp.Like: like, exp.In: within, exp.Bracket: subscript, exp.Array: array, exp.Struct: struct, exp.Dot: dot,
}  # fmt: skip
