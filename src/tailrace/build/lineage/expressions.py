"""The columns that an expression is computed from, those of its windows and subqueries included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from tailrace.build.lineage.dots import columns_before, walked_on
from tailrace.build.lineage.relation import NONE, Output, Ref, Refs, with_name
from tailrace.build.lineage.scope import First, Scope

if TYPE_CHECKING:
    from tailrace.build.lineage.query import Reader

_PLACES = (exp.Table, exp.Identifier, exp.Literal, exp.DataType)


def gathered(
    reader: Reader, node: exp.Expr, scope: Scope, first: First = "column", bound: frozenset[str] = frozenset()
) -> tuple[set[Ref], set[Ref]]:
    """Direct and indirect columns; `bound` are variables of a list comprehension, which are none."""
    direct: set[Ref] = set()
    indirect: set[Ref] = set()
    stack = [node]
    while stack:
        found = stack.pop()
        if isinstance(found, exp.Column):
            if not (bound and not found.table and found.name.lower() in bound):
                output = scope.column(found, first)
                direct |= output.direct
                indirect |= output.indirect
        elif isinstance(found, exp.Query):
            relation = reader.query(found, scope.ctes, scope)
            output = relation.whole()
            indirect |= relation.filters | output.indirect
            if not isinstance(found.parent, exp.Exists):  # whether there is a row is all that counts
                direct |= output.direct
        elif isinstance(found, exp.Comprehension):
            names = bound | {found.expression.name.lower()}
            stack.append(found.args["iterator"])
            for part in (found.this, found.args.get("condition")):
                if part is not None:
                    inner = gathered(reader, part, scope, first, names)
                    direct |= inner[0]
                    indirect |= inner[1]
        elif isinstance(found, exp.PositionalColumn):
            direct |= _positional(found, scope).direct
        elif isinstance(found, exp.Dot):
            for parts in columns_before(found, bound):
                output = scope.named(parts)
                direct |= output.direct
                indirect |= output.indirect
            stack += walked_on(found)
        elif not isinstance(found, _PLACES):
            if isinstance(found, exp.Window) and found.alias and found is not scope.windows.get(_word(found)):
                stack += [scope.windows[_word(found)]] if _word(found) in scope.windows else []
            stack += found.iter_expressions()
    return direct, indirect


def _word(window: exp.Window) -> str:
    return window.alias.lower()


def _positional(node: exp.PositionalColumn, scope: Scope) -> Output:
    """`#2`: the second column of all that the FROM gives."""
    sources = scope.visible()
    columns = [output for source in sources for output in source.relation.columns.values()]
    place = int(node.this.name) - 1
    if place < len(columns) and all(source.relation.complete for source in sources):
        return columns[place]
    scope.note(f"#{node.this.name} counts columns that are not known: any may be meant")
    return Output(
        node.name, NONE.union(*(source.relation.whole().direct for source in sources)), expression=node
    )


def filtered(reader: Reader, node: exp.Expr | None, scope: Scope, first: First = "column") -> Refs:
    """All columns of a condition or of an ordering."""
    if node is None:
        return NONE
    direct, indirect = gathered(reader, node, scope, first)
    return frozenset(direct | indirect)


def output_of(reader: Reader, item: exp.Expr, scope: Scope) -> Output:
    """One item of a SELECT list: its name, what it comes from, and the expression that computed it last."""
    inner = item.this if isinstance(item, exp.Alias) else item
    name = item.alias if isinstance(item, exp.Alias) else name_of(item)
    while isinstance(inner, exp.Paren):
        inner = inner.this
    if isinstance(inner, exp.Column) and not isinstance(inner.this, exp.Star):
        return with_name(scope.column(inner), name)
    if isinstance(inner, exp.PositionalColumn):
        found = _positional(inner, scope)
        return found if item is inner else with_name(found, name)
    direct, indirect = gathered(reader, inner, scope)
    return Output(name, frozenset(direct), frozenset(indirect), inner)


def name_of(item: exp.Expr) -> str:
    """The name that the engine gives: a column's own, a struct field's, or the expression's text as DuckDB writes it."""
    if isinstance(item, exp.Column):
        return item.name
    if isinstance(item, exp.Dot) and isinstance(item.expression, exp.Identifier):
        return str(item.expression.name)
    if isinstance(item, exp.Count) and isinstance(item.this, exp.Star):
        return "count_star()"
    if isinstance(item, exp.Subquery) and isinstance(item.this, exp.Select) and item.this.expressions:
        return item.this.expressions[0].alias_or_name or name_of(item.this.expressions[0])
    return str(item.sql(dialect="duckdb", normalize_functions="lower", comments=False))
