"""What type an expression has, as far as the SQL alone tells: by its literals, casts and functions, through CTEs and subqueries."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from tailrace.transpile.expressions import Columns, Expressions, Sources
from tailrace.transpile.signatures import INSTANTS, INT, NULL, TEXT, TIMESTAMP, UNKNOWN, Kind
from tailrace.transpile.types import common

NAMED = "tailrace_named"
"""Under this a table notes the name it was written with, where a mark stands in its place."""


class Kinds(Expressions):
    """Kinds of every node of a statement, by the node itself."""

    def __init__(self, tree: exp.Expr, tables: Mapping[str, Columns] | None = None) -> None:
        super().__init__()
        self._tables = tables or {}
        self.outputs: dict[int, Columns] = {}
        """By source (a table, a subquery, ...): the columns that are known of it."""
        if isinstance(tree, exp.Query):
            self._query(tree, {})
        else:
            self._statement(tree)

    def columns_of(self, table: exp.Expr) -> Columns:
        """What is known of a table's columns from outside the SQL."""
        own = str(table.meta.get(NAMED, table.name))
        name = f"{table.text('db')}.{own}" if table.text("db") else own
        return dict(self._tables.get(name.lower(), {}))

    def _statement(self, tree: exp.Expr) -> None:
        """INSERT, DELETE and their kind: the tables they name, then all else over these."""
        ctes = self._ctes(tree, {})
        from_ = tree.args.get("from_")
        named = [tree.args.get("this"), tree.args.get("using"), from_.this if from_ is not None else None]
        sources = Sources()
        tables = [one for part in named for one in (part if isinstance(part, list) else [part])]
        for table in tables:
            if isinstance(table, exp.Table | exp.Subquery):
                sources[table.alias_or_name.lower()] = self._source(table, sources, ctes)
        for child in tree.iter_expressions():
            if not any(child is table for table in tables):
                self._kind(child, sources, ctes)

    def _query(self, node: exp.Expr, ctes: Mapping[str, Columns], outer: Sources | None = None) -> Columns:
        seen = self._ctes(node, ctes)
        if isinstance(node, exp.SetOperation):
            left, right = self._query(node.left, seen, outer), self._query(node.right, seen, outer)
            self._rest(node, Sources(outer), seen)
            if node.args.get("by_name"):
                return {
                    name: common(left.get(name, NULL), right.get(name, NULL)) for name in {**left, **right}
                }
            aligned = len(left) == len(right) and not (_starred(node.left) or _starred(node.right))
            others = [*right.values()] if aligned else [UNKNOWN] * len(left)
            return {
                name: common(kind, other) for (name, kind), other in zip(left.items(), others, strict=True)
            }
        if isinstance(node, exp.Subquery):
            return _renamed(self._query(node.this, seen, outer), node.args.get("alias"))
        if isinstance(node, exp.Select):
            return self._select(node, seen, outer)
        if isinstance(node, exp.Values):
            return self._values(node, Sources(outer), seen)
        self._rest(node, Sources(outer), seen)
        return {}

    def _ctes(self, node: exp.Expr, ctes: Mapping[str, Columns]) -> dict[str, Columns]:
        """Those that a query sees, its own WITH among them."""
        seen = dict(ctes)
        with_ = node.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            columns = self._query(cte.this, seen)
            seen[cte.alias.lower()] = _renamed(columns, cte.args.get("alias"))
        return seen

    def _select(self, node: exp.Select, ctes: Mapping[str, Columns], outer: Sources | None) -> Columns:
        sources = Sources(outer)
        from_ = node.args.get("from_")
        joins = node.args.get("joins") or []
        for source in ([from_.this] if from_ is not None else []) + [join.this for join in joins]:
            sources[source.alias_or_name.lower()] = self._source(source, sources, ctes)
            for inner in source.args.get("joins") or []:
                sources[inner.this.alias_or_name.lower()] = self._source(inner.this, sources, ctes)
        columns: Columns = {}
        for item in node.expressions:
            kind = self._kind(item, sources, ctes)
            if isinstance(item, exp.Star) or (
                isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
            ):
                chosen = (
                    [sources.get(item.text("table").lower(), {})]
                    if item.text("table")
                    else [*sources.values()]
                )
                for source_columns in chosen:
                    columns |= source_columns
                star = item if isinstance(item, exp.Star) else item.this
                columns |= {new.alias.lower(): self.of(new) for new in star.args.get("replace") or ()}
            elif item.alias_or_name:
                columns[item.alias_or_name.lower()] = kind
        self._rest(node, sources, ctes)
        return columns

    def _source(self, node: exp.Expr, sources: Sources, ctes: Mapping[str, Columns]) -> Columns:
        if isinstance(node, exp.Subquery):
            columns = self._query(node, ctes, sources)
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            found = None if node.db else ctes.get(node.name.lower())
            columns = self.columns_of(node) if found is None else dict(found)
        elif isinstance(node, exp.Values):
            columns = self._values(node, sources, ctes)
        elif isinstance(node, exp.Unnest):
            item = self._kind(node.expressions[0], sources, ctes).item or UNKNOWN
            alias = node.args.get("alias")
            columns = {column.name.lower(): item for column in (alias.columns if alias else ())}
        else:
            self._kinds_within(node, sources, ctes)
            columns = {}
            if (
                isinstance(node, exp.Table)
                and isinstance(node.this, exp.Anonymous)
                and (alias := node.args.get("alias"))
            ):
                columns = {column.name.lower(): self._series(node.this) for column in alias.columns}
        columns = _unpivoted(node, columns)
        self.outputs[id(node)] = columns
        return columns

    def _values(self, node: exp.Values, sources: Sources, ctes: Mapping[str, Columns]) -> Columns:
        rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
        told = [[self._kind(value, sources, ctes) for value in row] for row in rows]
        alias = node.args.get("alias")
        names = [column.name.lower() for column in alias.columns] if alias is not None else []
        names = names or [f"col{index}" for index in range(len(rows[0]))]
        return {name: common(*column) for name, column in zip(names, zip(*told, strict=False), strict=False)}

    def _series(self, call: exp.Anonymous) -> Kind:
        firsts = {self.of(argument).name for argument in call.expressions[:2]}
        return TIMESTAMP if firsts & {"date", *INSTANTS} else INT if firsts == {"int"} else UNKNOWN

    def _rest(self, node: exp.Expr, sources: Sources, ctes: Mapping[str, Columns]) -> None:
        """The clauses besides FROM and the select list."""
        for key, value in node.args.items():
            if key in ("with_", "from_", "expressions", "this", "expression"):
                continue
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, exp.Join):
                    for inner in ("on",):
                        if isinstance(part.args.get(inner), exp.Expr):
                            self._kind(part.args[inner], sources, ctes)
                elif isinstance(part, exp.Expr):
                    self._kind(part, sources, ctes)

    def _kinds_within(self, node: exp.Expr, sources: Sources, ctes: Mapping[str, Columns]) -> None:
        for child in node.iter_expressions():
            self._kind(child, sources, ctes)

    def _kind(self, node: exp.Expr, sources: Sources, ctes: Mapping[str, Columns]) -> Kind:
        if isinstance(node, exp.Query):
            inner = self._query(node, ctes, sources)
            kind = next(iter(inner.values())) if len(inner) == 1 else UNKNOWN
        else:
            self._kinds_within(node, sources, ctes)
            kind = self.own(node, sources)
        self._found[id(node)] = kind
        return kind


def _starred(query: exp.Expr) -> bool:
    return any(not isinstance(star.parent, exp.Anonymous) for star in query.find_all(exp.Star))


def _renamed(columns: Columns, alias: exp.Expr | None) -> Columns:
    names = [column.name.lower() for column in alias.args.get("columns") or ()] if alias is not None else []
    return (
        dict(zip(names, columns.values(), strict=False))
        if len(names) == len(columns)
        else columns
        if not names
        else {}
    )


def _unpivoted(node: exp.Expr, columns: Columns) -> Columns:
    """What UNPIVOT makes of a table's columns; those that went are known with a space before their name."""
    for pivot in node.args.get("pivots") or ():
        if pivot.args.get("unpivot") and pivot.args.get("fields"):
            [field] = pivot.args["fields"]
            gone = [column.name.lower() for column in field.expressions]
            values = [columns.get(name, UNKNOWN) for name in gone]
            rest = {name: kind for name, kind in columns.items() if name not in gone}
            spare = {f" {name}": kind for name, kind in columns.items() if name in gone}
            value = pivot.expressions[0].name.lower()
            return {**rest, field.this.name.lower(): TEXT, value: common(*values), **spare} if columns else {}
    return columns
