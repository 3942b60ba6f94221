"""A condition in WHERE on the right side of a LEFT JOIN drops the rows that the LEFT kept: it is an inner join then."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, start_of

_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like, exp.ILike, exp.In, exp.Between)


def check(model: Subject) -> Iterator[Found]:
    for select in model.selects:
        where = select.args.get("where")
        lefts = {
            join.this.alias_or_name.lower()
            for join in select.args.get("joins") or ()
            if join.side.upper() == "LEFT" and join.kind.upper() not in ("SEMI", "ANTI")
        }
        for part in (
            where.this.flatten() if where is not None and isinstance(where.this, exp.And) else _one(where)
        ):
            column = _compared(part, lefts)
            if column is not None:
                said = (
                    f"{column.table} is joined by LEFT JOIN, and this drops the rows that it has no match for"
                )
                fix = "Move the condition into ON, or write INNER JOIN"
                yield Found(said, fix, start_of(column))


def _one(where: exp.Expr | None) -> list[exp.Expr]:
    return [where.this] if where is not None else []


def _compared(part: exp.Expr, lefts: set[str]) -> exp.Column | None:
    """The column of a left-joined table that a comparison takes as it is."""
    part = part.unnest()
    if not isinstance(part, _COMPARED):
        return None
    for side in (part.this, part.args.get("expression")):
        if isinstance(side, exp.Column) and side.table.lower() in lefts:
            return side
    return None
