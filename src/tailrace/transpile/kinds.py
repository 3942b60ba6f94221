"""What type an expression has, as far as the SQL alone tells: by its literals, casts and functions, through CTEs and subqueries."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from tailrace.transpile.signatures import (
    BOOL,
    BYTES,
    DATE,
    DOUBLE,
    FUNCTIONS,
    INSTANTS,
    INT,
    INTERVAL,
    JSON,
    NULL,
    NUMBERS,
    OF_ALL,
    OF_FIRST,
    TEXT,
    TIME,
    TIMESTAMP,
    UNKNOWN,
    ZONED,
    Kind,
)

Columns = dict[str, "Kind"]


_T = exp.DType
_TYPES: dict[exp.DType, Kind] = {
    **dict.fromkeys((_T.TINYINT, _T.SMALLINT, _T.INT, _T.BIGINT, _T.UTINYINT, _T.USMALLINT, _T.UINT, _T.UBIGINT, _T.INT128, _T.UINT128), INT),
    **dict.fromkeys((_T.FLOAT, _T.DOUBLE), DOUBLE),
    **dict.fromkeys((_T.TEXT, _T.VARCHAR, _T.CHAR), TEXT),
    **dict.fromkeys((_T.TIMESTAMP, _T.TIMESTAMPNTZ, _T.TIMESTAMP_S, _T.TIMESTAMP_MS, _T.TIMESTAMP_NS, _T.DATETIME), TIMESTAMP),
    _T.TIMESTAMPTZ: ZONED, _T.BOOLEAN: BOOL, _T.DATE: DATE, _T.TIME: TIME, _T.JSON: JSON, _T.BLOB: BYTES, _T.VARBINARY: BYTES,
    _T.INTERVAL: INTERVAL,
}  # fmt: skip


def kind_of_type(to: exp.DataType) -> Kind:
    """The kind that a type's name stands for."""
    if to.this in (_T.DECIMAL, _T.BIGDECIMAL):
        scales = [int(part.name) for part in to.expressions[1:2] if part.name.isdigit()]
        return Kind("decimal", scales[0] if scales else 0 if to.expressions else -1)
    if to.this in (_T.ARRAY, _T.LIST):
        inner = to.expressions[0] if to.expressions else None
        return Kind("list", item=kind_of_type(inner) if isinstance(inner, exp.DataType) else UNKNOWN)
    return _TYPES.get(to.this, UNKNOWN) if isinstance(to.this, exp.DType) else UNKNOWN


_BOOLEAN = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between, exp.Like, exp.ILike, exp.SimilarTo, exp.Not,
    exp.And, exp.Or, exp.Exists, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Boolean, exp.RegexpFullMatch, exp.Escape, exp.StartsWith,
)  # fmt: skip


