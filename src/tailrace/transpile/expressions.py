"""What type an expression has, by the types of its parts."""

from __future__ import annotations

from sqlglot import exp

from tailrace.transpile.signatures import (
    BOOL,
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
    TIMESTAMP,
    UNKNOWN,
    ZONED,
    Kind,
)
from tailrace.transpile.types import common, kind_of_type, literal_kind, whole_literal

Columns = dict[str, Kind]


class Sources(dict[str, Columns]):
    """What FROM brings, by alias; `outer` is what the query around a subquery sees."""

    def __init__(self, outer: Sources | None = None) -> None:
        super().__init__()
        self.outer = outer

    def column(self, name: str, table: str) -> Kind:
        """The kind of a column; the nearest query that may mean it counts."""
        if table:
            if table in self:
                return self[table].get(name, UNKNOWN)
            field = self._field(table, name)
            return field or (self.outer.column(name, table) if self.outer is not None else UNKNOWN)
        found = {columns[name] for columns in self.values() if name in columns}
        if len(found) == 1:
            return found.pop()
        may_be_here = found or any(not columns for columns in self.values())
        return UNKNOWN if may_be_here or self.outer is None else self.outer.column(name, "")

    def _field(self, column: str, name: str) -> Kind | None:
        """`s.a` of a struct `s`."""
        kind = self.column(column, "") if any(column in columns for columns in self.values()) else UNKNOWN
        return dict(kind.fields).get(name)


_BOOLEAN = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between, exp.Like, exp.ILike, exp.SimilarTo, exp.Not,
    exp.And, exp.Or, exp.Exists, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Boolean, exp.RegexpFullMatch, exp.Escape, exp.StartsWith,
)  # fmt: skip


class Expressions:
    """Kinds of every node of a tree, by the node itself."""

    def __init__(self) -> None:
        self._found: dict[int, Kind] = {}

    def of(self, node: object) -> Kind:
        return self._found.get(id(node), UNKNOWN)

    def own(self, node: exp.Expr, sources: Sources) -> Kind:
        if isinstance(node, exp.Column):
            return sources.column(node.name.lower(), node.text("table").lower())
        if isinstance(node, exp.Literal):
            return self._literal(node)
        if isinstance(node, exp.Cast):
            return kind_of_type(node.to)
        if isinstance(node, _BOOLEAN):
            return BOOL
        if isinstance(node, exp.JSONExtract | exp.JSONExtractScalar):
            return TEXT if isinstance(node, exp.JSONExtractScalar) else JSON
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
            return common(*(self.of(result) for result in [*results, *([default] if default else [])]))
        if isinstance(node, exp.Array):
            return Kind("list", item=common(*(self.of(item) for item in node.expressions)))
        if isinstance(node, exp.Struct):
            fields = [
                (f.this.name.lower(), self.of(f.expression))
                for f in node.expressions
                if isinstance(f, exp.PropertyEQ)
            ]
            return Kind("struct", fields=tuple(fields))
        if isinstance(node, exp.Dot):
            return dict(self.of(node.this).fields).get(node.expression.name.lower(), UNKNOWN)
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
        if isinstance(node, exp.Substring | exp.Trim | exp.ByteString | exp.RawString):
            return TEXT
        if isinstance(node, exp.StrPosition):
            return INT
        if isinstance(node, exp.Bracket):
            whole, name = self.of(node.this), node.expressions[0]
            return (
                dict(whole.fields).get(name.name.lower(), UNKNOWN) if whole.fields else whole.item or UNKNOWN
            )
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
        if "decimal" in (left.name, right.name) and {left.name, right.name} <= {"decimal", "int"}:
            scales = [kind.scale for kind in (left, right) if kind.name == "decimal"]
            both = -1 if min(scales) < 0 else sum(scales) if isinstance(node, exp.Mul) else max(scales)
            return Kind("decimal", both)
        return common(left, right)

    def _call(self, node: exp.Anonymous) -> Kind:
        name, arguments = str(node.this), node.expressions
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        first = self.of(arguments[0]) if arguments else UNKNOWN
        if name in OF_FIRST:
            return first
        if name in OF_ALL:
            return common(*(self.of(argument) for argument in arguments))
        if name in ("date_trunc", "datetrunc"):
            return ZONED if len(arguments) > 1 and self.of(arguments[1]) == ZONED else TIMESTAMP
        if name == "date_add":
            return ZONED if first == ZONED else TIMESTAMP
        if name == "epoch_ms":
            return INT if first.name in ("date", *INSTANTS) else TIMESTAMP
        if name in ("list", "array_agg", "list_value"):
            return Kind("list", item=first)
        if name == "if":
            return common(*(self.of(argument) for argument in arguments[1:]))
        return self._number(node, name, first)

    def _number(self, node: exp.Anonymous, name: str, first: Kind) -> Kind:
        if name == "sum":
            return INT if first.name in ("int", "bool") else first
        if name in ("ceil", "ceiling", "floor"):
            return (
                Kind("decimal", 0)
                if first.name == "decimal"
                else DOUBLE
                if first.name in NUMBERS
                else UNKNOWN
            )
        if name == "round" and first.name == "decimal":
            return Kind(
                "decimal", max(0, whole_literal(node.expressions[1])) if len(node.expressions) > 1 else 0
            )
        if name in ("round", "mod", "fmod"):
            return first
        return UNKNOWN
