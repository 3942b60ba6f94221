"""A query on the view that was judged, rewritten to read the staged table; by its syntax tree, so that no value is touched."""

from __future__ import annotations

from typing import Any

import sqlglot
from sqlglot import exp

from tailrace.validate.evidence.rows import Rows


def placed(sql: str, relation: str, rows: Rows) -> str:
    """`sql` with the staged rows in place of every table called `relation`."""
    dialect = rows.dialect.name
    tree = sqlglot.parse_one(sql, read=dialect)
    table = sqlglot.parse_one(f"SELECT * FROM {rows.dialect.table(rows.ref)}", read=dialect)
    own = sqlglot.parse_one(rows.select("*"), read=dialect) if rows.where else None
    for found in list(tree.find_all(exp.Table)):
        if _named(found, relation):
            found.replace(_source(own, table, found.alias or relation))
    return str(_unwrapped(tree).transform(_is_not).sql(dialect=dialect, comments=False))


def _is_not(node: Any) -> Any:
    """`x IS NOT NULL` as people write it; the parser knows it as NOT of `x IS NULL`."""
    inner = node.this if isinstance(node, exp.Not) else None
    if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null):
        return exp.Is(this=inner.this, expression=exp.Not(this=exp.Null()))
    return node


def _named(table: exp.Table, relation: str) -> bool:
    return ".".join(part.name for part in table.parts) == relation


def _source(own: Any, table: Any, alias: str) -> Any:
    """What stands for the view: a subquery where it has a condition; it keeps the name by which columns may call it."""
    name = exp.TableAlias(this=exp.to_identifier(alias))
    if own is not None:
        return exp.Subquery(this=own.copy(), alias=name)
    staged = table.find(exp.Table).copy()
    staged.set("alias", name)
    return staged


def _unwrapped(tree: Any) -> Any:
    """`SELECT * FROM (SELECT * FROM t WHERE a) WHERE b` as one SELECT, as far down as it is that plain."""
    while isinstance(tree, exp.Select) and (inner := _plain_inner(tree)) is not None:
        source = inner.args["from_"].this
        conditions = [part.args["where"].this for part in (inner, tree) if part.args.get("where")]
        kept = [part for part in conditions if not (isinstance(part, exp.Boolean) and part.this)]
        tree.args["from_"].set("this", source)
        tree.set("where", exp.Where(this=exp.and_(*kept)) if kept else None)
    if isinstance(tree, exp.Select) and not list(_qualifiers(tree)):
        _without_alias(tree)
    return tree


def _plain_inner(tree: exp.Select) -> Any:
    source = tree.args["from_"].this if tree.args.get("from_") else None
    plain = isinstance(source, exp.Subquery) and _only(tree) and not list(_qualifiers(tree))
    inner = source.this if plain and source else None
    return inner if isinstance(inner, exp.Select) and _only(inner) and inner.is_star else None


def _only(select: exp.Select) -> bool:
    """Whether it has nothing but what it selects, one source and a condition."""
    parts = {name for name, value in select.args.items() if value}
    return parts <= {"expressions", "from_", "where", "kind"}


def _qualifiers(tree: exp.Select) -> Any:
    return (column for column in tree.find_all(exp.Column) if column.table)


def _without_alias(tree: exp.Select) -> None:
    source = tree.args["from_"].this if tree.args.get("from_") else None
    if isinstance(source, exp.Table) and _only(tree):
        source.set("alias", None)
