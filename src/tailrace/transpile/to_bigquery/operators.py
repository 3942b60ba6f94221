"""Literals, arithmetic, comparisons, patterns and subscripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, call, cast, number, string_of, text, whole_of
from tailrace.transpile.signatures import INSTANTS, NUMBERS
from tailrace.transpile.to_bigquery import together

_COMPARISONS = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between, exp.In, exp.Is,
)  # fmt: skip
_LARGEST = 2**63 - 1


def literal(w: Writer, node: exp.Literal) -> exp.Expr:
    """1.5 is a DECIMAL in DuckDB, and would be a FLOAT64 in BigQuery."""
    if node.is_string or "e" in node.name.lower():
        return node.copy()
    if "." not in node.name:
        if int(node.name) > _LARGEST:
            return w.refuse(node, f"{node.name} is larger than BigQuery's INT64", "Write it as a DECIMAL")
        return node.copy()
    inside = node.parent
    while isinstance(inside, exp.Neg | exp.Paren):
        inside = inside.parent
    if isinstance(inside, (*_COMPARISONS, exp.Div)):
        return node.copy()
    return cast(text(node.name), "NUMERIC" if len(node.name.partition(".")[2]) <= 9 else "BIGNUMERIC")


def escaped_text(_w: Writer, node: exp.ByteString) -> exp.Expr:
    """E'...': a text in DuckDB, bytes to sqlglot, which has read the escapes by then."""
    return text(node.name)


def add(w: Writer, node: exp.Add) -> exp.Expr:
    from tailrace.transpile.to_bigquery import dates

    for value, amount in ((node.left, node.right), (node.right, node.left)):
        if w.kind(amount).name == "interval":
            return dates.shifted(w, node, value, amount, backwards=False)
    return w.same(node)


def subtract(w: Writer, node: exp.Sub) -> exp.Expr:
    from tailrace.transpile.to_bigquery import dates

    right = w.told(node.right).name
    left = w.told(node.left).name
    if right == "interval":
        return dates.shifted(w, node, node.left, node.right, backwards=True)
    if left == right == "date":
        return call("DATE_DIFF", w.write(node.left), w.write(node.right), exp.var("DAY"))
    if left in INSTANTS or right in INSTANTS:
        message = "a difference of instants is an INTERVAL, which BigQuery counts otherwise"
        return w.refuse(w.places.operator(node), message, "Write date_diff('second', earlier, later)")
    return w.same(node)


def divide(w: Writer, node: exp.Div) -> exp.Expr:
    """DuckDB's / is floating and gives inf and nan where BigQuery's would fail."""
    return call("IEEE_DIVIDE", w.write(_bare(node.left)), w.write(_bare(node.right)))


def divide_whole(w: Writer, node: exp.IntDiv) -> exp.Expr:
    for side in (node.left, node.right):
        if w.kind(side).name in ("double", "decimal"):
            return w.refuse(
                w.places.operator(node),
                "// of other than whole numbers has no counterpart",
                "Write floor(a / b)",
            )
    return call("DIV", w.write(_bare(node.left)), _not_zero(w, node.right))


def modulo(w: Writer, node: exp.Mod) -> exp.Expr:
    return remainder(w, node.left, node.right, w.places.operator(node))


def remainder(w: Writer, left: exp.Expr, right: exp.Expr, place: int) -> exp.Expr:
    """Both keep the sign of the first; by zero it is NULL in DuckDB and fails in BigQuery."""
    if "double" in (w.kind(left).name, w.kind(right).name):
        return w.refuse(place, "the remainder of a DOUBLE has no counterpart", "Write a - b * trunc(a / b)")
    return call("MOD", w.write(_bare(left)), _not_zero(w, right))


def _not_zero(w: Writer, node: exp.Expr) -> exp.Expr:
    written = w.write(_bare(node))
    return written if whole_of(node) else call("NULLIF", written, number(0))


def _bare(node: exp.Expr) -> exp.Expr:
    """An operand that becomes an argument needs no parentheses of its own."""
    return node.this if isinstance(node, exp.Paren) else node


def power(w: Writer, node: exp.Pow) -> exp.Expr:
    return call("POW", w.write(_bare(node.this)), w.write(_bare(node.expression)))


def absolute(w: Writer, node: exp.Abs) -> exp.Expr:
    return call("ABS", w.write(_bare(node.this)))


def concatenated(w: Writer, node: exp.DPipe) -> exp.Expr:
    from tailrace.transpile.to_bigquery import casts

    if "list" in (w.told(node.left).name, w.told(node.right).name):
        return call("ARRAY_CONCAT", w.write(node.left), w.write(node.right))
    left, right = (casts.as_text(w, side, cast_unknown=False) for side in (node.left, node.right))
    return exp.DPipe(this=left, expression=right, safe=True)


def compared(w: Writer, node: exp.Binary) -> exp.Expr:
    """An instant is compared with an instant: BigQuery does not widen a DATE by itself."""
    found = w.same(node)
    if not together.compatible(w, [node.this, node.expression]):
        return found
    for side, other in (("this", "expression"), ("expression", "this")):
        mine, theirs = node.args[side], node.args[other]
        if _needs_instant(w, mine, theirs):
            found.set(side, cast(found.args[side], "TIMESTAMP"))
    return found


def _needs_instant(w: Writer, node: exp.Expr, other: exp.Expr) -> bool:
    return (
        w.kind(other).name in INSTANTS
        and w.kind(node).name not in (*INSTANTS, "null")
        and not isinstance(node, exp.Query)
    )


def between(w: Writer, node: exp.Between) -> exp.Expr:
    parts = [node.this, node.args["low"], node.args["high"]]
    together.compatible(w, parts)
    instant = any(w.kind(part).name in INSTANTS for part in parts)
    written = [
        cast(w.write(part), "TIMESTAMP") if instant and w.kind(part).name not in INSTANTS else w.write(part)
        for part in parts
    ]
    return exp.Between(this=written[0], low=written[1], high=written[2])


def within(w: Writer, node: exp.In) -> exp.Expr:
    if node.args.get("field") is not None or node.args.get("unnest") is not None:
        return w.refuse(node, "IN over a list has no counterpart", "Write list_contains(list, value)")
    query = node.args.get("query")
    if query is None:
        value, *others = together.unified(w, [node.this, *node.expressions])
        return exp.In(this=value, expressions=others)
    together.compatible(w, [node.this, query])
    if isinstance(node.this, exp.Tuple):
        return w.refuse(node, "several columns IN a query have no counterpart", "Write EXISTS (SELECT ...)")
    return exp.In(this=w.write(node.this), query=w.write(query))


def equal(w: Writer, node: exp.EQ) -> exp.Expr:
    """`x = ANY (SELECT ...)` is IN; a JSON's type is told by its text."""
    if isinstance(node.expression, exp.Any) and isinstance(node.expression.this, exp.Subquery):
        return exp.In(this=w.write(node.this), query=w.write(node.expression.this))
    from tailrace.transpile.to_bigquery import json_of

    return json_of.is_double(w, node) or compared(w, node)


