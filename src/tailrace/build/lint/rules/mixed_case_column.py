"""Engines differ in what they make of capitals: DuckDB ignores them, BigQuery keeps them, CRMs compare them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, arms, start_of
from tailrace.build.lint.template import is_jinja


def check(model: Subject) -> Iterator[Found]:
    for select in list(arms(model.tree))[:1]:
        for item in select.expressions:
            name = item.alias_or_name if isinstance(item, exp.Alias | exp.Column) else ""
            if name != name.lower() and not is_jinja(name):
                renamed = isinstance(item, exp.Alias)
                fix = f"Call it {_snake(name)}" if renamed else f"Add AS {_snake(name)}"
                place = item.args["alias"] if renamed else item.this
                yield Found(f"the column {name} has capitals", fix, start_of(place))


def _snake(name: str) -> str:
    parts: list[str] = []
    for at, letter in enumerate(name):
        if letter.isupper() and at and not name[at - 1].isupper() and name[at - 1] != "_":
            parts.append("_")
        parts.append(letter.lower())
    return "".join(parts)
