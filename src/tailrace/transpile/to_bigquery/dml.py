"""Statements that write: INSERT, DELETE, UPDATE, MERGE, and CREATE, ALTER and DROP of tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, cast
from tailrace.transpile.schema import bigquery_type
from tailrace.transpile.to_bigquery import queries
from tailrace.transpile.to_bigquery.casts import type_name

MARK = re.compile("\ue001(\\d+)\ue001")
"""A parameter on its way: its offset in what was read."""


def parameter(_w: Writer, node: exp.Placeholder) -> exp.Expr:
    return exp.var(f"\ue001{node.meta['start']}\ue001")


def insert(w: Writer, node: exp.Insert) -> exp.Expr:
    """INSERT takes its WITH inside; BY NAME is said by naming the columns."""
    source = node.expression
    if isinstance(source, exp.Values):
        rows = [_row(w, row) for row in source.expressions]
        return exp.Insert(this=_target(w, node.this), expression=exp.Values(expressions=rows))
    target = _target(w, node.this)
    if node.args.get("by_name"):
        target = exp.Schema(this=target, expressions=_named(w, node, source))
    written = queries.query(w, source, [])
    if node.args.get("with_") is not None:
        if written.args.get("with_") is not None:
            return w.refuse(
                node, "WITH before INSERT and inside it has no counterpart", "Write one WITH, inside"
            )
        written.set("with_", queries.with_ctes(w, node.args["with_"]))
    _type_nulls(w, node, written)
    return exp.Insert(this=target, expression=written)


def _target(w: Writer, node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Schema):
        return exp.Schema(this=w.write(node.this), expressions=[name.copy() for name in node.expressions])
    return w.write(node)


def _row(w: Writer, node: exp.Expr) -> exp.Expr:
    return exp.Tuple(expressions=w.all(node.expressions if isinstance(node, exp.Tuple) else [node]))


def _named(w: Writer, node: exp.Insert, source: exp.Expr) -> list[exp.Expr]:
    items = source.selects if isinstance(source, exp.Query) else []
    names = [item.alias_or_name for item in items]
    if not names or any(name in ("", "*") for name in names):
        w.refuse(
            w.places.word(node, "NAME"),
            "BY NAME of columns without names has no counterpart",
            "Name them all",
        )
    return [exp.to_identifier(name, quoted=True) for name in names]


def _type_nulls(w: Writer, node: exp.Insert, written: exp.Expr) -> None:
    """A NULL that is selected is an INT64 in BigQuery unless it is cast to its column's type."""
    target = node.this.this if isinstance(node.this, exp.Schema) else node.this
    types = {name: bigquery_type(kind) for name, kind in w.kinds.columns_of(target).items()}
    names = [name.name for name in node.this.expressions] if isinstance(node.this, exp.Schema) else [*types]
    if node.args.get("by_name"):
        names = [item.alias_or_name for item in node.expression.selects]
    for select in _branches(written):
        for item, name in zip(select.expressions, names, strict=False):
            inner = item.this if isinstance(item, exp.Alias) else item
            if isinstance(inner, exp.Null) and (kind := types.get(name.lower())):
                inner.replace(cast(exp.Null(), kind))


def _branches(query: exp.Expr) -> list[exp.Select]:
    if isinstance(query, exp.SetOperation):
        return [*_branches(query.left), *_branches(query.right)]
    return [query] if isinstance(query, exp.Select) else []


def delete(w: Writer, node: exp.Delete) -> exp.Expr:
    """BigQuery wants a WHERE always, and has no USING: a row goes where one of the others matches."""
    condition = w.write(node.args["where"].this) if node.args.get("where") else None
    if others := node.args.get("using"):
        found = exp.select("1").from_(w.write(others[0]))
        for other in others[1:]:
            found = found.join(w.write(other), join_type="CROSS")
        condition = exp.Exists(this=found.where(condition) if condition is not None else found)
    return exp.Delete(this=w.write(node.this), where=exp.Where(this=condition or exp.true()))


def update(w: Writer, node: exp.Update) -> exp.Expr:
    """BigQuery fails where several rows of FROM match one of the table's; DuckDB takes any of them."""
    arguments: dict[str, Any] = {
        "this": w.write(node.this),
        "expressions": [_set(w, item) for item in node.expressions],
    }
    if node.args.get("from_") is not None:
        arguments["from_"] = w.write(node.args["from_"])
    where = node.args.get("where")
    arguments["where"] = w.write(where) if where is not None else exp.Where(this=exp.true())
    return exp.Update(**arguments)


def _set(w: Writer, node: exp.Expr) -> exp.Expr:
    """`column = value`, where the sign compares nothing."""
    if not isinstance(node, exp.EQ) or not isinstance(node.this, exp.Column):
        return w.refuse(node, "this SET has no counterpart", "Write column = value")
    return exp.EQ(this=node.this.copy(), expression=w.write(node.expression))