class Kinds:
    """Kinds of every node of a tree, by the node itself."""

    def __init__(self, tree: exp.Expr, tables: Mapping[str, Columns] | None = None) -> None:
        self._found: dict[int, Kind] = {}
        self._tables = tables or {}
        self.outputs: dict[int, Columns] = {}
        """By source (a table, a subquery, ...): the columns that are known of it."""
        if isinstance(tree, exp.Query):
            self._query(tree, {})
        else:
            self._statement(tree)

    def columns_of(self, table: exp.Expr) -> Columns:
        """What is known of a table's columns from outside the SQL."""
        name = f"{table.text('db')}.{table.name}" if table.text("db") else table.name
        return dict(self._tables.get(name.lower(), {}))

    def _statement(self, tree: exp.Expr) -> None:
        """INSERT, DELETE and their kind: the tables they name, then all else over these."""
        ctes = self._ctes(tree, {})
        from_ = tree.args.get("from_")
        named = [tree.args.get("this"), tree.args.get("using"), from_.this if from_ is not None else None]
        sources: dict[str, Columns] = {}
        tables = [one for part in named for one in (part if isinstance(part, list) else [part])]
        for table in tables:
            if isinstance(table, exp.Table | exp.Subquery):
                sources[table.alias_or_name.lower()] = self._source(table, sources, ctes)
        for child in tree.iter_expressions():
            if not any(child is table for table in tables):
                self._kind(child, sources, ctes)

    def of(self, node: object) -> Kind:
        return self._found.get(id(node), UNKNOWN)

    def _query(self, node: exp.Expr, ctes: Mapping[str, Columns]) -> Columns:
        seen = self._ctes(node, ctes)
        if isinstance(node, exp.SetOperation):
            left, right = self._query(node.left, seen), self._query(node.right, seen)
            self._rest(node, {}, seen)
            if node.args.get("by_name"):
                return {
                    name: _common(left.get(name, NULL), right.get(name, NULL)) for name in {**left, **right}
                }
            aligned = len(left) == len(right) and not (_starred(node.left) or _starred(node.right))
            others = [*right.values()] if aligned else [UNKNOWN] * len(left)
            return {
                name: _common(kind, other) for (name, kind), other in zip(left.items(), others, strict=True)
            }
        if isinstance(node, exp.Subquery):
            return _renamed(self._query(node.this, seen), node.args.get("alias"))
        if isinstance(node, exp.Select):
            return self._select(node, seen)
        if isinstance(node, exp.Values):
            return self._values(node, {}, seen)
        self._rest(node, {}, seen)
        return {}

    def _ctes(self, node: exp.Expr, ctes: Mapping[str, Columns]) -> dict[str, Columns]:
        """Those that a query sees, its own WITH among them."""
        seen = dict(ctes)
        with_ = node.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            columns = self._query(cte.this, seen)
            seen[cte.alias.lower()] = _renamed(columns, cte.args.get("alias"))
        return seen

    def _select(self, node: exp.Select, ctes: Mapping[str, Columns]) -> Columns:
        sources: dict[str, Columns] = {}
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

    def _source(self, node: exp.Expr, sources: Mapping[str, Columns], ctes: Mapping[str, Columns]) -> Columns:
        if isinstance(node, exp.Subquery):
            columns = self._query(node, ctes)
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
        self.outputs[id(node)] = columns
        return columns

    def _values(
        self, node: exp.Values, sources: Mapping[str, Columns], ctes: Mapping[str, Columns]
    ) -> Columns:
        rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
        told = [[self._kind(value, sources, ctes) for value in row] for row in rows]
        alias = node.args.get("alias")
        names = [column.name.lower() for column in alias.columns] if alias is not None else []
        names = names or [f"col{index}" for index in range(len(rows[0]))]
        return {name: _common(*column) for name, column in zip(names, zip(*told, strict=False), strict=False)}

    def _series(self, call: exp.Anonymous) -> Kind:
        firsts = {self.of(argument).name for argument in call.expressions[:2]}
        return TIMESTAMP if firsts & {"date", *INSTANTS} else INT if firsts == {"int"} else UNKNOWN

    def _rest(self, node: exp.Expr, sources: Mapping[str, Columns], ctes: Mapping[str, Columns]) -> None:
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

    def _kinds_within(
        self, node: exp.Expr, sources: Mapping[str, Columns], ctes: Mapping[str, Columns]
    ) -> None:
        for child in node.iter_expressions():
            self._kind(child, sources, ctes)

    def _kind(self, node: exp.Expr, sources: Mapping[str, Columns], ctes: Mapping[str, Columns]) -> Kind:
        if isinstance(node, exp.Query):
            inner = self._query(node, {**ctes})
            self._correlated(node, sources, ctes)
            kind = next(iter(inner.values())) if len(inner) == 1 else UNKNOWN
        else:
            self._kinds_within(node, sources, ctes)
            kind = self._own(node, sources)
        self._found[id(node)] = kind
        return kind

    def _correlated(
        self, node: exp.Query, sources: Mapping[str, Columns], ctes: Mapping[str, Columns]
    ) -> None:
        """Columns of the query around a subquery, which the subquery itself does not know."""
        for column in node.find_all(exp.Column):
            if self.of(column) == UNKNOWN and column.text("table").lower() in sources:
                self._kind(column, sources, ctes)

    def _own(self, node: exp.Expr, sources: Mapping[str, Columns]) -> Kind:
        if isinstance(node, exp.Column):
            return _column(node, sources)
        if isinstance(node, exp.Literal):
            return self._literal(node)
        if isinstance(node, exp.Cast):
            return kind_of_type(node.to)
        if isinstance(node, _BOOLEAN):
            return BOOL
        if isinstance(node, exp.Binary):
            return self._binary(node)
        if isinstance(node, exp.Anonymous):
            return self._call(node)
        return self._composed(node)

    def _literal(self, node: exp.Literal) -> Kind:
        return literal_kind(node)

    def _composed(self, node: exp.Expr) -> Kind:
        if isinstance(node, exp.Case):
            results = [branch.args["true"] for branch in node.args["ifs"]]
            default = node.args.get("default")
            return _common(*(self.of(result) for result in [*results, *([default] if default else [])]))
        if isinstance(node, exp.Array):
            return Kind("list", item=_common(*(self.of(item) for item in node.expressions)))
        if isinstance(node, exp.Null):
            return NULL
        if isinstance(node, exp.AtTimeZone):
            return {"timestamptz": TIMESTAMP, "timestamp": ZONED, "date": ZONED}.get(
                self.of(node.this).name, UNKNOWN
            )
        if isinstance(node, exp.Interval):
            return INTERVAL
        if isinstance(node, exp.Extract):
            return DOUBLE if node.name.upper() in ("EPOCH", "JULIAN") else INT
        if isinstance(
            node, exp.Substring | exp.Trim | exp.ByteString | exp.RawString | exp.JSONExtractScalar
        ):
            return TEXT
        if isinstance(node, exp.StrPosition):
            return INT
        if isinstance(node, exp.JSONExtract):
            return JSON
        if isinstance(node, exp.Bracket):
            return self.of(node.this).item or UNKNOWN
        if isinstance(node, exp.Pow):
            return DOUBLE
        single = (
            exp.Alias,
            exp.Paren,
            exp.Neg,
            exp.Filter,
            exp.Window,
            exp.IgnoreNulls,
            exp.RespectNulls,
            exp.Ordered,
            exp.Order,
            exp.Distinct,
        )
        if isinstance(node, single):
            inner = node.this if isinstance(node.this, exp.Expr) else next(iter(node.expressions), None)
            return self.of(inner)
        return UNKNOWN

    def _binary(self, node: exp.Binary) -> Kind:
        left, right = self.of(node.left), self.of(node.right)
        if isinstance(node, exp.Div | exp.Pow):
            return DOUBLE
        if isinstance(node, exp.DPipe):
            return left if left.name == "list" else right if right.name == "list" else TEXT
        if isinstance(node, exp.Add | exp.Sub):
            if "interval" in (left.name, right.name):
                other = left if right.name == "interval" else right
                return other if other.name in ("timestamptz", "interval", "time") else TIMESTAMP
            if isinstance(node, exp.Sub) and left.name == right.name == "date":
                return INT
            if "date" in (left.name, right.name):
                return DATE
            if isinstance(node, exp.Sub) and {left.name, right.name} & set(INSTANTS):
                return INTERVAL
        if isinstance(node, exp.Mul) and "interval" in (left.name, right.name):
            return INTERVAL
        return _common(left, right)

    def _call(self, node: exp.Anonymous) -> Kind:
        name, arguments = str(node.this), node.expressions
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        first = self.of(arguments[0]) if arguments else UNKNOWN
        if name in OF_FIRST:
            return first
        if name in OF_ALL:
            return _common(*(self.of(argument) for argument in arguments))
        if name in ("date_trunc", "datetrunc"):
            return ZONED if len(arguments) > 1 and self.of(arguments[1]) == ZONED else TIMESTAMP
        if name == "date_add":
            return ZONED if first == ZONED else TIMESTAMP
        if name == "epoch_ms":
            return INT if first.name in ("date", *INSTANTS) else TIMESTAMP
        if name in ("list", "array_agg", "list_value"):
            return Kind("list", item=first)
        if name == "if":
            return _common(*(self.of(argument) for argument in arguments[1:]))
        return self._number(name, first)

    def _number(self, name: str, first: Kind) -> Kind:
        if name == "sum":
            return (
                Kind("decimal")
                if first.name == "decimal"
                else INT
                if first.name in ("int", "bool")
                else first
            )
        if name in ("ceil", "ceiling", "floor"):
            return (
                Kind("decimal", 0)
                if first.name == "decimal"
                else DOUBLE
                if first.name in NUMBERS
                else UNKNOWN
            )
        if name in ("round", "mod", "fmod"):
            return Kind("decimal") if first.name == "decimal" else first
        return UNKNOWN


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


def _column(node: exp.Column, sources: Mapping[str, Columns]) -> Kind:
    name, table = node.name.lower(), node.text("table").lower()
    if table:
        return sources.get(table, {}).get(name, UNKNOWN)
    found = [columns[name] for columns in sources.values() if name in columns]
    return found[0] if len(found) == 1 else UNKNOWN


def literal_kind(node: exp.Literal) -> Kind:
    if node.is_string:
        return TEXT
    text = node.name.lower()
    if "e" in text:
        return DOUBLE
    return Kind("decimal", len(text.partition(".")[2])) if "." in text else INT


def _common(*kinds: Kind) -> Kind:
    """The kind of a value that is one of several; NULL fits all."""
    told = {kind for kind in kinds if kind.name != "null"}
    if len(told) == 1:
        return told.pop()
    if not told:
        return NULL
    names = {kind.name for kind in told}
    if names in ({"decimal"}, {"int", "decimal"}):
        return Kind("decimal")
    return DOUBLE if names <= set(NUMBERS) else TIMESTAMP if names == {"date", "timestamp"} else UNKNOWN
