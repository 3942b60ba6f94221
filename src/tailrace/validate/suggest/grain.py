"""Sets of columns that tell all rows apart: what a table has one row for, such as a campaign and day."""

from __future__ import annotations

from itertools import combinations
from math import prod

from tailrace.validate.suggest.profile import Column, Table
from tailrace.validate.suggest.words import is_id, tokens

COMBINED, WIDEST = 7, 4
ENOUGH = 20
"""Rows below which anything is unique by chance."""

_GRAINS = frozenset(
    (
        *("day", "date", "week", "month", "hour", "platform", "channel", "source", "medium", "campaign"),
        *("account", "property", "currency", "country", "device", "name", "type", "position", "line"),
    )
)


def combination(table: Table) -> tuple[str, ...] | None:
    """The first of the smallest sets of columns that tell all rows apart; tried on a few rows before on all."""
    if table.rows < ENOUGH:
        return None
    parts = [column for column in table.columns if _is_part(table, column)]
    ranked = sorted(parts, key=lambda column: (_part_rank(column), table.place(column.name)))[:COMBINED]
    for size in range(2, WIDEST + 1):
        for some in combinations(ranked, size):
            names = tuple(column.name for column in some)
            if prod(2 * max(1, column.distinct) for column in some) < table.looked_at:
                continue
            if (
                different(table, table.look, names) == table.looked
                and different(table, table.whole, names) == table.rows
            ):
                return tuple(sorted(names, key=table.place))
    return None


def different(table: Table, source: str, columns: tuple[str, ...]) -> int:
    """Combinations of values; NULL is one value."""
    names = ", ".join(map(table.quote, columns))
    return int(table.ask(f"(SELECT DISTINCT {names} FROM {source}) AS told_apart", ["count(*)"])[0])


def _is_part(table: Table, column: Column) -> bool:
    if column.filled < 0.2 * table.looked_at:
        return False
    words = set(tokens(column.name))
    return column.kind in ("date", "text", "uuid") or (column.kind in ("int", "instant") and (is_id(column.name) or bool(words & _GRAINS)))  # fmt: skip


def _part_rank(column: Column) -> int:
    """Days and ids make grains, then what tables are broken down by, then any text."""
    words = set(tokens(column.name))
    if column.kind == "date" or is_id(column.name):
        return 0
    return 1 if words & _GRAINS and column.kind == "text" else 2 if not column.personal else 3
