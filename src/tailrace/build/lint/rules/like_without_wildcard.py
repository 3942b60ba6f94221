"""LIKE without % or _ is an equality that looks like a search: something is missing in the pattern."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, start_of
from tailrace.build.lint.template import is_jinja


def check(model: Subject) -> Iterator[Found]:
    for node in model.tree.find_all(exp.Like, exp.ILike):
        pattern = node.expression
        if (
            isinstance(pattern, exp.Literal)
            and not set(pattern.name) & set("%_")
            and not is_jinja(pattern.name)
        ):
            said = f"the pattern '{pattern.name}' has no % and no _"
            yield Found(said, "Write =, or the % that is missing", start_of(node))
