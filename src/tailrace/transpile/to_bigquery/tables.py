"""What stands in FROM: tables, subqueries, VALUES, lists, series; and joins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, call, cast, number, whole_of
from tailrace.transpile.signatures import UNKNOWN
from tailrace.transpile.to_bigquery.casts import as_instant
from tailrace.transpile.to_bigquery.dates import counted

_JOINS = {
    "ASOF": "Join on the equalities and keep the newest row: QUALIFY row_number() OVER (...) = 1",
    "SEMI": "Write WHERE EXISTS (SELECT 1 FROM ... WHERE ...)", "ANTI": "Write WHERE NOT EXISTS (SELECT 1 FROM ... WHERE ...)",
    "POSITIONAL": "Number the rows of both sides and join on the number", "NATURAL": "Write USING (...)",
}  # fmt: skip


def join(w: Writer, node: exp.Join) -> exp.Expr:
    words = {str(node.args.get(key) or "").upper() for key in ("method", "kind", "side")}
    for word, fix in _JOINS.items():
        if word in words:
            return w.refuse(_before(w, node, word), f"{word} JOIN has no counterpart in BigQuery", fix)
    if isinstance(node.this, exp.Lateral):
        return w.refuse(
            _before(w, node, "LATERAL"),
            "LATERAL has no counterpart",
            "Join a CTE, or write a subquery in SELECT",
        )
    arguments: dict[str, Any] = {key: value for key in ("side", "kind") if (value := node.args.get(key))}
    if node.args.get("on") is not None:
        arguments["on"] = w.write(node.args["on"])
    if node.args.get("using"):
        arguments["using"] = [column.copy() for column in node.args["using"]]
    return exp.Join(this=w.write(node.this), **arguments)


def _before(w: Writer, node: exp.Join, word: str) -> int:
    """The nearest such word before the joined table."""
    place = w.places.of(node.this)
    before = [token.start for token in w.places.tokens if token.start < place and token.text.upper() == word]
    return before[-1] if before else place


def table(w: Writer, node: exp.Table) -> exp.Expr:
    if (unpivot := _simple_unpivot(node)) is not None:
        bare = node.copy()
        bare.set("pivots", None)
        return _unpivoted(w, node, unpivot, table(w, bare))
    for key, fix in (
        ("sample", "Filter by a hash of the key: WHERE md5(id) < '1'"),
        ("pivots", "Name the values: sum(x) FOR y IN ('a', 'b')"),
    ):
        if node.args.get(key):
            word = {"sample": ("TABLESAMPLE", "USING"), "pivots": ("PIVOT", "UNPIVOT", "PIVOT_WIDER")}[key]
            what = "TABLESAMPLE" if key == "sample" else "this form of PIVOT or UNPIVOT"
            return w.refuse(w.places.word(node, *word), f"{what} has no counterpart", fix)
    if isinstance(node.this, exp.Anonymous):
        return _function(w, node, node.this)
    if not isinstance(node.this, exp.Identifier):
        return w.refuse(node, "this table function has no counterpart", "Read a table, a model or a source")
    if any(sign in node.name for sign in "/.*\\") and not node.name.startswith("@tailrace:"):
        return w.refuse(
            node, f"BigQuery reads no file {node.name}", "Land it by a pipeline of source: filesystem"
        )
    alias = node.args.get("alias")
    if alias is not None and alias.columns:
        return w.refuse(node, "names of columns behind a table have no counterpart", "Rename them in a CTE")
    parts = {
        key: value.copy() for key in ("this", "db", "catalog") if (value := node.args.get(key)) is not None
    }
    inner = [join(w, one) for one in node.args.get("joins") or []]
    return exp.Table(**parts, alias=_alias(alias), joins=inner or None)


def _simple_unpivot(node: exp.Expr) -> exp.Pivot | None:
    """That which `plain` put behind a table."""
    found = node.args.get("pivots") or []
    return found[0] if len(found) == 1 and found[0].meta.get("simple") else None


def _unpivoted(w: Writer, node: exp.Expr, unpivot: exp.Pivot, written: exp.Expr) -> exp.Expr:
    """BigQuery makes rows of columns of one type only."""
    [field] = unpivot.args["fields"]
    told = [
        w.kinds.outputs.get(id(node), {}).get(f" {column.name.lower()}", UNKNOWN)
        for column in field.expressions
    ]
    if len({kind.name for kind in told if kind.name}) > 1:
        return w.refuse(node, "BigQuery unpivots columns of one type only", "Cast them in a CTE")
    written.set("pivots", [unpivot.copy()])
    return written


def _alias(alias: exp.Expr | None) -> exp.Expr | None:
    return exp.TableAlias(this=alias.this.copy()) if alias is not None and alias.this is not None else None


def _function(w: Writer, node: exp.Table, function: exp.Anonymous) -> exp.Expr:
    name = str(function.this)
    alias = node.args.get("alias")
    if name in ("range", "generate_series"):
        items = _series(w, function, name)
        columns = [column.name for column in alias.columns] if alias is not None else []
        return _elements(w, items, alias, columns[0] if columns else name)
    if name == "unnest":
        return _unnested(w, node, function.expressions)
    what = (
        f"{name}() reads what BigQuery cannot"
        if name.startswith(("read_", "parquet", "sniff", "glob"))
        else f"BigQuery has no table function {name}()"
    )
    return w.refuse(function, what, "Land it by a pipeline, or write it as a SELECT")


def unnest(w: Writer, node: exp.Unnest) -> exp.Expr:
    if node.args.get("offset"):
        return w.refuse(
            node, "WITH ORDINALITY has no counterpart here", "Number the elements by row_number()"
        )
    return _unnested(w, node, node.expressions)


def _unnested(w: Writer, node: exp.Expr, arguments: list[exp.Expr]) -> exp.Expr:
    if len(arguments) != 1:
        return w.refuse(node, "unnest() of several lists has no counterpart", "Unnest one list")
    alias = node.args.get("alias")
    columns = [column.name for column in alias.columns] if alias is not None else []
    return _elements(w, w.write(arguments[0]), alias, columns[0] if columns else "unnest")


def _elements(w: Writer, items: exp.Expr, alias: exp.Expr | None, column: str) -> exp.Expr:
    """A list's elements as rows: DuckDB names a table and its column, BigQuery the element alone."""
    if alias is not None and alias.this is not None:
        w.elements[alias.this.name.lower()] = column
    return exp.Unnest(expressions=[items], alias=exp.TableAlias(columns=[exp.to_identifier(column)]))


