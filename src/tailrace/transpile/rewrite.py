"""Walks one engine's tree and writes the other's: what no rule and no list here names is refused."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from tailrace.transpile.kinds import Kinds
from tailrace.transpile.places import Places
from tailrace.transpile.problem import Problem
from tailrace.transpile.signatures import Kind


@dataclass
class Writer:
    """One translation: the rules ask it for kinds and translated children, and tell it what cannot be carried over."""

    tree: exp.Expr
    places: Places
    rules: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]]
    engine: str
    """BigQuery or DuckDB: what it is written for."""
    kinds: Kinds
    problems: list[Problem] = field(default_factory=list)
    elements: dict[str, str] = field(default_factory=dict)
    """Aliases of unnested lists: BigQuery's names the element itself."""
    read: Mapping[type[exp.Expr], frozenset[str]] = field(default_factory=dict)
    """The parts that rules look at beside those of READ."""
    exact: bool = False
    """The columns are known: what depends on a type that is still unknown is refused."""

    def kind(self, node: object) -> Kind:
        return self.kinds.of(node)

    def told(self, node: exp.Expr) -> Kind:
        """The kind where a translation depends on it; an unknown one is refused if the columns are known."""
        kind = self.kinds.of(node)
        if self.exact and not kind.name:
            self.refuse(node, f"the type of {_shown(node)} is not known here", "Cast it: CAST(x AS ...)")
        return kind

    def refuse(self, place: exp.Expr | int, message: str, fix: str) -> exp.Expr:
        """Notes a problem; what is returned only fills its place."""
        offset = place if isinstance(place, int) else self.places.of(place)
        found = Problem(offset, message, fix)
        if found not in self.problems:
            self.problems.append(found)
        return exp.Null()

    def write(self, node: exp.Expr) -> exp.Expr:
        """A node in the other engine's words."""
        rule = self.rules.get(type(node))
        if rule is None:
            return self.same(node)
        read = READ.get(type(node), self.read.get(type(node), SAME.get(type(node), frozenset())))
        for part in sorted(_parts(node) - read):
            what = f"{part.strip('_').upper().replace('_', ' ')} of {_shown(node)}"
            self.refuse(node, f"{what} has no counterpart in {self.engine}", "Write it in other words")
        return rule(self, node)

    def same(self, node: exp.Expr) -> exp.Expr:
        """The node as it is, its parts translated; for what both engines read alike."""
        allowed = SAME.get(type(node))
        if allowed is None:
            word, fix = REFUSED.get(type(node), ("", "Write it in other words"))
            word = f"UN{word}" if node.args.get("unpivot") else word
            place = self.places.word(node, word) if word else self.places.of(node)
            return self.refuse(place, f"{word or _shown(node)} has no counterpart in {self.engine}", fix)
        arguments: dict[str, Any] = {}
        for key, value in node.args.items():
            if value is None or value is False or value == []:
                continue
            if key not in allowed:
                what = f"{key.strip('_').upper().replace('_', ' ')} of {_shown(node)}"
                self.refuse(node, f"{what} has no counterpart in {self.engine}", "Write it in other words")
                continue
            arguments[key] = self._part(value)
        return type(node)(**arguments)

    def _part(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._part(part) for part in value]
        return self.write(value) if isinstance(value, exp.Expr) else value

    def all(self, nodes: list[exp.Expr]) -> list[exp.Expr]:
        return [self.write(node) for node in nodes]


def _parts(node: exp.Expr) -> set[str]:
    """The parts of a node that say something."""
    return {
        key for key, value in node.args.items() if value is not None and value is not False and value != []
    }


def _shown(node: exp.Expr) -> str:
    # DuckDB's generator leaves these words out, and logs that it does
    dialect = "" if isinstance(node, exp.IgnoreNulls | exp.RespectNulls) else "duckdb"
    text = " ".join(node.sql(dialect=dialect, unsupported_level=ErrorLevel.IGNORE).split())
    return text if len(text) <= 40 else f"{text[:37]}..."


