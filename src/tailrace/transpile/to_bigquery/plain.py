"""DuckDB's PIVOT, UNPIVOT, SEMI and ANTI JOIN as plain SELECTs of DuckDB, before anything is translated.

A form that is not simple stays as it is, and is refused by the rule of its kind.
"""

from __future__ import annotations

from itertools import product

from sqlglot import exp

_Values = list[tuple[exp.Expr, str]]


def simplify(tree: exp.Expr) -> exp.Expr:
    """The tree without them, inner ones first; it is changed in place."""
    for node in reversed(list(tree.find_all(exp.Pivot, bfs=True))):
        tree = _swapped(tree, node)
    for select in list(tree.find_all(exp.Select)):
        _filter_by_joins(select)
    return tree


def _swapped(tree: exp.Expr, node: exp.Pivot) -> exp.Expr:
    """A PIVOT statement becomes a query; one behind a table becomes a subquery in the table's place."""
    parent = node.parent
    if node.args.get("pivots"):
        return tree
    if isinstance(parent, exp.Table | exp.Subquery) and node.arg_key == "pivots":
        found = _behind(parent, node)
        if found is not None:
            parent.replace(found)
        return tree
    source = node.this
    query = (
        _unpivot(source, node)
        if node.args.get("unpivot")
        else _pivot(source, node, node.expressions, node.args.get("using") or [])
    )
    if query is None:
        return tree
    if node.args.get("with_") is not None:
        query.set("with_", node.args["with_"])
    if node is tree:
        return query
    node.replace(query)
    return tree


def _behind(table: exp.Table | exp.Subquery, node: exp.Pivot) -> exp.Expr | None:
    if len(table.args["pivots"]) != 1 or table.args.get("sample") or table.args.get("joins"):
        return None
    bare = table.copy()
    bare.set("pivots", None)
    query = (
        _unpivot(bare, node)
        if node.args.get("unpivot")
        else _pivot(bare, node, node.args.get("fields") or [], node.expressions)
    )
    if query is None:
        return None
    alias = (
        node.args.get("alias")
        or table.args.get("alias")
        or exp.TableAlias(this=exp.to_identifier(table.alias_or_name or "pivoted"))
    )
    return exp.Subquery(this=query, alias=alias.copy())


def _pivot(source: exp.Expr, node: exp.Pivot, on: list[exp.Expr], using: list[exp.Expr]) -> exp.Select | None:
    """One aggregate with a FILTER for every value; None where values are not written out."""
    told = [_values(one) for one in on]
    if not told or any(not values for values in told) or node.args.get("default_on_null"):
        return None
    aggregates = using or [exp.Anonymous(this="count", expressions=[exp.Star()])]
    group = node.args.get("group")
    keys = [key.copy() for key in group.expressions] if group is not None else _others(on, using)
    if keys is None:
        return None
    select = exp.Select(expressions=[*keys], from_=exp.From(this=source.copy()))
    select.set(
        "group",
        exp.Group(expressions=[key.copy() for key in keys]) if group is not None else exp.Group(all=True),
    )
    for combination in product(*(values for values in told if values)):
        name = "_".join(part for _, part in combination)
        for aggregate in aggregates:
            select.append(
                "expressions", _column(on, combination, aggregate, name, alone=len(aggregates) == 1)
            )
    return select


def _values(on: exp.Expr) -> _Values | None:
    """What a column is compared with, and the name that DuckDB gives each."""
    if not isinstance(on, exp.In) or not on.expressions or on.args.get("query") or on.args.get("field"):
        return None
    found: _Values = []
    for item in on.expressions:
        value = item.this if isinstance(item, exp.PivotAlias | exp.Alias) else item
        if not isinstance(value, exp.Literal | exp.Boolean):
            return None
        plain = str(value.this).lower() if isinstance(value, exp.Boolean) else value.name
        found.append((value, item.args["alias"].name if item is not value else plain))
    return found