def like(w: Writer, node: exp.Like | exp.ILike) -> exp.Expr:
    return _like(w, node, "")


def escaped_like(w: Writer, node: exp.Escape) -> exp.Expr:
    sign = string_of(node.expression)
    if not isinstance(node.this, exp.Like | exp.ILike) or sign is None or len(sign) > 1:
        return w.refuse(node, "this ESCAPE has no counterpart", "Escape by one character of LIKE's own text")
    return _like(w, node.this, sign)


def _like(w: Writer, node: exp.Like | exp.ILike, sign: str) -> exp.Expr:
    """BigQuery's LIKE always takes a backslash for an escape, DuckDB's only where ESCAPE names it."""
    pattern = string_of(node.expression)
    if pattern is None:
        if sign:
            return w.refuse(
                node, "LIKE with ESCAPE of a computed pattern has no counterpart", "Write the pattern out"
            )
        written = call("REPLACE", w.write(node.expression), text("\\"), text("\\\\"))
    else:
        written = text(_like_pattern(pattern, sign))
    value = w.write(node.this)
    if isinstance(node, exp.ILike):
        value, written = (
            call("LOWER", value),
            call("LOWER", written) if pattern is None else text(written.name.lower()),
        )
    found = exp.Like(this=value, expression=written)
    return exp.Not(this=found) if node.args.get("negate") else found


def _like_pattern(pattern: str, sign: str) -> str:
    pieces, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        if sign and char == sign and at + 1 < len(pattern):
            at += 1
            pieces.append(pattern[at] if pattern[at] not in "%_\\" else "\\" + pattern[at])
        else:
            pieces.append("\\\\" if char == "\\" else char)
        at += 1
    return "".join(pieces)


