"""`x NOT IN (SELECT y ...)` is true for no row at all once one y is NULL."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, arms, start_of


def check(model: Subject) -> Iterator[Found]:
    for node in model.tree.find_all(exp.Not):
        inside = node.this
        if not isinstance(inside, exp.In):
            continue
        query = inside.args.get("query")
        if query is not None and not all(_is_safe(select) for select in arms(query)):
            fix = "Write NOT EXISTS, or add WHERE ... IS NOT NULL to the subquery"
            yield Found("one NULL in the subquery, and NOT IN lets no row through", fix, start_of(inside))


def _is_safe(select: exp.Select) -> bool:
    """Whether the column is guarded, or cannot be NULL."""
    item = select.expressions[0].unalias() if select.expressions else None
    if isinstance(item, exp.Coalesce | exp.Literal | exp.Count):
        return True
    where = select.args.get("where")
    names = {item.name.lower()} if isinstance(item, exp.Column) else set()
    guards = where.find_all(exp.Not) if where is not None else ()
    return any(isinstance(one.this, exp.Is) and one.this.this.name.lower() in names for one in guards)
