"""What stands in a FROM: tables, CTEs, subqueries, joins, lists made rows, VALUES, table functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from tailrace.build.lineage.expressions import filtered, gathered
from tailrace.build.lineage.pivots import pivoted
from tailrace.build.lineage.relation import NONE, Output, Part, Refs, Relation, named, renamed
from tailrace.build.lineage.scope import Scope, Source, joined

if TYPE_CHECKING:
    from tailrace.build.lineage.query import Reader

_ONE_SIDE = ("SEMI", "ANTI")


def read_from(reader: Reader, tree: exp.Expr, scope: Scope) -> Refs:
    """Puts every table of the FROM into the scope; gives the columns by which they are joined and were filtered."""
    from_ = tree.args.get("from_")
    filters = _add(reader, from_.this, scope) if from_ is not None else NONE
    for lateral in tree.args.get("laterals") or ():
        filters |= _add(reader, lateral, scope)
    return filters | _join_all(reader, tree, scope)


def _join_all(reader: Reader, tree: exp.Expr, scope: Scope) -> Refs:
    filters = NONE
    for join in tree.args.get("joins") or ():
        filters |= _join(reader, join, scope)
    return filters


def _add(reader: Reader, node: exp.Expr, scope: Scope) -> Refs:
    """One item of a FROM, with what is joined to it inside the same parentheses."""
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table) and not node.alias:
        return _add(reader, node.this, scope)
    source = _source(reader, node, scope)
    scope.sources.append(source)
    return source.relation.filters | _join_all(reader, node, scope)


def _source(reader: Reader, node: exp.Expr, scope: Scope) -> Source:
    alias = node.alias_or_name if isinstance(node, exp.Table) else node.alias
    if node.args.get("pivots"):
        alias = node.args["pivots"][-1].alias or alias
    relation = relation_of(reader, node, scope)
    if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier) and not _is_cte(node, scope):
        schema = f"{node.catalog}.{node.db}" if node.catalog else node.db
        return Source(alias.lower(), relation, schema, node.name)
    return Source(alias.lower(), relation)


def _is_cte(node: exp.Table, scope: Scope) -> bool:
    return not node.db and node.name.lower() in scope.ctes


def _join(reader: Reader, join: exp.Join, scope: Scope) -> Refs:
    before = scope.visible()
    filters = _add(reader, join.this, scope)
    right = scope.sources[len(scope.sources) - 1]
    names = [node.name for node in join.args.get("using") or ()]
    if join.method == "NATURAL" and not names:
        names = _common(before, right, scope)
    for name in names:
        filters |= _merge(name, join, before, right, scope)
    filters |= filtered(reader, join.args.get("on"), scope)
    if join.kind in _ONE_SIDE:
        scope.hide_last()
    return filters


def _common(before: list[Source], right: Source, scope: Scope) -> list[str]:
    """The columns of a NATURAL join."""
    if not all(source.relation.complete for source in [*before, right]):
        scope.note("a NATURAL join of tables whose columns are not known: only known columns are joined")
    left = {name for source in before for name in source.relation.columns}
    return [output.name for name, output in right.relation.columns.items() if name in left]


def _merge(name: str, join: exp.Join, before: list[Source], right: Source, scope: Scope) -> Refs:
    """USING makes one column of two: the left one, the right one of a RIGHT join, either in a FULL one."""
    lowered = name.lower()
    left = scope.merged.get(lowered) or _of_some(name, before, scope)
    other = right.relation.find(name)[0] or Output(name)
    side = join.side.upper()
    merged = other if side == "RIGHT" else joined(name, [left, other]) if side == "FULL" else left
    if join.kind not in _ONE_SIDE:
        scope.merged[lowered] = merged
    return left.direct | left.indirect | other.direct | other.indirect


def _of_some(name: str, before: list[Source], scope: Scope) -> Output:
    listed = [source for source in before if name.lower() in source.relation.columns]
    able = listed or [source for source in before if source.relation.may_hold(name)]
    if len(able) > 1 and not listed:
        scope.note(f"the column {name} of USING may be of several tables whose columns are not known")
    return joined(name, [found for source in able if (found := source.relation.find(name)[0])])


def relation_of(reader: Reader, node: exp.Expr, scope: Scope) -> Relation:
    """One item of a FROM as its columns, its column aliases and pivots applied."""
    relation = _plain(reader, node, scope)
    for pivot in node.args.get("pivots") or ():
        relation = pivoted(reader, pivot, relation, _alias(node), scope)
    return renamed(relation, _column_names(node))


def _alias(node: exp.Expr) -> str:
    return node.alias_or_name if isinstance(node, exp.Table) else node.alias


def _column_names(node: exp.Expr) -> list[str]:
    alias = node.args.get("alias")
    if isinstance(node, exp.Unnest | exp.CTE) or not isinstance(alias, exp.TableAlias):
        return []
    return [column.name for column in alias.columns]


def _plain(reader: Reader, node: exp.Expr, scope: Scope) -> Relation:
    if isinstance(node, exp.Table):
        if not isinstance(node.this, exp.Identifier):
            return _function(reader, node.this, scope)
        if _is_cte(node, scope):
            return scope.ctes[node.name.lower()]
        return reader.tables(node.catalog, node.db, node.name)
    if isinstance(node, exp.Subquery | exp.Lateral) and not isinstance(node.this, exp.Query):
        return _inside(reader, node.this, scope)
    if isinstance(node, exp.Subquery | exp.Lateral):
        return reader.query(node.this, scope.ctes, scope)
    if isinstance(node, exp.Pivot):
        source = _source(reader, node.this, scope)
        return pivoted(reader, node, source.relation, source.alias, scope)
    if isinstance(node, exp.Unnest):
        return _unnest(reader, node, scope)
    if isinstance(node, exp.Values):
        return _values(reader, node, scope)
    return _function(reader, node, scope)


def _inside(reader: Reader, node: exp.Expr, scope: Scope) -> Relation:
    """What stands in parentheses and is no query: a table with its joins, a pivot, VALUES, a function."""
    if not isinstance(node, exp.Table) or not node.args.get("joins"):
        return relation_of(reader, node, scope)
    inner = reader.scope(scope.ctes, scope)
    filters = _add(reader, node, inner)
    outputs = [output for source in inner.visible() for output in source.relation.columns.values()]
    rest = tuple(group for source in inner.visible() for group in source.relation.rest)
    return named(outputs, rest, filters)


def _unnest(reader: Reader, node: exp.Unnest, scope: Scope) -> Relation:
    """A list's elements are computed from it, and so is their number."""
    direct, indirect = gathered(reader, exp.Tuple(expressions=node.expressions), scope)
    alias = node.args.get("alias")
    names = [column.name for column in alias.columns] if alias is not None else []
    offset = node.args.get("offset")
    names = names or ["unnest"]
    if isinstance(offset, exp.Identifier):
        names.append(offset.name)
    elif offset:
        names.append("ordinality")
    refs = frozenset(direct)
    outputs = [Output(name, refs, frozenset(indirect), node) for name in names]
    return named(outputs, filters=refs | frozenset(indirect))


