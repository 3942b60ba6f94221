"""What a test reads, from its words alone: its model, and every ref() and source() in its arguments or its query."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.project.spec import DataTest, Project
from tailrace.warehouse.base import TableRef

_REF = re.compile(r"""\bref\(\s*(['"])([^'"\n]+)\1\s*(?:,\s*(['"])([^'"\n]+)\3\s*)?[,)]""")
_SOURCE = re.compile(r"""\bsource\(\s*(['"])([^'"\n]+)\1\s*,\s*(['"])([^'"\n]+)\3\s*\)""")
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


@dataclass(frozen=True)
class Reads:
    """Names of models, seeds and snapshots, and (source, table) pairs; the tested one comes first."""

    models: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()


def reads_of(test: DataTest) -> Reads:
    """What a data test reads."""
    models = dict.fromkeys((test.model,) if test.model else ())
    sources = dict.fromkeys((test.source,) if test.source else ())
    for text in (test.sql, *_texts(test.kwargs), str(test.config.get("where") or "")):
        found = words_in(text)
        models |= dict.fromkeys(found.models)
        sources |= dict.fromkeys(found.sources)
    return Reads(tuple(models), tuple(sources))


def words_in(text: str) -> Reads:
    """Every ref() and source() with literal names."""
    if "ref" not in text and "source" not in text:
        return Reads()
    plain = _COMMENT.sub("", text)
    return Reads(
        tuple(dict.fromkeys(found[4] or found[2] for found in _REF.finditer(plain))),
        tuple(dict.fromkeys((found[2], found[4]) for found in _SOURCE.finditer(plain))),
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def source_table(project: Project, source: str, name: str) -> tuple[str, TableRef]:
    """The database ("" for the warehouse's own) and the table that `source(source, name)` stands for."""
    for found in project.sources:
        if (found.source.casefold(), found.name.casefold()) == (source.casefold(), name.casefold()):
            return found.database or "", TableRef(found.schema, found.identifier)
    attached = {other["alias"].casefold() for other in project.target.attach}
    return (source, TableRef("main", name)) if source.casefold() in attached else ("", TableRef(source, name))
