"""A normalised SELECT taken apart: what it reads, the columns it makes, the clauses that choose its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from tailrace.plan.query_diff.normal import own_name, terms, text_of

Outputs = Mapping[str, tuple[str, ...]]
"""Column names by CTE; `* of x` stands for the columns of a table that the SQL does not tell."""
STAR = "* of "
LIMITED = "limit or its order"


@dataclass(frozen=True)
class Source:
    """Something in FROM. `how` is the kind of join, `on` its conditions; `query` is what stands there in parentheses."""

    name: str
    how: str
    node: exp.Expr
    on: tuple[exp.Expr, ...] = ()
    query: exp.Query | None = None

    @property
    def text(self) -> str:
        """All but a query's own text, which is compared part by part."""
        if self.query is not None:
            return f"() AS {text_of(self.node.args.get('alias'))} {_texts(self.node.args.get('pivots'))}"
        return text_of(self.node)


@dataclass(frozen=True)
class Projection:
    """One column that a SELECT makes; `node` is None for one that a star brings from `source`."""

    name: str
    text: str
    node: exp.Expr | None
    source: str = ""


def sources_of(select: exp.Select) -> dict[str, Source]:
    """By name; two of one name are told apart by their number."""
    found: dict[str, Source] = {}
    from_ = select.args.get("from_")
    items: list[tuple[str, exp.Expr, tuple[exp.Expr, ...]]] = []
    if from_ is not None:
        items.append(("", from_.this, ()))
    for join in select.args.get("joins") or ():
        on = (*terms(join.args.get("on")), *(join.args.get("using") or ()))
        items.append((_kind(join, on), join.this, on))
    items += [("lateral", lateral, ()) for lateral in select.args.get("laterals") or ()]
    for how, node, on in items:
        inner = node.unnest() if isinstance(node, exp.Subquery) else None
        name = node.alias or own_name(node) or text_of(node)
        while name in found:
            name += "'"
        found[name] = Source(name, how, node, on, inner if isinstance(inner, exp.Query) else None)
    return found


def _kind(join: exp.Join, on: tuple[exp.Expr, ...]) -> str:
    words = [join.method, join.side, join.kind, "using" if join.args.get("using") else ""]
    found = " ".join(word.upper() for word in words if word and word.upper() not in ("INNER", "OUTER"))
    return found or ("INNER" if on else "CROSS")


def projections_of(select: exp.Select, sources: Mapping[str, Source], outputs: Outputs) -> list[Projection]:
    """In order, stars over CTEs and subqueries replaced by their columns."""
    found: list[Projection] = []
    for item in select.expressions:
        star = item if isinstance(item, exp.Star) else item.this if isinstance(item, exp.Column) else None
        if isinstance(star, exp.Star):
            table = item.text("table") if isinstance(item, exp.Column) else ""
            found += _starred(star, table, sources, outputs)
            continue
        inner = item.this if isinstance(item, exp.Alias) else item
        text = text_of(inner)
        found.append(Projection(item.alias_or_name or text, text, inner))
    return found


def _starred(star: exp.Star, table: str, sources: Mapping[str, Source], outputs: Outputs) -> list[Projection]:
    chosen = [one for one in sources.values() if not table or one.name == table]
    columns = [(one.name, column) for one in chosen for column in columns_of(one, outputs)]
    hidden = any(column.startswith(STAR) for _, column in columns) or any(
        "using" in one.how for one in chosen
    )
    edited = star.args.get("except_") or star.args.get("replace") or star.args.get("rename")
    if hidden and (edited or len({one for one, _ in columns}) > 1):
        return [Projection(f"{STAR}{table or 'all'}", text_of(star) + _texts(star.args.get("replace")), star)]
    gone = {one.name for one in star.args.get("except_") or ()}
    replaced = {one.alias: one.this for one in star.args.get("replace") or ()}
    renamed = {one.this.name: one.alias for one in star.args.get("rename") or ()}
    return [
        Projection(renamed.get(column, column), text_of(replaced[column]), replaced[column])
        if column in replaced
        else Projection(renamed.get(column, column), f"{name}.{column}", None, name)
        for name, column in columns
        if column not in gone
    ]