def _values(reader: Reader, node: exp.Values, scope: Scope) -> Relation:
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
    outputs = []
    for place in range(len(rows[0]) if rows else 0):
        cells = [row[place] for row in rows if place < len(row)]
        direct: set[tuple[str, str, str]] = set()
        indirect: set[tuple[str, str, str]] = set()
        for cell in cells:
            found = gathered(reader, cell, scope)
            direct |= found[0]
            indirect |= found[1]
        outputs.append(Output(f"col{place}", frozenset(direct), frozenset(indirect)))
    return named(outputs)


def _function(reader: Reader, node: exp.Expr, scope: Scope) -> Relation:
    """A table function: what it makes comes from its arguments; without any, from the function, such as `read_csv()`."""
    name = _function_name(node)
    direct, indirect = gathered(reader, node, scope)
    refs = frozenset(direct)
    if isinstance(node, exp.GenerateSeries | exp.GenerateDateArray):
        made = "range" if node.args.get("is_end_exclusive") else name
        return named([Output(made, refs, frozenset(indirect), node)], filters=refs | frozenset(indirect))
    part = Part("", "", fixed=refs) if refs else Part("", f"{name}()")
    return Relation({}, ((part,),), refs | frozenset(indirect))


def _function_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    names = node.sql_names() if isinstance(node, exp.Func) else []
    return names[0].lower() if names else node.key.lower()
