"""SELECT and its clauses, tables, joins, UNION and its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, call, number
from tailrace.transpile.to_duckdb.aggregates import ordered

_PARTS = ("from_", "joins", "where", "having", "qualify", "windows", "limit", "offset")


def select(w: Writer, node: exp.Select) -> exp.Expr:
    arguments: dict[str, Any] = {"expressions": w.all(node.expressions)}
    if node.args.get("with_") is not None:
        arguments["with_"] = _with(w, node.args["with_"])
    for key in _PARTS:
        value = node.args.get(key)
        if value:
            arguments[key] = w.all(value) if isinstance(value, list) else w.write(value)
    if node.args.get("distinct") is not None:
        arguments["distinct"] = exp.Distinct()
    if node.args.get("group") is not None:
        arguments["group"] = _group(w, node.args["group"])
    if node.args.get("order") is not None:
        arguments["order"] = exp.Order(expressions=ordered(w, node.args["order"].expressions))
    return exp.Select(**arguments)


def _group(w: Writer, node: exp.Group) -> exp.Expr:
    if node.args.get("all"):
        return exp.Group(all=True)
    if any(node.args.get(key) for key in ("rollup", "cube", "grouping_sets")):
        place = w.places.word(node, "ROLLUP", "CUBE", "GROUPING")
        return w.refuse(
            place,
            "ROLLUP, CUBE and GROUPING SETS are not carried over",
            "Group twice and join the results by UNION ALL",
        )
    return exp.Group(expressions=w.all(node.expressions))


def _with(w: Writer, node: exp.With) -> exp.Expr:
    ctes = [
        exp.CTE(this=w.write(cte.this), alias=exp.TableAlias(this=cte.args["alias"].this.copy()))
        for cte in node.expressions
    ]
    return exp.With(expressions=ctes, recursive=bool(node.args.get("recursive")))


def set_operation(w: Writer, node: exp.SetOperation) -> exp.Expr:
    by_name = node.args.get("by_name")
    if (by_name or node.args.get("side") or node.args.get("kind")) and node.args.get("side") != "FULL":
        return w.refuse(
            w.places.word(node.expression, "UNION"),
            "this UNION BY NAME has no counterpart",
            "Write FULL OUTER UNION ALL BY NAME",
        )
    arguments: dict[str, Any] = {"distinct": bool(node.args.get("distinct")), "by_name": by_name}
    for key in ("this", "expression", "limit", "offset"):
        if node.args.get(key) is not None:
            arguments[key] = w.write(node.args[key])
    if node.args.get("with_") is not None:
        arguments["with_"] = _with(w, node.args["with_"])
    if node.args.get("order") is not None:
        arguments["order"] = exp.Order(expressions=ordered(w, node.args["order"].expressions))
    return type(node)(**arguments)


def subquery(w: Writer, node: exp.Subquery) -> exp.Expr:
    for key in ("pivots", "sample"):
        if node.args.get(key):
            return w.refuse(
                node, f"{key.removesuffix('s').upper()} has no counterpart", "Write it as a SELECT"
            )
    arguments: dict[str, Any] = {"this": w.write(node.this)}
    if node.args.get("alias") is not None:
        arguments["alias"] = exp.TableAlias(this=node.args["alias"].this.copy())
    if node.args.get("order") is not None:
        arguments["order"] = exp.Order(expressions=ordered(w, node.args["order"].expressions))
    for key in ("limit", "offset"):
        if node.args.get(key) is not None:
            arguments[key] = w.write(node.args[key])
    return exp.Subquery(**arguments)


def table(w: Writer, node: exp.Table) -> exp.Expr:
    for key in ("sample", "pivots"):
        if node.args.get(key):
            return w.refuse(
                node,
                f"{'TABLESAMPLE' if key == 'sample' else 'PIVOT and UNPIVOT'} have no counterpart",
                "Write it as a SELECT",
            )
    if not isinstance(node.this, exp.Identifier):
        return w.refuse(node, "this table function has no counterpart", "Read a table, a model or a source")
    if node.args.get("catalog") is not None:
        return w.refuse(node, "DuckDB has no projects", "Leave the project's name out")
    parts = {key: value.copy() for key in ("this", "db") if (value := node.args.get(key)) is not None}
    alias = node.args.get("alias")
    inner = w.all(node.args.get("joins") or [])
    return exp.Table(
        **parts,
        alias=exp.TableAlias(this=alias.this.copy()) if alias is not None else None,
        joins=inner or None,
    )


def join(w: Writer, node: exp.Join) -> exp.Expr:
    arguments: dict[str, Any] = {key: value for key in ("side", "kind") if (value := node.args.get(key))}
    if node.args.get("on") is not None:
        arguments["on"] = w.write(node.args["on"])
    if node.args.get("using"):
        arguments["using"] = [column.copy() for column in node.args["using"]]
    return exp.Join(this=w.write(node.this), **arguments)


def unnest(w: Writer, node: exp.Unnest) -> exp.Expr:
    """UNNEST(items) AS item: in DuckDB a table of one column of that name."""
    if node.args.get("offset"):
        return w.refuse(
            node,
            "WITH OFFSET has no counterpart here",
            "Unnest GENERATE_ARRAY(0, ARRAY_LENGTH(x) - 1) and subscript",
        )
    alias = node.args.get("alias")
    columns = alias.columns if alias is not None else []
    if len(node.expressions) != 1 or len(columns) != 1:
        return w.refuse(node, "UNNEST() without a name has no counterpart", "Write UNNEST(items) AS item")
    if node.args.get("explode_array"):  # structs fall into their fields, and the name is the table's
        depth = exp.PropertyEQ(this=exp.to_identifier("max_depth"), expression=number(2))
        rows = exp.select(call("unnest", w.write(node.expressions[0]), depth))
        return exp.Subquery(this=rows, alias=exp.TableAlias(this=columns[0].copy()))
    named = exp.TableAlias(this=exp.to_identifier(f"{columns[0].name}_rows"), columns=[columns[0].copy()])
    return exp.Unnest(expressions=[w.write(node.expressions[0])], alias=named)


def star(w: Writer, node: exp.Star) -> exp.Expr:
    chosen = node.find_ancestor(exp.Select)
    sources = (
        [chosen.args["from_"].this] if chosen is not None and chosen.args.get("from_") is not None else []
    )
    sources += [one.this for one in (chosen.args.get("joins") or [])] if chosen is not None else []
    if any(isinstance(source, exp.Unnest) and not source.args.get("explode_array") for source in sources):
        fix = "Name the columns: an element that is a STRUCT falls into its fields in BigQuery"
        return w.refuse(node, "a star over UNNEST() has no counterpart", fix)
    return w.same(node)


def column(w: Writer, node: exp.Column) -> exp.Expr:
    if isinstance(node.this, exp.Star):
        return exp.Column(this=w.write(node.this), table=node.args["table"].copy())
    return node.copy()


RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    exp.Select: select, **dict.fromkeys((exp.Union, exp.Except, exp.Intersect), set_operation), exp.Subquery: subquery, exp.Table: table,
    exp.Join: join, exp.Unnest: unnest, exp.Column: column, exp.Star: star,
}  # fmt: skip
