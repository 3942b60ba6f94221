"""Functions behind a dot (`email.lower()`): the parser leaves bare identifiers where columns stand in front of the dot."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

_NAMES = (exp.Column, exp.PropertyEQ, exp.Lambda, exp.Alias, exp.TableAlias, exp.Window, exp.Table)
"""Parents under which an identifier is a name of something else."""


def columns_before(node: exp.Dot, bound: frozenset[str]) -> Iterator[list[str]]:
    """The columns in front of the dots, each as its parts: `p.email.lower()` gives [p, email]. Variables of a lambda are none."""
    behind: list[exp.Expr] = []
    left: exp.Expr = node
    while isinstance(left, exp.Dot):
        behind.append(left.expression)
        left = left.this
    if isinstance(left, exp.Identifier):
        parts = [left.name]
        while behind and isinstance(behind[-1], exp.Identifier):
            parts.append(behind.pop().name)
        if not _is_variable(left, bound):
            yield parts
        return
    for found in left.find_all(exp.Identifier):
        if not isinstance(found.parent, (*_NAMES, exp.Dot)) and not _is_variable(found, bound):
            yield [found.name]


def walked_on(node: exp.Dot) -> Iterator[exp.Expr]:
    """What is left to look into: the expression in front, and the arguments of the functions behind."""
    left: exp.Expr = node
    while isinstance(left, exp.Dot):
        if not isinstance(left.expression, exp.Identifier):
            yield left.expression
        left = left.this
    if not isinstance(left, exp.Identifier):
        yield left


def _is_variable(node: exp.Expr, bound: frozenset[str]) -> bool:
    if node.name.lower() in bound:
        return True
    parent = node.parent
    while parent is not None:
        if isinstance(parent, exp.Lambda) and any(
            one.name.lower() == node.name.lower() for one in parent.expressions
        ):
            return True
        parent = parent.parent
    return False
