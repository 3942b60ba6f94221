"""One SELECT: its FROM, its list, and the clauses that choose its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from tailrace.build.lineage.expressions import filtered, output_of
from tailrace.build.lineage.relation import NONE, Output, Refs, Relation, Rest, everything, named
from tailrace.build.lineage.scope import Scope
from tailrace.build.lineage.sources import read_from
from tailrace.build.lineage.stars import beside, expanded

if TYPE_CHECKING:
    from tailrace.build.lineage.query import Reader


def read_select(reader: Reader, tree: exp.Select, scope: Scope) -> Relation:
    """The columns of a SELECT whose CTEs are in `scope` already."""
    filters = read_from(reader, tree, scope)
    scope.windows = {window.name.lower(): window for window in tree.args.get("windows") or ()}
    outputs, rest, multiplied = _listed(reader, tree, scope)
    scope.lateral = True  # below the list every dialect knows its aliases somewhere
    found = [filters, multiplied]
    found += [filtered(reader, tree.args.get(clause), scope) for clause in ("where", "qualify")]
    found += [filtered(reader, tree.args.get("having"), scope, "alias")]
    found += [_grouped(reader, tree, scope, outputs), _chosen(reader, tree, scope, outputs, rest)]
    return named(outputs, rest, NONE.union(*found))


def _listed(reader: Reader, tree: exp.Select, scope: Scope) -> tuple[list[Output], Rest, Refs]:
    """Outputs in order, what stars bring without names, and the columns whose lists make rows."""
    outputs: list[Output] = []
    rest: Rest = ()
    multiplied: Refs = NONE
    rare = "columns" in reader.words
    unnests = "unnest" in reader.words
    for item in tree.expressions:
        many = expanded(reader, item, scope, rare=rare)
        if many is not None:
            outputs += many.columns.values()
            rest = beside(rest, many.rest)
            multiplied |= many.filters
            continue
        output = output_of(reader, item, scope)
        outputs.append(output)
        if isinstance(item, exp.Alias):
            scope.aliases.setdefault(output.name.lower(), output)
        if unnests and item.find(exp.Explode, exp.Posexplode):
            multiplied |= output.direct
    return outputs, rest, multiplied


def _grouped(reader: Reader, tree: exp.Select, scope: Scope, outputs: list[Output]) -> Refs:
    group = tree.args.get("group")
    if group is None:
        return NONE
    if group.args.get("all"):
        plain = [
            output
            for output in outputs
            if output.expression is None or not output.expression.find(exp.AggFunc)
        ]
        return everything(plain)
    found = [_by_place(reader, key, scope, outputs) for key in group.iter_expressions()]
    return NONE.union(*found)


def _by_place(reader: Reader, key: exp.Expr, scope: Scope, outputs: list[Output]) -> Refs:
    """A key that is a number counts the list's columns."""
    if isinstance(key, exp.Literal) and not key.is_string and key.name.isdigit():
        return everything(outputs[int(key.name) - 1 : int(key.name)])
    return filtered(reader, key, scope)


def _chosen(reader: Reader, tree: exp.Select, scope: Scope, outputs: list[Output], rest: Rest) -> Refs:
    """DISTINCT compares rows. Order decides which rows stay behind a LIMIT, and the order of lists made of a subquery."""
    distinct = tree.args.get("distinct")
    found: Refs = NONE
    if distinct is not None:
        on = distinct.args.get("on")
        found = filtered(reader, on, scope, "alias") if on is not None else everything([_row(outputs, rest)])
    found |= filtered(reader, tree.args.get("limit"), scope) | filtered(
        reader, tree.args.get("offset"), scope
    )
    order = tree.args.get("order")
    ordered = tree.parent is not None or any(tree.args.get(key) for key in ("distinct", "limit", "offset"))
    if order is not None and ordered:
        for key in order.expressions:
            found |= _ordered(reader, key, scope, outputs)
    return found


def _ordered(reader: Reader, key: exp.Expr, scope: Scope, outputs: list[Output]) -> Refs:
    inner = key.this if isinstance(key, exp.Ordered) else key
    if isinstance(inner, exp.Var) and inner.name.upper() == "ALL":
        return everything(outputs)
    if isinstance(inner, exp.Literal):
        return _by_place(reader, inner, scope, outputs)
    return filtered(reader, inner, scope, "alias")


def _row(outputs: list[Output], rest: Rest) -> Output:
    return named(outputs, rest).whole()
