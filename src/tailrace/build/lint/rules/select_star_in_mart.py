"""A mart is a contract: a column that comes or goes upstream must not come or go in it unseen."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, arms, cte_of, sources_of, start_of


def check(model: Subject) -> Iterator[Found]:
    if not model.is_mart:
        return
    for select in arms(model.tree):
        for star in _stars(select):
            if _is_open(select, star, set()):
                said = "a mart's columns are whatever its input has"
                yield Found(said, "Name the columns", start_of(star))


def _stars(select: exp.Select) -> Iterator[exp.Expr]:
    for item in select.expressions:
        if isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
            yield item


def _is_open(select: exp.Select, star: exp.Expr, seen: set[int]) -> bool:
    """Whether a star reaches a table, rather than a query that names its columns."""
    table = star.text("table").lower()
    for source in sources_of(select):
        if table and source.alias_or_name.lower() != table:
            continue
        inner = cte_of(source)
        query = inner.this if inner is not None else source.this if isinstance(source, exp.Subquery) else None
        if query is None:
            return isinstance(source, exp.Table)
        if id(query) not in seen:
            seen.add(id(query))
            for arm in arms(query):
                if any(_is_open(arm, deeper, seen) for deeper in _stars(arm)):
                    return True
    return False
