"""A CTE that nothing reads is a leftover, and makes its inputs look like inputs of the model."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, start_of
from tailrace.build.lint.template import is_jinja


def check(model: Subject) -> Iterator[Found]:
    if "{%" in model.file.sql:
        return  # another branch may read it
    for with_ in model.tree.find_all(exp.With):
        for cte in with_.expressions:
            name = cte.alias.lower()
            tables = with_.parent.find_all(exp.Table) if with_.parent else ()
            used = any(
                t.name.lower() == name and not t.db and t.find_ancestor(exp.CTE) is not cte for t in tables
            )
            if not used and not is_jinja(name):
                yield Found(f"nothing reads the CTE {cte.alias}", "Remove it", start_of(cte.args["alias"]))
