"""`x = NULL` is never true, and neither is `x <> NULL`: a NULL equals nothing."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, start_of


def check(model: Subject) -> Iterator[Found]:
    for node in model.tree.find_all(exp.EQ, exp.NEQ):
        if isinstance(node.this, exp.Null) or isinstance(node.expression, exp.Null):
            fix = f"Write IS {'NOT ' if isinstance(node, exp.NEQ) else ''}NULL"
            yield Found("a comparison with NULL is never true", fix, start_of(node))