def merge(w: Writer, node: exp.Merge) -> exp.Expr:
    whens = [_when(w, when) for when in node.args["whens"].expressions]
    return exp.Merge(
        this=w.write(node.this),
        using=w.write(node.args["using"]),
        on=w.write(node.args["on"]),
        whens=exp.Whens(expressions=whens),
    )


def _when(w: Writer, node: exp.When) -> exp.Expr:
    then, condition = node.args["then"], node.args.get("condition")
    written: exp.Expr
    if isinstance(then, exp.Update) and then.expressions:
        written = exp.Update(expressions=[_set(w, item) for item in then.expressions])
    elif (
        isinstance(then, exp.Insert)
        and isinstance(then.this, exp.Tuple)
        and isinstance(then.expression, exp.Tuple)
    ):
        written = exp.Insert(this=then.this.copy(), expression=_row(w, then.expression))
    elif isinstance(then, exp.Var) and then.name.upper() == "DELETE":
        written = then.copy()
    else:
        fix = "Name the columns: UPDATE SET a = s.a, INSERT (a) VALUES (s.a)"
        return w.refuse(node, "this part of MERGE has no counterpart", fix)
    parts = {"matched": node.args.get("matched"), "source": node.args.get("source"), "then": written}
    return exp.When(**parts, condition=None if condition is None else w.write(condition))


def create(w: Writer, node: exp.Create) -> exp.Expr:
    arguments: dict[str, Any] = {key: node.args.get(key) for key in ("kind", "replace", "exists")}
    properties = node.args.get("properties")
    if properties is not None:
        if any(not isinstance(one, exp.TemporaryProperty) for one in properties.expressions):
            return w.refuse(node, "this property of a table has no counterpart", "Leave it out")
        arguments["properties"] = properties.copy()
    if node.kind not in ("TABLE", "VIEW", "SCHEMA"):
        return w.refuse(node, f"CREATE {node.kind} has no counterpart", "Create a table or a view")
    arguments["this"] = _defined(w, node.this) if node.kind != "SCHEMA" else node.this.copy()
    if node.expression:
        arguments["expression"] = queries.query(w, node.expression, [])
    return exp.Create(**arguments)


def _defined(w: Writer, node: exp.Expr) -> exp.Expr:
    if not isinstance(node, exp.Schema):
        return w.write(node)
    return exp.Schema(
        this=w.write(node.this), expressions=[_column(w, column) for column in node.expressions]
    )


def _column(w: Writer, node: exp.Expr) -> exp.Expr:
    constraints = [one.kind for one in node.args.get("constraints") or ()]
    if (
        not isinstance(node, exp.ColumnDef)
        or node.kind is None
        or any(
            not isinstance(kind, exp.NotNullColumnConstraint) or kind.args.get("allow_null")
            for kind in constraints
        )
    ):
        return w.refuse(
            node, "this part of a table has no counterpart", "Give columns, their types and NOT NULL"
        )
    name = type_name(w, node.kind, node)
    kind = exp.DataType.build(name, dialect="bigquery") if name else None
    kept = [exp.ColumnConstraint(kind=exp.NotNullColumnConstraint()) for _ in constraints]
    return exp.ColumnDef(
        this=node.this.copy(), kind=kind, constraints=kept or None, exists=node.args.get("exists")
    )


def alter(w: Writer, node: exp.Alter) -> exp.Expr:
    if any(not isinstance(action, exp.ColumnDef) for action in node.args["actions"]):
        return w.refuse(node, "this ALTER has no counterpart", "Write ADD COLUMN")
    actions = [_column(w, action) for action in node.args["actions"]]
    return exp.Alter(
        this=w.write(node.this), kind=node.args["kind"], exists=node.args.get("exists"), actions=actions
    )


def drop(_w: Writer, node: exp.Drop) -> exp.Expr:
    return node.copy()


RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    exp.Insert: insert, exp.Delete: delete, exp.Update: update, exp.Merge: merge, exp.Create: create, exp.Alter: alter, exp.Drop: drop,
    exp.Placeholder: parameter,
}  # fmt: skip
READ: dict[type[exp.Expr], frozenset[str]] = {
    exp.Insert: frozenset({"this", "expression", "with_", "by_name"}), exp.Delete: frozenset({"this", "where", "using"}),
    exp.Update: frozenset({"this", "expressions", "from_", "where"}), exp.Merge: frozenset({"this", "using", "on", "whens"}),
    exp.Create: frozenset({"this", "kind", "replace", "exists", "properties", "expression"}),
    exp.Alter: frozenset({"this", "kind", "exists", "actions"}), exp.Drop: frozenset({"tables", "kind", "exists", "cascade"}),
    exp.Placeholder: frozenset(),
}  # fmt: skip