def columns_of(source: Source, outputs: Outputs) -> tuple[str, ...]:
    """The names of a source's columns, as far as the SQL tells them."""
    if source.query is not None:
        return names_of(source.query, outputs)
    return outputs.get(own_name(source.node), (STAR + source.name,))


def names_of(query: exp.Query, outputs: Outputs) -> tuple[str, ...]:
    """The names of a query's columns; a set operation has those of its first SELECT."""
    known = dict(outputs)
    for cte in ctes_of(query):
        known[cte.alias] = cte_names(cte, known)
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if not isinstance(query, exp.Select):
        return (STAR + "query",)
    return tuple(one.name for one in projections_of(query, sources_of(query), known))


def cte_names(cte: exp.CTE, outputs: Outputs) -> tuple[str, ...]:
    """The names of a CTE's columns."""
    named = cte.args["alias"].columns
    if named:
        return tuple(column.name for column in named)
    return names_of(cte.this, outputs) if isinstance(cte.this, exp.Query) else (STAR + cte.alias,)


def ctes_of(query: exp.Query) -> list[exp.CTE]:
    with_ = query.args.get("with_")
    return list(with_.expressions) if with_ is not None else []


def clauses_of(select: exp.Select, columns: list[Projection]) -> dict[str, list[exp.Expr]]:
    """The clauses that choose rows, each as parts whose order does not count; ordinals and ALL replaced by what they stand for."""
    where, having, qualify = (select.args.get(key) for key in ("where", "having", "qualify"))
    found: dict[str, list[exp.Expr]] = {
        "filter": terms(where.this if where else None),
        "grouping": _grouped(select.args.get("group"), columns),
        "HAVING filter": terms(having.this if having else None),
        "QUALIFY filter": terms(qualify.this if qualify else None),
    }
    limited = [one for key in ("limit", "offset") if (one := select.args.get(key)) is not None]
    distinct = select.args.get("distinct")
    order = (
        _pointed(select.args.get("order"), columns)
        if limited or (distinct and distinct.args.get("on"))
        else []
    )
    return {
        **found,
        LIMITED: [*limited, *_in_order(order)],
        "DISTINCT": [distinct] if distinct is not None else [],
        "sample": [one for one in (select.args.get("sample"),) if one is not None],
        "named window": list(select.args.get("windows") or ()),
    }


def _in_order(items: list[exp.Expr]) -> list[exp.Expr]:
    """One part, since the order of an ORDER BY counts."""
    return [exp.Tuple(expressions=items)] if items else []


def _grouped(group: exp.Expr | None, columns: list[Projection]) -> list[exp.Expr]:
    if group is None:
        return []
    if group.args.get("all"):
        return [
            one.node or exp.column(one.name)
            for one in columns
            if one.node is None or not aggregates(one.node)
        ]
    more = [
        part for key in ("cube", "rollup", "grouping_sets") for part in group.args.get(key) or ()
        if isinstance(part, exp.Expr)
    ]  # fmt: skip
    return [*_pointed(group, columns), *more]


def _pointed(clause: exp.Expr | None, columns: list[Projection]) -> list[exp.Expr]:
    """Expressions of a GROUP BY or ORDER BY, with `1` as the first column."""
    found = []
    for item in clause.expressions if clause is not None else ():
        inner = item.this if isinstance(item, exp.Ordered) else item
        number = int(inner.name) if isinstance(inner, exp.Literal) and inner.is_int else 0
        if 0 < number <= len(columns):
            place = columns[number - 1]
            new = (place.node or exp.column(place.name)).copy()
            found.append(exp.Ordered(**{**item.args, "this": new}) if isinstance(item, exp.Ordered) else new)
        else:
            found.append(item)
    return found


def aggregates(node: exp.Expr) -> bool:
    """Whether an expression makes one row of many, windows aside."""
    return any(found.find_ancestor(exp.Window) is None for found in node.find_all(exp.AggFunc))


def _texts(nodes: object) -> str:
    return " ".join(text_of(node) for node in nodes) if isinstance(nodes, list) else ""
