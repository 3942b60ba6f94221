"""Without an order LIMIT gives whatever rows come first, and others at the next build."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, start_of


def check(model: Subject) -> Iterator[Found]:
    for limit in model.tree.find_all(exp.Limit):
        query = limit.parent
        if (
            query is None
            or query.args.get("order") is not None
            or query.find_ancestor(exp.Exists) is not None
        ):
            continue
        if (
            isinstance(limit.expression, exp.Literal)
            and limit.expression.name in ("0", "1")
            and _is_one_row(query)
        ):
            continue
        fix = "Add an ORDER BY that leaves no ties, or remove the LIMIT"
        yield Found(
            "LIMIT without ORDER BY gives other rows each time",
            fix,
            model.keyword_at(start_of(limit), "LIMIT"),
        )


def _is_one_row(query: exp.Expr) -> bool:
    """An aggregate without groups gives one row anyway."""
    return query.args.get("group") is None and any(
        isinstance(item.unalias(), exp.AggFunc) for item in query.expressions
    )