def _series(w: Writer, node: exp.Anonymous, name: str) -> exp.Expr:
    """range() ends before its last value, generate_series() with it."""
    if not 1 <= len(node.expressions) <= 3:
        return w.refuse(node, f"{name}() takes one to three values", "Give a start, an end and a step")
    parts = node.expressions if len(node.expressions) > 1 else [None, *node.expressions]
    start, end = parts[0], parts[1]
    step = parts[2] if len(parts) > 2 else None
    first = number(0) if start is None else w.write(start)
    if step is not None and w.kind(step).name == "interval":
        found = counted(w, step)
        if (
            name == "range"
            or start is None
            or found is None
            or found[1] in ("month", "quarter", "year", "week")
        ):
            fix = "Write generate_series(a, b, INTERVAL 1 DAY), and truncate for months"
            return w.refuse(node, "this series of dates has no counterpart", fix)
        return call(
            "GENERATE_TIMESTAMP_ARRAY",
            as_instant(w, start),
            as_instant(w, end),
            exp.Interval(this=found[0], unit=exp.var(found[1].upper())),
        )
    if name == "range" and step is not None:
        return w.refuse(
            node, "range() with a step has no counterpart", "Write generate_series(), whose end is in it"
        )
    last = w.write(end)
    if name == "range":
        last = (
            number(known - 1)
            if (known := whole_of(end)) is not None
            else exp.Sub(this=exp.paren(last), expression=number(1))
        )
    return call("GENERATE_ARRAY", first, last, *([w.write(step)] if step is not None else []))


def values(w: Writer, node: exp.Values) -> exp.Expr:
    """VALUES as a table: a list of structs."""
    alias = node.args.get("alias")
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
    names = [column.name for column in alias.columns] if alias is not None else []
    names = names or [f"col{index}" for index in range(len(rows[0]))]
    structs: list[exp.Expr] = []
    for row in rows:
        fields = [
            exp.alias_(_typed(w, value, rows, index), name)
            for index, (value, name) in enumerate(zip(row, names, strict=False))
        ]
        structs.append(call("STRUCT", *fields))
    items = exp.Array(expressions=structs)
    return exp.Unnest(
        expressions=[items],
        alias=exp.TableAlias(columns=[alias.this.copy()]) if alias is not None and alias.this else None,
    )


def _typed(w: Writer, value: exp.Expr, rows: list[list[exp.Expr]], index: int) -> exp.Expr:
    """A decimal beside whole numbers makes the column one, and so does a double beside both."""
    kinds = {w.kind(row[index]).name for row in rows if index < len(row)}
    written = w.write(value)
    mine = w.kind(value).name
    if "double" in kinds and mine in ("int", "decimal"):
        bare = value.this if isinstance(value, exp.Neg) else value
        return (
            value.copy() if mine == "decimal" and isinstance(bare, exp.Literal) else cast(written, "FLOAT64")
        )
    return cast(written, "NUMERIC") if "decimal" in kinds and mine == "int" else written


def subquery(w: Writer, node: exp.Subquery) -> exp.Expr:
    alias = node.args.get("alias")
    if (unpivot := _simple_unpivot(node)) is not None:
        bare = exp.Subquery(**{key: value for key, value in node.args.items() if key != "pivots"})
        return _unpivoted(w, node, unpivot, subquery(w, bare))
    for key in ("pivots", "sample"):
        if node.args.get(key):
            return w.refuse(
                node,
                f"this {key.removesuffix('s').upper()} has no counterpart",
                "Write sum(x) FILTER (WHERE ...), or a WHERE",
            )
    inner = node.this
    if isinstance(inner, exp.Values):
        return values(w, inner) if inner.args.get("alias") else _values_in(w, inner, alias)
    if isinstance(inner, exp.Table):
        return w.refuse(node, "joins in parentheses have no counterpart here", "Join a CTE")
    from tailrace.transpile.to_bigquery import queries

    written = queries.query(w, inner, [column.name for column in alias.columns] if alias is not None else [])
    arguments = queries.tail(w, node)
    return exp.Subquery(this=written, alias=_alias(alias), **arguments)


def _values_in(w: Writer, node: exp.Values, alias: exp.Expr | None) -> exp.Expr:
    named = node.copy()
    named.set("alias", alias.copy() if alias is not None else None)
    return values(w, named)


RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    exp.Join: join, exp.Table: table, exp.Unnest: unnest, exp.Values: values, exp.Subquery: subquery,
}  # fmt: skip
