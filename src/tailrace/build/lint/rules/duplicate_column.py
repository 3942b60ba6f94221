"""Of two columns of one name nobody can say which is meant; engines rename, refuse, or take the first."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, start_of
from tailrace.build.lint.template import is_jinja


def check(model: Subject) -> Iterator[Found]:
    for select in model.selects:
        seen: set[str] = set()
        for item in select.expressions:
            name = item.alias_or_name if isinstance(item, exp.Alias | exp.Column) else ""
            if not name or name == "*" or is_jinja(name):
                continue
            if name.lower() in seen:
                place = item.args["alias"] if isinstance(item, exp.Alias) else item
                yield Found(f"this SELECT has two columns {name}", "Rename one of them", start_of(place))
            seen.add(name.lower())