def matched_whole(w: Writer, node: exp.SimilarTo | exp.RegexpFullMatch) -> exp.Expr:
    from tailrace.transpile.to_bigquery import patterns_of

    return patterns_of.full_match(w, node.this, node.expression)


def subscript(w: Writer, node: exp.Bracket) -> exp.Expr:
    """x[1]: counted from 1, NULL where there is none; s['a'] is s.a."""
    if len(node.expressions) != 1 or isinstance(node.expressions[0], exp.Slice):
        return w.refuse(
            node, "a slice of a list or text has no counterpart", "Write substring(), or unnest the list"
        )
    [index] = node.expressions
    if (name := string_of(index)) is not None:
        return exp.Dot(this=w.write(node.this), expression=exp.to_identifier(name))
    if w.told(node.this).name == "text":
        return w.refuse(node, "a subscript of a text has no counterpart", "Write substring(x, 1, 1)")
    place = whole_of(index)
    if place is None:
        return w.refuse(
            node, "a computed subscript may count from the end", "Write the number out, or unnest the list"
        )
    if place < 0:  # sqlglot counts from 0 by now
        return w.refuse(
            node, "a subscript from the end has no counterpart", "Reverse the list: list_reverse(x)[1]"
        )
    return exp.Bracket(this=w.write(node.this), expressions=[call("SAFE_ORDINAL", number(place + 1))])


def struct(w: Writer, node: exp.Struct) -> exp.Expr:
    return struct_of(w, node, node.expressions)


def struct_of(w: Writer, node: exp.Expr, parts: list[exp.Expr]) -> exp.Expr:
    fields = []
    for field in parts:
        if not isinstance(field, exp.PropertyEQ):
            return w.refuse(node, "a row without names has no counterpart", "Name the fields: {'a': x}")
        name = field.this.name
        fields.append(exp.alias_(w.write(field.expression), name, quoted=not name.isidentifier()))
    return call("STRUCT", *fields)


def dot(w: Writer, node: exp.Dot) -> exp.Expr:
    if isinstance(node.expression, exp.Func):
        return w.refuse(node, "a function behind a dot has no counterpart", "Write f(x) for x.f()")
    return exp.Dot(this=w.write(node.this), expression=w.write(node.expression))


def array(w: Writer, node: exp.Array) -> exp.Expr:
    return list_of(w, node, node.expressions)


def list_of(w: Writer, node: exp.Expr, items: list[exp.Expr]) -> exp.Expr:
    if len(items) == 1 and isinstance(items[0], exp.Query):
        return _queried(w, node, items[0])
    if any(w.kind(item).name == "list" for item in items):
        return w.refuse(node, "a list of lists has no counterpart", "Put the inner lists into structs")
    return exp.Array(expressions=w.all(items))


def _queried(w: Writer, node: exp.Expr, query: exp.Query) -> exp.Expr:
    if query.args.get("order") is None:
        return w.refuse(
            node, "a list of a query without ORDER BY has no order in BigQuery", "Add ORDER BY to the query"
        )
    return call("ARRAY", w.write(query))


def interval(w: Writer, node: exp.Interval) -> exp.Expr:
    message = "an INTERVAL as a value has no counterpart"
    return w.refuse(w.places.word(node, "INTERVAL"), message, "Add it to a date, or count days in a number")


def arithmetic(w: Writer, node: exp.Binary) -> exp.Expr:
    if "interval" in {w.kind(node.left).name, w.kind(node.right).name} - set(NUMBERS):
        return interval(w, node)  # type: ignore[arg-type]
    return w.same(node)


RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    exp.Literal: literal, exp.ByteString: escaped_text, exp.RawString: escaped_text, exp.Add: add, exp.Sub: subtract, exp.Div: divide,
    exp.IntDiv: divide_whole, exp.Mod: modulo, exp.Pow: power, exp.Abs: absolute, exp.DPipe: concatenated, exp.Mul: arithmetic,
    **dict.fromkeys((exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ), compared),
    exp.EQ: equal, exp.Between: between, exp.In: within, exp.Like: like, exp.ILike: like, exp.Escape: escaped_like,
    exp.SimilarTo: matched_whole, exp.RegexpFullMatch: matched_whole, exp.Bracket: subscript, exp.Struct: struct, exp.Dot: dot,
    exp.Array: array, exp.Interval: interval, exp.Case: together.chosen,
}  # fmt: skip
