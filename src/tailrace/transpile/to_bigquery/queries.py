"""SELECT and its clauses, CTEs, UNION and its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, call, whole_of
from tailrace.transpile.to_bigquery import grouping
from tailrace.transpile.to_bigquery.ordering import keys, statement_keys

_CLAUSES = ("from_", "joins", "where", "having", "qualify", "windows")


def query(w: Writer, node: exp.Expr, names: list[str]) -> exp.Expr:
    """A query; `names` are given to its columns from outside, which BigQuery writes inside."""
    if isinstance(node, exp.SetOperation):
        return _set_operation(w, node, names)
    if isinstance(node, exp.Select):
        return _select(w, node, names)
    if isinstance(node, exp.Values):
        source = w.write(node)
        return exp.select("*").from_(source)
    return w.write(node)


def select(w: Writer, node: exp.Select) -> exp.Expr:
    return _select(w, node, [])


def set_operation(w: Writer, node: exp.SetOperation) -> exp.Expr:
    return _set_operation(w, node, [])


def _select(w: Writer, node: exp.Select, names: list[str]) -> exp.Expr:
    arguments: dict[str, Any] = {}
    if node.args.get("with_") is not None:
        arguments["with_"] = with_ctes(w, node.args["with_"])
    for key in _CLAUSES[:2]:  # what FROM brings is known before columns are written
        value = node.args.get(key)
        if value:
            arguments[key] = w.all(value) if isinstance(value, list) else w.write(value)
    _no_reuse(w, node)
    arguments["expressions"] = _selected(w, node, names)
    for key in _CLAUSES[2:]:
        value = node.args.get(key)
        if value:
            arguments[key] = w.all(value) if isinstance(value, list) else w.write(value)
    if node.args.get("group") is not None:
        arguments["group"] = _group(w, node.args["group"])
    if node.args.get("distinct") is not None:
        _distinct(w, node, arguments)
    arguments |= tail(w, node)
    if not arguments["expressions"]:
        arguments["expressions"] = [exp.Star()]
    if "from_" not in arguments and any(key in arguments for key in ("where", "group", "having", "qualify")):
        one = exp.Array(
            expressions=[exp.Literal.number(1)]
        )  # BigQuery filters nothing that comes from nowhere
        arguments["from_"] = exp.From(this=exp.Unnest(expressions=[one]))
    return exp.Select(**arguments)


def _selected(w: Writer, node: exp.Select, names: list[str]) -> list[exp.Expr]:
    found = []
    for index, item in enumerate(node.expressions):
        written = _item(w, item)
        if index < len(names):
            written = exp.alias_(
                written.this if isinstance(written, exp.Alias) else written,
                names[index],
                quoted=not names[index].isidentifier(),
            )
        found.append(written)
    if names and any(
        isinstance(item, exp.Star) or isinstance(item.this, exp.Star) for item in node.expressions
    ):
        w.refuse(
            node, "names for the columns of a star have no counterpart", "Name the columns in the SELECT"
        )
    return found


def _item(w: Writer, item: exp.Expr) -> exp.Expr:
    inner = item.this if isinstance(item, exp.Alias) else item
    if isinstance(inner, exp.Anonymous) and inner.this == "unnest":
        fix = "Join it: SELECT x FROM t, unnest(t.items) AS u(x)"
        return w.refuse(inner, "unnest() in SELECT has no counterpart", fix)
    if isinstance(item, exp.Alias) and any(sign in item.alias for sign in '!"$()*,./;?@[\\]^`{}~'):
        return w.refuse(
            item.args["alias"], f"BigQuery takes no column {item.alias!r}", "Use letters, digits and _"
        )
    return w.write(item)


def _no_reuse(w: Writer, node: exp.Select) -> None:
    """An alias that is used beside or below its definition: BigQuery would look for a column of that name."""
    aliases: dict[str, exp.Alias] = {}
    places: list[exp.Expr] = [*node.expressions, *([node.args["where"]] if node.args.get("where") else [])]
    for item in places:
        for column in item.find_all(exp.Column):
            alias = aliases.get(column.name.lower())
            if alias is None or column.table or column.find_ancestor(exp.Select) is not node:
                continue
            fix = f"Put {column.name} into a CTE of its own, or write t.{column.name} if a column is meant"
            w.refuse(
                column, f"{column.name} names what this SELECT defines, which BigQuery does not see here", fix
            )
        if isinstance(item, exp.Alias) and not _reads(item.this, item.alias):
            aliases[item.alias.lower()] = item


def _reads(node: exp.Expr, name: str) -> bool:
    """Whether an expression reads a column of that name, so that there is one: then it, not the alias, is meant in both."""
    return any(column.name.lower() == name.lower() for column in node.find_all(exp.Column))


def with_ctes(w: Writer, node: exp.With) -> exp.Expr:
    """WITH, the names behind a CTE's own written inside it."""
    ctes = []
    for cte in node.expressions:
        alias = cte.args["alias"]
        if cte.args.get("key_expressions"):
            w.refuse(cte, "USING KEY has no counterpart", "Write a plain WITH RECURSIVE")
        written = query(w, cte.this, [column.name for column in alias.columns])
        ctes.append(exp.CTE(this=written, alias=exp.TableAlias(this=alias.this.copy())))
    return exp.With(expressions=ctes, recursive=bool(node.args.get("recursive")))


