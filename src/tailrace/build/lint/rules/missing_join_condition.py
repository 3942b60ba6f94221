"""Without a condition every row meets every row: a comma hides that, and a condition on other tables makes it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, start_of
from tailrace.build.lint.template import is_jinja

_FREE = ("CROSS", "NATURAL", "POSITIONAL", "ASOF")


def check(model: Subject) -> Iterator[Found]:
    for select in model.selects:
        for join in select.args.get("joins") or ():
            if not isinstance(join.this, exp.Table | exp.Subquery) or is_jinja(join.this.alias):
                continue
            if isinstance(join.this, exp.Table) and not isinstance(join.this.this, exp.Identifier):
                continue  # unnest(a.b) belongs to its row
            yield from _judged(join)


def _judged(join: exp.Join) -> Iterator[Found]:
    on, name = join.args.get("on"), join.this.alias_or_name
    if on is None:
        if not join.args.get("using") and not any(word in _words(join) for word in _FREE):
            fix = "Write JOIN ... ON, or CROSS JOIN where that is meant"
            yield Found(
                "nothing says which rows belong together: every row meets every row", fix, start_of(join.this)
            )
        return
    tables = {column.table.lower() for column in on.find_all(exp.Column)}
    if tables and "" not in tables and name.lower() not in tables and not any(map(is_jinja, tables)):
        said = f"the condition does not mention {name}, so all of its rows meet every row"
        yield Found(said, f"Compare a column of {name}", start_of(on))


def _words(join: exp.Join) -> str:
    return f"{join.kind} {join.side} {join.method}".upper()
