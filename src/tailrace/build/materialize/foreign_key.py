"""Foreign keys of a contract: every key that is not NULL has to be found in the table that it refers to.

A query in the model's own transaction: the engine's constraint would refuse to replace the table that is referred to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.build.graph import ModelNode
from tailrace.build.materialize.job import Job
from tailrace.build.testing.reading import words_in
from tailrace.errors import Location, WarehouseError
from tailrace.project.spec import ModelFile

_NAME = r'(?:"(?:[^"]|"")+"|\w+)'
_EXPRESSION = re.compile(
    rf"\s*(?:references\s+)?(?P<table>{_NAME}(?:\s*\.\s*{_NAME}){{0,2}})\s*\(\s*(?P<columns>{_NAME}(?:\s*,\s*{_NAME})*)\s*\)\s*\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Other:
    """A table and columns of it, quoted as they have to be, and how a person names them."""

    table: str
    columns: Sequence[str]
    shown: str


def lost_keys(job: Job, constraint: Mapping[str, Any], names: Sequence[str], table: str) -> Iterator[str]:
    """What is wrong with a constraint of type foreign_key on these columns of `table`, which is quoted."""
    try:
        other = _other(job, constraint, len(names))
        if isinstance(other, str):
            yield other
            return
        rows = _lost(job, [job.quoted(name) for name in names], table, other)
    except WarehouseError as error:
        yield f"the foreign_key of {', '.join(names)} cannot be checked: {error.message.rstrip('. ')}"
        return
    if rows:
        yield f"{', '.join(names)} is not found in {other.shown} in {rows:,} rows"


def referenced(model: ModelFile) -> Iterator[tuple[str, Location]]:
    """The models that foreign keys refer to by ref(), and where: they are built before."""
    for constraint in model.constraints:
        yield from ((name, Location(model.path)) for name in _refs(constraint))
    for doc in model.columns:
        for constraint in doc.constraints:
            yield from ((name, doc.location or Location(model.path)) for name in _refs(constraint))


def _refs(constraint: Mapping[str, Any]) -> tuple[str, ...]:
    if constraint.get("type") != "foreign_key":
        return ()
    return words_in(str(constraint.get("to") or "")).models


def _lost(job: Job, keys: Sequence[str], table: str, other: _Other) -> int:
    known = " AND ".join(f"mine.{key} IS NOT NULL" for key in keys)
    same = " AND ".join(
        f"theirs.{theirs} = mine.{key}" for key, theirs in zip(keys, other.columns, strict=True)
    )
    found = job.writer.ask(
        f"SELECT count(*) FROM {table} AS mine WHERE {known}"
        f" AND NOT EXISTS (SELECT 1 FROM {other.table} AS theirs WHERE {same})"
    )
    return int(found[0][0])


def _other(job: Job, constraint: Mapping[str, Any], count: int) -> _Other | str:
    """What the constraint refers to, or what is wrong with it."""
    to = str(constraint.get("to") or "")
    if not to:
        text = str(constraint.get("expression") or "")
        found = _EXPRESSION.match(text)
        if found is None:
            return f"a foreign_key has to say to and to_columns, or expression: table (columns), not {text[:60]!r}"
        columns = re.findall(_NAME, found["columns"])
        other: _Other | str = _Other(found["table"], columns, " ".join(text.split()))
    else:
        columns = [str(name) for name in constraint.get("to_columns") or ()]
        other = _by_name(job, to, columns)
    if len(columns) != count:
        return f"a foreign_key of {count} columns refers to {len(columns)}"
    return other


def _by_name(job: Job, to: str, columns: Sequence[str]) -> _Other | str:
    quoted, shown = [job.quoted(name) for name in columns], f"{to} ({', '.join(columns)})"
    words = words_in(to)
    if words.models:
        node = _node(job, words.models[0])
        if node is None or node.materialized == "ephemeral":
            return f"{to} of a foreign_key is no table"
        return _Other(job.warehouse.dialect.table(node.table), quoted, shown)
    if not words.sources or job.graph.late is None:
        return f"to of a foreign_key is ref() or source(), not {to[:60]}"
    text = to if "{{" in to else f"{{{{ {to} }}}}"
    node = job.node
    table = job.graph.late.text(text, job.warehouse, path=node.path, package=node.package, model=node.name)
    return _Other(job.writer.compiled(table.strip()), quoted, shown)


def _node(job: Job, name: str) -> ModelNode | None:
    return next((n for n in job.graph.nodes.values() if n.name.casefold() == name.casefold()), None)