def _group(w: Writer, node: exp.Group) -> exp.Expr:
    if node.args.get("all"):
        return exp.Group(all=True)
    for item in grouping.keys_of(node):
        if isinstance(item, exp.Column) and not item.table and _is_ambiguous(node.parent, item.name.lower()):
            fix = f"Write GROUP BY t.{item.name}, or the result column's number"
            w.refuse(
                item, f"{item.name} is a column and a result column: the engines may group by either", fix
            )
    return grouping.written(w, node)


def _is_ambiguous(select: exp.Expr | None, name: str) -> bool:
    """Whether a name is given to an expression over a column of that very name."""
    items = select.expressions if isinstance(select, exp.Select) else []
    return any(
        isinstance(item, exp.Alias)
        and item.alias.lower() == name
        and not isinstance(item.this, exp.Column)
        and _reads(item.this, name)
        for item in items
    )


def _distinct(w: Writer, node: exp.Select, arguments: dict[str, Any]) -> None:
    """DISTINCT ON is the first row of each group, in the query's order."""
    on = node.args["distinct"].args.get("on")
    if on is None:
        arguments["distinct"] = exp.Distinct()
        return
    order = node.args.get("order")
    if order is None:
        w.refuse(on, "DISTINCT ON without ORDER BY takes any row", "Say which row: ORDER BY ...")
        return
    if node.args.get("group") is not None or any(_needs_output(node, key.this) for key in order.expressions):
        w.refuse(
            on,
            "this DISTINCT ON has no counterpart",
            "Write QUALIFY row_number() OVER (PARTITION BY ... ORDER BY ...) = 1",
        )
        return
    parts = on.expressions if isinstance(on, exp.Tuple) else [on.this if isinstance(on, exp.Paren) else on]
    window = exp.Window(
        this=call("ROW_NUMBER"),
        over="OVER",
        partition_by=w.all(parts),
        order=exp.Order(expressions=keys(w, order.expressions)),
    )
    first: exp.Expr = exp.EQ(this=window, expression=exp.Literal.number(1))
    if "qualify" in arguments:
        first = exp.And(this=exp.paren(arguments["qualify"].this), expression=first)
    arguments["qualify"] = exp.Qualify(this=first)


def _needs_output(node: exp.Select, key: exp.Expr) -> bool:
    """Whether a key is the number or the name of a result column, which a window cannot see."""
    names = {
        item.alias.lower()
        for item in node.expressions
        if isinstance(item, exp.Alias) and not _reads(item.this, item.alias)
    }
    return isinstance(key, exp.Literal | exp.Var) or any(
        column.name.lower() in names for column in key.find_all(exp.Column)
    )


def tail(w: Writer, node: exp.Expr) -> dict[str, Any]:
    """ORDER BY, LIMIT and OFFSET of a query."""
    found: dict[str, Any] = {}
    order = node.args.get("order")
    if order is not None:
        found["order"] = exp.Order(expressions=_order(w, node, order))
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if limit is not None:
        options = limit.args.get("limit_options")
        if not isinstance(limit, exp.Limit) or options is not None or whole_of(limit.expression) is None:
            fix = "Write a number, or QUALIFY row_number() OVER (...) <= n"
            w.refuse(
                w.places.word(limit, "LIMIT", "FETCH"),
                "LIMIT of other than a whole number has no counterpart",
                fix,
            )
        else:
            found["limit"] = exp.Limit(expression=w.write(limit.expression))
    if offset is not None:
        if limit is None or whole_of(offset.expression) is None:
            w.refuse(
                w.places.word(offset, "OFFSET"),
                "OFFSET needs a LIMIT in BigQuery, both as numbers",
                "Add LIMIT",
            )
        else:
            found["offset"] = exp.Offset(expression=w.write(offset.expression))
    return found


