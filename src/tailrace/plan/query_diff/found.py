"""What differs between two queries, as it is collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import exp

from tailrace.plan.query_diff.shape import Outputs

What = Literal["new", "gone", "otherwise"]


@dataclass
class Found:
    """What differs: `columns` by name; `rows` says in words why there may be other rows; `notes` are harmless."""

    columns: dict[str, What] = field(default_factory=dict)
    rows: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.columns or self.rows)


@dataclass(frozen=True)
class Known:
    """What is known of the CTEs that a query can read: how each differs, and its columns before and after."""

    found: Mapping[str, Found] = field(default_factory=dict)
    before: Outputs = field(default_factory=dict)
    after: Outputs = field(default_factory=dict)


Compare = Callable[[exp.Query, exp.Query, Known], Found]
"""Compares two queries; the second one's tree is changed on the way."""


def bare(query: exp.Query) -> exp.Query:
    """Without the parentheses around it."""
    while (
        isinstance(query, exp.Subquery) and isinstance(query.this, exp.Query) and not query.args.get("pivots")
    ):
        query = query.this
    return query


def retable(tree: exp.Expr, name: str, former: str) -> None:
    """Columns of a table under the name that it had."""
    for column in tree.find_all(exp.Column):
        if column.table == name:
            column.set("table", exp.to_identifier(former))
