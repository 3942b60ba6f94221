"""An expression without a name is called by the engine: another one in DuckDB and in BigQuery, another one after an edit."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, arms, start_of

_NAMED = (exp.Alias, exp.Aliases, exp.Column, exp.Star, exp.Dot, exp.Columns)


def check(model: Subject) -> Iterator[Found]:
    for select in list(arms(model.tree))[:1]:
        for item in select.expressions:
            if not isinstance(item, _NAMED):
                yield Found("the column has no name of its own", "Add AS and a name", start_of(item))