def _order(w: Writer, node: exp.Expr, order: exp.Order) -> list[exp.Expr]:
    first = order.expressions[0]
    if isinstance(first.this, exp.Var) and first.this.name.upper() == "ALL":
        selected = node.selects if isinstance(node, exp.Query) else []
        if any(isinstance(item, exp.Star) or isinstance(item.this, exp.Star) for item in selected):
            w.refuse(
                w.places.word(node, "ORDER"),
                "ORDER BY ALL over a star has no counterpart",
                "Name the columns",
            )
            return []
        down, nulls = bool(first.args.get("desc")), bool(first.args.get("nulls_first"))
        return [
            exp.Ordered(this=exp.Literal.number(index + 1), desc=down or None, nulls_first=nulls)
            for index in range(len(selected))
        ]
    return statement_keys(w, order.expressions)


def _set_operation(w: Writer, node: exp.SetOperation, names: list[str]) -> exp.Expr:
    word = type(node).__name__.upper()
    distinct = bool(node.args.get("distinct"))
    if not distinct and not isinstance(node, exp.Union):
        w.refuse(
            w.places.word(node.expression, word),
            f"{word} ALL has no counterpart",
            f"Write {word}, or count the rows",
        )
    if isinstance(node, exp.Intersect) and any(
        isinstance(side, exp.SetOperation) for side in (node.this, node.expression)
    ):
        fix = "Put parentheses around the part that comes first"
        w.refuse(
            w.places.word(node.expression, word),
            "INTERSECT among others without parentheses is read differently",
            fix,
        )
    arguments: dict[str, Any] = {
        "this": _side(w, node, node.this, names),
        "expression": _side(w, node, node.expression, []),
        "distinct": distinct,
    }
    if node.args.get("by_name"):
        arguments |= {"by_name": True, "side": "FULL", "kind": "OUTER"}
    if node.args.get("with_") is not None:
        arguments["with_"] = with_ctes(w, node.args["with_"])
    return type(node)(**arguments, **tail(w, node))


def _side(w: Writer, node: exp.SetOperation, side: exp.Expr, names: list[str]) -> exp.Expr:
    """BigQuery wants parentheses between set operations of different kinds."""
    written = query(w, side, names)
    mixed = isinstance(side, exp.SetOperation) and (
        type(side) is not type(node)
        or bool(side.args.get("distinct")) != bool(node.args.get("distinct"))
        or bool(side.args.get("by_name")) != bool(node.args.get("by_name"))
    )
    return exp.Subquery(this=written) if mixed else written


def star(w: Writer, node: exp.Star) -> exp.Expr:
    if node.args.get("rename"):
        return w.refuse(
            w.places.word(node, "RENAME"),
            "RENAME in a star has no counterpart",
            "Write EXCLUDE (a), and a AS b beside it",
        )
    chosen = node.find_ancestor(exp.Select)
    if chosen is not None and isinstance(node.parent, exp.Select | exp.Column) and _holds_elements(chosen):
        fix = "Name the columns: an element that is a struct would fall into its fields"
        w.refuse(node, "a star over unnest() has no counterpart", fix)
    return w.same(node)


def _holds_elements(node: exp.Select) -> bool:
    sources = [node.args["from_"].this] if node.args.get("from_") is not None else []
    sources += [join.this for join in node.args.get("joins") or []]
    return any(isinstance(source, exp.Unnest) or (isinstance(source, exp.Table) and isinstance(source.this, exp.Anonymous)
               and source.this.this == "unnest") for source in sources)  # fmt: skip


def column(w: Writer, node: exp.Column) -> exp.Expr:
    """A column; of an unnested list the element itself."""
    if isinstance(node.this, exp.Star):
        return exp.Column(this=star(w, node.this), table=node.args["table"].copy())
    table = node.text("table").lower()
    if table in w.elements and w.elements[table].lower() == node.name.lower():
        return exp.column(node.this.copy())
    owner = node.text("db").lower()
    if owner in w.elements and w.elements[owner].lower() == table:  # a field of the element
        return exp.column(node.this.copy(), table=node.args["table"].copy())
    return node.copy()


RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    exp.Select: select, **dict.fromkeys((exp.Union, exp.Except, exp.Intersect), set_operation), exp.Star: star, exp.Column: column,
}  # fmt: skip
