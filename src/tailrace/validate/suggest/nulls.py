"""Whether values are there: never missing, rarely missing, always missing."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.validate.suggest.profile import Column, Table, nulls
from tailrace.validate.suggest.rounding import slack
from tailrace.validate.suggest.subject import Found, Proposal, Remark
from tailrace.validate.suggest.weight import fact, part_of

NOT_NULL = "expect_column_values_to_not_be_null"
ENOUGH = 20


def propose_nulls(table: Table) -> Iterator[Found]:
    """Not of the key's columns, which have theirs already."""
    if not table.rows:
        return
    empty = [column.name for column in table.columns if not column.present]
    if empty:
        yield Remark(f"always NULL: {', '.join(empty)}")
    for column in table.columns:
        if column.present and not (column.present == table.rows and column.name in table.told_full):
            yield from _of(table, column)
        if column.blank:
            yield Remark(
                f"{column.name}: {column.blank:,} of {column.filled:,} texts are empty, which is not NULL"
            )


def _of(table: Table, column: Column) -> Iterator[Found]:
    missing = table.rows - column.present
    about = {"column": column.name}
    if not missing:
        severity, on_fail = fact(table, (column.name,))
        if table.rows < ENOUGH and on_fail == "warn":
            return
        yield Proposal(part_of(severity), NOT_NULL, about, nulls(table, column), severity, on_fail, columns=(column.name,))  # fmt: skip
        return
    mostly = slack(missing, table.rows) if table.rows >= ENOUGH else None
    if mostly is not None:
        reason = f"{nulls(table, column)} ({missing / table.rows:.2%})"
        yield Proposal("statistics", NOT_NULL, {**about, "mostly": mostly}, reason, columns=(column.name,))
