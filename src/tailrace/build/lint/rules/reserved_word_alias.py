"""A name that is an SQL word has to be quoted by everybody who reads it, in every engine and tool."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.format.words import ALWAYS
from tailrace.build.lint.subject import Found, Subject, start_of

_MORE = frozenset(
    [
        "CREATE",
        "TABLE",
        "DEFAULT",
        "PRIMARY",
        "FOREIGN",
        "REFERENCES",
        "CHECK",
        "CONSTRAINT",
        "COLUMN",
        "FOR",
        "TO",
        "INTO",
        "ANY",
        "SOME",
    ]
)


def check(model: Subject) -> Iterator[Found]:
    for node in model.tree.find_all(exp.Alias, exp.TableAlias):
        name = node.args.get("alias") if isinstance(node, exp.Alias) else node.this
        if isinstance(name, exp.Identifier) and name.name.upper() in ALWAYS | _MORE:
            said = f"{name.name} is a reserved word"
            yield Found(said, "Choose another name: readers would have to quote it", start_of(name))
