"""The names of a query's columns, as far as its SQL tells them; a star stands for its table's columns."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from tailrace.build.facts import ColumnPart

Parts = tuple[ColumnPart, ...] | None
Seen = Mapping[str, Parts]


def columns_of(tree: exp.Query, outer: Seen | None = None) -> Parts:
    """Names in order; (schema, name) stands for all columns of that table; None where the SQL does not tell."""
    seen = dict(outer or {})
    with_ = tree.args.get("with_")
    for cte in with_.expressions if with_ is not None else ():
        named = cte.args["alias"].columns if cte.args.get("alias") else []
        inner = cte.this
        seen[cte.alias.lower()] = (
            tuple(column.name for column in named)
            if named
            else columns_of(inner, seen)
            if isinstance(inner, exp.Query)
            else None
        )
    if isinstance(tree, exp.SetOperation):
        return None if tree.args.get("by_name") else columns_of(tree.left, seen)
    if isinstance(tree, exp.Subquery):
        return columns_of(tree.this, seen) if isinstance(tree.this, exp.Query) else None
    if not isinstance(tree, exp.Select):
        return None
    return _selected(tree, seen)


def _selected(tree: exp.Select, seen: Seen) -> Parts:
    found: list[ColumnPart] = []
    for item in tree.expressions:
        if isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
            star = item if isinstance(item, exp.Star) else item.this
            parts = _starred(tree, star, item.text("table").lower(), seen)
            if parts is None:
                return None
            found += parts
        elif isinstance(item, exp.Alias | exp.Column) and item.alias_or_name:
            found.append(item.alias_or_name)
        else:
            return None  # the engine finds a name for an expression
    names = [part.lower() for part in found if isinstance(part, str)]
    return tuple(found) if len(names) == len(set(names)) else None


def _starred(tree: exp.Select, star: exp.Star, table: str, seen: Seen) -> Parts:
    """The columns that a star brings: all tables of the FROM in order, less what EXCLUDE names."""
    if star.args.get("rename") or any(
        join.args.get("using") or join.method for join in tree.args.get("joins") or ()
    ):
        return None
    found: list[ColumnPart] = []
    for source in _sources(tree):
        if table and source.alias_or_name.lower() != table:
            continue
        parts = _source_columns(source, seen)
        if parts is None:
            return None
        found += parts
    excluded = {item.name.lower() for item in star.args.get("except_") or star.args.get("except") or ()}
    if excluded and any(not isinstance(part, str) for part in found):
        return None
    return tuple(part for part in found if not (isinstance(part, str) and part.lower() in excluded)) or None


def _sources(tree: exp.Select) -> list[exp.Expr]:
    from_ = tree.args.get("from_")
    joins = [
        join.this
        for join in tree.args.get("joins") or ()
        if (join.kind or "").upper() not in ("SEMI", "ANTI")
    ]
    return ([from_.this] if from_ is not None else []) + joins


def _source_columns(source: exp.Expr, seen: Seen) -> Parts:
    alias = source.args.get("alias")
    if alias is not None and alias.columns:
        return None
    if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
        if source.args.get("joins") or source.args.get("pivots") or source.catalog:
            return None
        if not source.db and source.name.lower() in seen:
            return seen[source.name.lower()]
        return ((source.db, source.name),)
    if isinstance(source, exp.Subquery) and not source.args.get("pivots"):
        return columns_of(source, seen)
    return None
