"""Lists: subscripts, lambdas, and what a list is asked."""

from __future__ import annotations

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, call
from tailrace.transpile.to_bigquery.operators import list_of, struct_of
from tailrace.transpile.to_bigquery.texts import Rule, is_never_null, same

_PLACE = "place"


def contains(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """False where no element is equal, though one be NULL; NULL where the list or the value is."""
    items, value = node.expressions
    written, wanted = w.write(items), w.write(value)
    found = (
        exp.select("1")
        .from_(_unnested(written, "item"))
        .where(exp.EQ(this=exp.column("item"), expression=wanted))
    )
    absent = _is_null(written.copy())
    if not is_never_null(value):
        absent = exp.Or(this=absent, expression=_is_null(wanted.copy()))
    return call("IF", absent, exp.Null(), exp.Exists(this=found))


def _is_null(node: exp.Expr) -> exp.Expr:
    return exp.Is(this=node, expression=exp.Null())


def _unnested(items: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(call("UNNEST", items), name)


def _in_order(items: exp.Expr, name: str) -> exp.Expr:
    offset = exp.to_identifier(_PLACE)
    return exp.Unnest(
        expressions=[items], alias=exp.TableAlias(columns=[exp.to_identifier(name)]), offset=offset
    )


def mapped(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """list_transform() and list_filter(): the lambda's variable is the element."""
    items, function = node.expressions
    if not isinstance(function, exp.Lambda) or len(function.expressions) != 1:
        return w.refuse(
            node, f"{node.this}() needs a lambda of one variable here", f"Write {node.this}(list, x -> ...)"
        )
    name = function.expressions[0].name
    body, written = w.write(_as_column(function.this, name)), w.write(items)
    filters = node.this in ("list_filter", "array_filter", "filter")
    query = exp.select(exp.column(name) if filters else body).from_(_in_order(written, name))
    query = query.where(body) if filters else query
    query = query.order_by(exp.column(_PLACE))
    return call("IF", _is_null(written.copy()), exp.Null(), call("ARRAY", query))


def _as_column(body: exp.Expr, name: str) -> exp.Expr:
    """The lambda's variable as the column that it becomes."""

    def turned(node: exp.Expr) -> exp.Expr:
        inside = isinstance(node.parent, exp.Column | exp.Dot)
        return (
            exp.column(name)
            if isinstance(node, exp.Identifier) and not inside and node.name == name
            else node
        )

    return body.copy().transform(turned)


def aggregated(aggregate: str) -> Rule:
    def write(w: Writer, node: exp.Anonymous) -> exp.Expr:
        source = _unnested(w.write(node.expressions[0]), "item")
        return exp.Subquery(this=exp.select(call(aggregate, exp.column("item"))).from_(source))

    return write


def listed(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return list_of(w, node, node.expressions)


def structured(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return struct_of(w, node, node.expressions)


def joined(w: Writer, node: exp.Anonymous) -> exp.Expr:
    item = w.kind(node.expressions[0]).item
    if item is None or item.name != "text":
        fix = "Make its elements texts: list_transform(x, e -> CAST(e AS VARCHAR))"
        return w.refuse(node, f"{node.this}() of other than a list of texts has no counterpart", fix)
    return call("ARRAY_TO_STRING", *w.all(node.expressions))


CALLS: dict[str, tuple[int, int, Rule]] = {
    **dict.fromkeys(("list_contains", "array_contains", "list_has", "array_has"), (2, 2, contains)),
    **dict.fromkeys(("list_transform", "array_transform", "list_apply", "array_apply", "list_filter", "array_filter", "filter"), (2, 2, mapped)),
    **dict.fromkeys(("array_length",), (1, 1, same("ARRAY_LENGTH"))),
    **dict.fromkeys(("list_reverse", "array_reverse"), (1, 1, same("ARRAY_REVERSE"))),
    **dict.fromkeys(("array_to_string",), (2, 2, joined)),
    "list_sum": (1, 1, aggregated("SUM")), "list_min": (1, 1, aggregated("MIN")), "list_max": (1, 1, aggregated("MAX")),
    "list_avg": (1, 1, aggregated("AVG")), "list_count": (1, 1, aggregated("COUNT")),
    "list_value": (1, 999, listed), "struct_pack": (1, 999, structured),
}  # fmt: skip
