"""PIVOT and UNPIVOT, in SQL's form behind a table and in DuckDB's form as a statement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlglot import exp

from tailrace.build.lineage.expressions import gathered
from tailrace.build.lineage.relation import NONE, Output, Part, Refs, Relation, everything, named
from tailrace.build.lineage.scope import Scope, Source
from tailrace.build.lineage.stars import expanded

if TYPE_CHECKING:
    from tailrace.build.lineage.query import Reader


def pivoted(reader: Reader, pivot: exp.Pivot, relation: Relation, alias: str, around: Scope) -> Relation:
    """The columns after a pivot of `relation`, which is called `alias` inside of it."""
    scope = reader.scope(around.ctes, around.outer)
    scope.sources.append(Source(alias.lower(), relation))
    return _narrow(reader, pivot, scope) if pivot.args.get("unpivot") else _wide(reader, pivot, scope)


def _wide(reader: Reader, pivot: exp.Pivot, scope: Scope) -> Relation:
    """One column per value of the pivoted ones, each computed from them and from what is aggregated."""
    statement = pivot.args.get("this") is not None
    fields = pivot.expressions if statement else pivot.args.get("fields") or []
    values = (pivot.args.get("using") or []) if statement else pivot.expressions
    direct, indirect = gathered(reader, exp.Tuple(expressions=[*fields, *values]), scope)
    refs = frozenset(direct | indirect)
    kept = _kept(pivot, scope)
    names = [node.name for node in pivot.args.get("columns") or ()] or _value_names(fields, values)
    outputs = [Output(name, refs, NONE, pivot) for name in names]
    found = named([*kept.columns.values(), *outputs], kept.rest, everything(kept.columns.values()))
    if names:
        return found
    group = (Part("", "", frozenset(kept.columns), refs),)
    rest = tuple((*other, *group) for other in kept.rest) or (group,)
    return Relation(found.columns, rest, found.filters | refs)


def _kept(pivot: exp.Pivot, scope: Scope) -> Relation:
    """The columns that stay: those of GROUP BY, or all that the pivot does not use."""
    group = pivot.args.get("group")
    relation = scope.sources[0].relation
    if group is not None:
        return named([scope.column(node) for node in group.expressions if isinstance(node, exp.Column)])
    names = {node.name.lower() for node in pivot.find_all(exp.Column)}
    outputs = [output for name, output in relation.columns.items() if name not in names]
    return named(outputs, _without(relation, names))


def _without(relation: Relation, names: Iterable[str]) -> tuple[tuple[Part, ...], ...]:
    taken = set(names)
    return tuple(tuple(part.without(taken) for part in group) for group in relation.rest)


def _value_names(fields: list[exp.Expr], values: list[exp.Expr]) -> list[str]:
    """DuckDB's names: the value, with the aggregate's alias or text behind it where there is one; none where only data tell."""
    if len(fields) != 1 or not isinstance(fields[0], exp.In) or not fields[0].expressions:
        return []
    heads = [node.alias_or_name for node in fields[0].expressions]
    tails = [_tail(value, alone=len(values) == 1) for value in values] or [""]
    return [f"{head}_{tail}" if tail else head for head in heads for tail in tails]


def _tail(value: exp.Expr, *, alone: bool) -> str:
    if isinstance(value, exp.Alias):
        return value.alias
    return "" if alone else value.sql(dialect="duckdb", normalize_functions="lower")


def _narrow(reader: Reader, pivot: exp.Pivot, scope: Scope) -> Relation:
    """Columns become rows: a value comes from all of them, its name from none."""
    into = pivot.args.get("into")
    if into is not None or pivot.args.get("this") is not None:
        taken, names = pivot.expressions, [into.this.name] if into is not None else ["name"]
        values = [node.name for node in into.expressions] if into is not None else ["value"]
    else:
        fields = pivot.args.get("fields") or []
        taken = [node for field in fields for node in field.expressions]
        names = [field.this.name for field in fields]
        values = [part.name for node in pivot.expressions for part in _flat(node)]
    relation = scope.sources[0].relation
    used, refs = _unpivoted(reader, taken, scope)
    outputs = [output for name, output in relation.columns.items() if name not in used]
    outputs += [Output(name) for name in names]
    outputs += [Output(name, refs, NONE, pivot) for name in values]
    closed = {*used, *(name.lower() for name in [*names, *values])}
    return named(outputs, _without(relation, closed), refs)


def _flat(node: exp.Expr) -> list[exp.Expr]:
    return list(node.expressions) if isinstance(node, exp.Tuple) else [node]


def _unpivoted(reader: Reader, taken: list[exp.Expr], scope: Scope) -> tuple[set[str], Refs]:
    """The columns named by an UNPIVOT, `*` and COLUMNS() among them."""
    used: set[str] = set()
    refs: Refs = NONE
    for node in taken:
        many = expanded(reader, node, scope, rare=True)
        if many is not None:
            used |= set(many.columns)
            refs |= many.whole().direct
        else:
            used |= {column.name.lower() for column in node.find_all(exp.Column)}
            direct, indirect = gathered(reader, node, scope)
            refs |= frozenset(direct | indirect)
    return used, refs