def _others(on: list[exp.Expr], using: list[exp.Expr]) -> list[exp.Expr] | None:
    """All columns that are neither pivoted nor aggregated, which DuckDB groups by unless it is told."""
    if any(not isinstance(one.this, exp.Column) for one in on):
        return None
    names = [one.this.this.copy() for one in on] + [
        column.this.copy() for one in using for column in one.find_all(exp.Column)
    ]
    return [exp.Star(except_=[*{name.name.lower(): name for name in names}.values()])]


def _column(
    on: list[exp.Expr],
    values: tuple[tuple[exp.Expr, str], ...],
    aggregate: exp.Expr,
    name: str,
    *,
    alone: bool,
) -> exp.Expr:
    conditions = [
        exp.EQ(this=one.this.copy(), expression=value.copy())
        for one, (value, _) in zip(on, values, strict=True)
    ]
    call = aggregate.this if isinstance(aggregate, exp.Alias) else aggregate
    behind = aggregate.alias if isinstance(aggregate, exp.Alias) else "" if alone else call.sql("duckdb")
    kept = exp.Filter(this=call.copy(), expression=exp.Where(this=exp.and_(*conditions, copy=False)))
    return exp.Alias(this=kept, alias=exp.to_identifier(f"{name}_{behind}" if behind else name, quoted=True))


def _unpivot(source: exp.Expr, node: exp.Pivot) -> exp.Select | None:
    """BigQuery has UNPIVOT, with the value's column before the name's."""
    into = node.args.get("into")
    if into is not None:
        name, values, columns = into.this, into.expressions, node.expressions
    elif node.args.get("fields"):
        [field, *_] = node.args["fields"]
        name, values, columns = field.this, node.expressions, field.expressions
    else:
        name, values, columns = exp.column("name"), [exp.column("value")], node.expressions
    if len(values) != 1 or not all(
        isinstance(one, exp.Column) and isinstance(one.this, exp.Identifier) for one in columns
    ):
        return None
    label, value = (exp.to_identifier(one.name, quoted=True) for one in (name, values[0]))
    pivot = exp.Pivot(
        expressions=[value], unpivot=True, include_nulls=node.args.get("include_nulls"),
        fields=[exp.In(this=label, expressions=[column.copy() for column in columns])],
    )  # fmt: skip
    pivot.meta["simple"] = True
    table = source.copy()
    table.set("pivots", [pivot])
    rest = exp.Star(except_=[label.copy(), value.copy()])
    return exp.Select(
        expressions=[rest, exp.column(label.copy()), exp.column(value.copy())], from_=exp.From(this=table)
    )


def _filter_by_joins(select: exp.Select) -> None:
    """SEMI JOIN is EXISTS, ANTI JOIN is NOT EXISTS; not before a join that adds rows of its own."""
    joins = select.args.get("joins") or []
    if any(join.side in ("RIGHT", "FULL") or join.args.get("method") for join in joins):
        return
    before = [select.args["from_"].this] if select.args.get("from_") is not None else []
    for join in list(joins):
        condition = _condition(join, before) if join.kind in ("SEMI", "ANTI") else None
        if condition is None:
            before.append(join.this)
            continue
        found: exp.Expr = exp.Exists(
            this=exp.select("1").from_(join.this.copy()).where(condition, copy=False)
        )
        found = exp.Not(this=found) if join.kind == "ANTI" else found
        where = select.args.get("where")
        select.set(
            "where",
            exp.Where(
                this=exp.And(this=_bracketed(where.this), expression=found) if where is not None else found
            ),
        )
        joins.remove(join)
    select.set("joins", joins)


def _bracketed(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node) if isinstance(node, exp.Or) else node


def _condition(join: exp.Join, before: list[exp.Expr]) -> exp.Expr | None:
    """What a row has to meet; None without an equality, which BigQuery needs in a correlated subquery."""
    names = join.args.get("using")
    if names:
        if len(before) != 1:
            return None
        sides = (before[0].alias_or_name, join.this.alias_or_name)
        pairs = [[exp.column(name.copy(), table=side) for side in sides] for name in names]
        return exp.and_(*(exp.EQ(this=left, expression=right) for left, right in pairs), copy=False)
    on = join.args.get("on")
    parts = list(on.flatten()) if isinstance(on, exp.And) else [on]
    return on.copy() if on is not None and any(isinstance(part, exp.EQ) for part in parts) else None
