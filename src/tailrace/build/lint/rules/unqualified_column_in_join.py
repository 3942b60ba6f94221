"""A column without its table's name breaks, or silently means another, once a joined table gets one of that name."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, own, sources_of, start_of
from tailrace.build.lint.template import is_jinja


def check(model: Subject) -> Iterator[Found]:
    for select in model.selects:
        sources = sources_of(select)
        if len(sources) < 2 or not all(isinstance(one, exp.Table | exp.Subquery) for one in sources):
            continue
        if any(isinstance(one, exp.Table) and not isinstance(one.this, exp.Identifier) for one in sources):
            continue  # a table function's columns are named by nobody
        seen = _using(select)
        for column in own(select, exp.Column):
            name = column.name.lower()
            if _is_bare(column) and name not in seen and not _is_alias(select, column):
                seen.add(name)
                said = f"{column.name} does not say which of the joined tables it is from"
                yield Found(said, "Write the table's name before it", start_of(column))


def _using(select: exp.Select) -> set[str]:
    joins = select.args.get("joins") or ()
    return {column.name.lower() for join in joins for column in join.args.get("using") or ()}


def _is_bare(column: exp.Expr) -> bool:
    if column.text("table") or isinstance(column.this, exp.Star) or is_jinja(column.name):
        return False
    if column.find_ancestor(exp.Star) is not None:
        return False
    function = column.find_ancestor(exp.Lambda)
    return function is None or column.name not in {one.name for one in function.expressions}


def _is_alias(select: exp.Select, column: exp.Expr) -> bool:
    """Whether it may be the name of another column of the result."""
    for item in select.expressions:
        if isinstance(item, exp.Alias) and item.alias.lower() == column.name.lower():
            inside: exp.Expr | None = column
            while inside is not None and inside is not item:
                inside = inside.parent
            if inside is None:
                return True
    return False
