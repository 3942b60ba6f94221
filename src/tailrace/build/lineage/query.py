"""A query's syntax tree to its columns: WITH and set operations; each SELECT is read step by step in select.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from tailrace.build.lineage.expressions import filtered
from tailrace.build.lineage.relation import NONE, Relation, everything, renamed, united
from tailrace.build.lineage.scope import Scope, Source
from tailrace.build.lineage.select import read_select
from tailrace.build.lineage.sources import relation_of

Tables = Callable[[str, str, str], Relation]
"""What is known of a table, by catalog, schema and name as the SQL writes them."""
ROUNDS = 20
"""Of a recursive CTE: each passes a column on by one step, and nearly all are settled after two."""


class Reader:
    """Reads one statement. `kept` are CTEs that stand for models of their own and are never looked into.

    `notes` fill with what could not be decided; `words` are the statement's own, in lower case, to look for rare forms.
    """

    def __init__(
        self, tables: Tables, sql: str, *, lateral_aliases: bool, kept: Mapping[str, Relation]
    ) -> None:
        self.tables = tables
        self.words = sql.lower()
        self.lateral_aliases = lateral_aliases
        self.kept = kept
        self.notes: dict[str, None] = {}

    def scope(self, ctes: Mapping[str, Relation], outer: Scope | None = None) -> Scope:
        return Scope(ctes, self.notes, outer, lateral=self.lateral_aliases)

    def read(self, tree: exp.Expr) -> Relation:
        """The columns of a whole statement."""
        return self.query(tree, self.kept, None)

    def query(self, tree: exp.Expr, ctes: Mapping[str, Relation], outer: Scope | None) -> Relation:
        """`ctes` are seen from here; `outer` is the query whose columns a correlated one may name."""
        ctes = self._ctes(tree, ctes, outer)
        if isinstance(tree, exp.Select):
            return read_select(self, tree, self.scope(ctes, outer))
        if isinstance(tree, exp.SetOperation):
            return self._cut(tree, self.scope(ctes, outer), self._set_operation(tree, ctes, outer))
        if (
            isinstance(tree, exp.Subquery)
            and isinstance(tree.this, exp.Query)
            and not tree.args.get("pivots")
        ):
            return self._cut(tree, self.scope(ctes, outer), self.query(tree.this, ctes, outer))
        return relation_of(self, tree, self.scope(ctes, outer))

    def _ctes(
        self, tree: exp.Expr, ctes: Mapping[str, Relation], outer: Scope | None
    ) -> Mapping[str, Relation]:
        with_ = tree.args.get("with_")
        if with_ is None:
            return ctes
        seen = dict(ctes)
        for cte in with_.expressions:
            name = cte.alias.lower()
            if name in self.kept:
                continue
            names = [column.name for column in cte.args["alias"].columns]
            if with_.recursive and isinstance(cte.this, exp.SetOperation):
                self._recursive(cte, names, seen, outer)
            else:
                seen[name] = renamed(self.query(cte.this, seen, outer), names)
        return seen

    def _recursive(
        self, cte: exp.CTE, names: list[str], seen: dict[str, Relation], outer: Scope | None
    ) -> None:
        """The arm before UNION first; then the whole over what is known so far, until nothing is added."""
        name = cte.alias.lower()
        seen[name] = renamed(self.query(cte.this.left, seen, outer), names)
        for _ in range(ROUNDS):
            before, seen[name] = seen[name], renamed(self.query(cte.this, seen, outer), names)
            if _refs(before) == _refs(seen[name]):
                return

    def _set_operation(
        self, tree: exp.SetOperation, ctes: Mapping[str, Relation], outer: Scope | None
    ) -> Relation:
        arms = [self.query(arm, ctes, outer) for arm in _arms(tree)]
        by_name = bool(tree.args.get("by_name"))
        filters = NONE.union(*(arm.filters for arm in arms))
        if tree.args.get("distinct") or not isinstance(tree, exp.Union):  # whole rows are compared
            filters = filters.union(*(everything([arm.whole()]) for arm in arms))
        if isinstance(tree, exp.Except):
            return Relation(arms[0].columns, arms[0].rest, filters)
        found = united(arms, by_name=by_name)
        if not by_name and found.rest:
            self.notes["a UNION of tables whose columns are not known is matched by name"] = None
        return Relation(found.columns, found.rest, filters)

    def _cut(self, tree: exp.Expr, scope: Scope, found: Relation) -> Relation:
        """ORDER BY chooses rows where a LIMIT follows it."""
        if not (tree.args.get("limit") or tree.args.get("offset")):
            return found
        scope.sources.append(Source("", found))
        order = filtered(self, tree.args.get("order"), scope)
        return Relation(found.columns, found.rest, found.filters | order)


def _refs(relation: Relation) -> tuple[object, ...]:
    """What of a relation can still grow."""
    found = [(output.direct, output.indirect) for output in relation.columns.values()]
    return relation.filters, relation.rest, found


def _arms(tree: exp.SetOperation) -> list[exp.Expr]:
    """The queries of a chain of the same operation, first to last; a long chain nests to the left."""
    arms: list[exp.Expr] = []
    left: exp.Expr = tree
    while isinstance(left, exp.SetOperation) and (left is tree or _same(left, tree)):
        arms.append(left.expression)
        left = left.this
    return [left, *reversed(arms)]


def _same(left: exp.SetOperation, tree: exp.SetOperation) -> bool:
    plain = not any(left.args.get(key) for key in ("with_", "limit", "offset"))
    alike = all(left.args.get(key) == tree.args.get(key) for key in ("distinct", "by_name"))
    return plain and alike and type(left) is type(tree) and isinstance(tree, exp.Union)
