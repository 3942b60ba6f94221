"""GROUP BY: plain keys, ROLLUP, CUBE and GROUPING SETS, of which BigQuery takes one in a query."""

from __future__ import annotations

from itertools import combinations, product

from sqlglot import exp

from tailrace.transpile.rewrite import Writer

_Set = list[exp.Expr]
_SETS = (exp.Rollup, exp.Cube, exp.GroupingSets)


def keys_of(node: exp.Group) -> list[exp.Expr]:
    """All that is grouped by, in sets or not."""
    return [key for item in node.expressions for one in _sets(item) for key in one]


def written(w: Writer, node: exp.Group) -> exp.Expr:
    """Several of them, or keys beside them, are all their combinations as GROUPING SETS."""
    items = node.expressions
    if not any(isinstance(item, _SETS) for item in items):
        return exp.Group(expressions=w.all(items))
    if (
        len(items) == 1
        and not isinstance(items[0], exp.GroupingSets)
        and all(not isinstance(key, exp.Tuple) for key in items[0].expressions)
    ):
        return exp.Group(expressions=[type(items[0])(expressions=w.all(items[0].expressions))])
    found = []
    for combination in product(*(_sets(item) for item in items)):
        keys = [key for one in combination for key in one]
        unique = [key for at, key in enumerate(keys) if key not in keys[:at]]
        found.append(exp.Tuple(expressions=w.all(unique)))
    return exp.Group(expressions=[exp.GroupingSets(expressions=found)])


def _sets(item: exp.Expr) -> list[_Set]:
    """The sets of keys that one part of GROUP BY stands for."""
    if isinstance(item, exp.GroupingSets):
        return [
            one
            for inner in item.expressions
            for one in (_sets(inner) if isinstance(inner, _SETS) else [_one(inner)])
        ]
    if isinstance(item, exp.Rollup | exp.Cube):
        parts = [_one(part) for part in item.expressions]
        if isinstance(item, exp.Rollup):
            return [_flat(parts[:size]) for size in range(len(parts), -1, -1)]
        return [
            _flat(list(chosen)) for size in range(len(parts), -1, -1) for chosen in combinations(parts, size)
        ]
    return [[item]]


def _one(item: exp.Expr) -> _Set:
    if isinstance(item, exp.Tuple):
        return [*item.expressions]
    return [item.this if isinstance(item, exp.Paren) else item]


def _flat(parts: list[_Set]) -> _Set:
    return [key for part in parts for key in part]