_A_TYPO = 0.75
"""How alike a name has to be: functions have short names, and any two of those are a little alike."""
_BINARY = frozenset({"this", "expression"})
SAME: dict[type[exp.Expr], frozenset[str]] = {
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.And, exp.Or, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.BitwiseAnd,
                     exp.BitwiseOr, exp.NullSafeEQ, exp.NullSafeNEQ, exp.BitwiseLeftShift, exp.BitwiseRightShift), _BINARY),
    **dict.fromkeys((exp.Not, exp.Neg, exp.Paren, exp.Where, exp.Having, exp.Qualify, exp.BitwiseNot, exp.From), frozenset({"this"})),
    exp.Alias: frozenset({"this", "alias"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Column: frozenset({"this", "table", "db", "catalog"}),
    exp.Boolean: frozenset({"this"}), exp.Null: frozenset(), exp.Var: frozenset({"this"}), exp.Star: frozenset({"except_", "replace"}),
    exp.Case: frozenset({"this", "ifs", "default"}), exp.If: frozenset({"this", "true"}),
    exp.Between: frozenset({"this", "low", "high"}), exp.Exists: frozenset({"this"}), exp.Tuple: frozenset({"expressions"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Limit: frozenset({"expression"}), exp.Offset: frozenset({"expression"}),
    exp.TableAlias: frozenset({"this"}),
}  # fmt: skip
"""What means the same in both, and the parts of it that do."""


_SET_OPERATION = frozenset(
    {"this", "expression", "distinct", "by_name", "side", "kind", "with_", "order", "limit", "offset"}
)
READ: dict[type[exp.Expr], frozenset[str]] = {
    **dict.fromkeys((exp.IntDiv, exp.Mod, exp.Pow, exp.Escape, exp.SimilarTo, exp.RegexpFullMatch, exp.Dot, exp.Extract, exp.Filter, exp.BitwiseXor), _BINARY),
    **dict.fromkeys((exp.RawString, exp.Abs, exp.SafeFunc, exp.RespectNulls), frozenset({"this"})), exp.ByteString: frozenset({"this", "is_bytes"}),
    exp.Div: _BINARY | {"typed", "safe"}, exp.DPipe: _BINARY | {"safe"}, **dict.fromkeys((exp.Like, exp.ILike), _BINARY | {"negate"}),
    exp.In: frozenset({"this", "expressions", "query", "field", "unnest"}), exp.Struct: frozenset({"expressions"}),
    exp.Bracket: frozenset({"this", "expressions", "offset", "safe"}),
    exp.Array: frozenset({"expressions", "bracket_notation", "struct_name_inheritance"}),
    exp.Interval: frozenset({"this", "unit"}), exp.Cast: frozenset({"this", "to"}), exp.TryCast: frozenset({"this", "to", "safe"}),
    exp.AtTimeZone: frozenset({"this", "zone"}), exp.Trim: frozenset({"this", "expression", "position"}),
    exp.Substring: frozenset({"this", "start", "length"}), exp.StrPosition: frozenset({"this", "substr"}),
    exp.JSONExtract: _BINARY | {"only_json_types", "variant_extract"}, exp.JSONExtractScalar: _BINARY | {"only_json_types", "scalar_only"},
    exp.Window: frozenset({"this", "alias", "order", "over", "partition_by", "spec"}),
    exp.Join: frozenset({"this", "kind", "side", "method", "on", "using"}),
    exp.Table: frozenset({"this", "db", "catalog", "alias", "joins", "sample", "pivots"}),
    exp.Unnest: frozenset({"expressions", "alias", "offset", "explode_array"}), exp.Values: frozenset({"expressions", "alias"}),
    exp.Subquery: frozenset({"this", "alias", "order", "limit", "offset", "pivots", "sample"}),
    exp.Select: frozenset({"expressions", "distinct", "from_", "joins", "where", "group", "having", "qualify", "windows", "order", "limit",
                           "offset", "with_"}),
    **dict.fromkeys((exp.Union, exp.Except, exp.Intersect), _SET_OPERATION), exp.Star: frozenset({"except_", "replace", "rename"}),
    exp.Anonymous: frozenset({"this", "expressions"}),
}  # fmt: skip
"""The parts that a rule of its own looks at; any other is refused before it could be lost."""
REFUSED: dict[type[exp.Expr], tuple[str, str]] = {
    exp.ToMap: ("MAP", "Use a struct, or a list of structs"), exp.Map: ("MAP", "Use a struct, or a list of structs"),
    exp.Glob: ("GLOB", "Write LIKE or regexp_matches()"), exp.Collate: ("COLLATE", "Compare by lower(x)"),
    exp.Comprehension: ("FOR", "Write list_transform(list, x -> ...)"), exp.WithinGroup: ("WITHIN", "Write quantile_cont(x, q) OVER (...)"),
    exp.Any: ("ANY", "Write list_contains(list, value)"),
    exp.Pivot: ("PIVOT", "Name the values and what is left: ON y IN ('a', 'b') USING sum(x) AS total GROUP BY k"),
}  # fmt: skip
"""Where to point for what has no counterpart, and what to write instead."""


def printed(tree: exp.Expr, dialect: str) -> tuple[str, list[Problem]]:
    """The text of what was written; sqlglot refuses what it would have to leave out."""
    try:
        return tree.sql(dialect=dialect, pretty=True, unsupported_level=ErrorLevel.RAISE), []
    except UnsupportedError as error:
        said = str(error).splitlines()[0]
        return "", [Problem(0, f"this cannot be written: {said}", "Write it in other words")]


def uncalled(
    w: Writer, node: exp.Anonymous, known: Mapping[str, tuple[int, int, Any]], instead: Mapping[str, str]
) -> exp.Expr:
    """Refuses a function that no rule carries over, or not with so many arguments."""
    name = str(node.this if isinstance(node.this, str) else node.this.name).lower()
    if name not in known:
        near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=_A_TYPO)
        other = f"did you mean {near[0]}?" if near else "Write it in functions that both engines have"
        fix = instead.get(name, other)
        return w.refuse(node, f"{name}() is not carried over to {w.engine}", fix[:1].upper() + fix[1:])
    fewest, most, _ = known[name]
    counts = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return w.refuse(
        node, f"{name}() of {len(node.expressions)} arguments is not carried over", f"Give it {counts}"
    )


def respecting(w: Writer, node: exp.RespectNulls) -> exp.Expr:
    """What both engines do without being told; BigQuery's lag() and lead() do not let themselves be told."""
    return w.write(node.this)


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call of a function by its name."""
    return exp.Anonymous(this=name, expressions=[*arguments])


def cast(node: exp.Expr, to: str, *, safe: bool = False, dialect: str = "bigquery") -> exp.Expr:
    kind = exp.TryCast if safe else exp.Cast
    return kind(this=node, to=exp.DataType.build(to, dialect=dialect))


def number(value: int) -> exp.Expr:
    return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))


def text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def string_of(node: object) -> str | None:
    """The value of a text literal."""
    if isinstance(node, exp.RawString):
        return node.name
    return node.name if isinstance(node, exp.Literal) and node.is_string else None


def whole_of(node: object) -> int | None:
    """The value of a whole number that is written out."""
    if isinstance(node, exp.Paren):
        return whole_of(node.this)
    if isinstance(node, exp.Neg):
        inner = whole_of(node.this)
        return None if inner is None else -inner
    return (
        int(node.name)
        if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit()
        else None
    )
