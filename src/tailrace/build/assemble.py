"""Drafts become nodes: every table that a model reads is a model, a landed table, or somebody else's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tailrace.build.calls import UNKNOWN, Quote, Said, quoter
from tailrace.build.clock import set_clock
from tailrace.build.facts import ColumnPart, Facts, Table
from tailrace.build.graph import Graph, ModelNode, ordered
from tailrace.build.names import Names
from tailrace.build.seeds import seed_node
from tailrace.build.settings.model import Settings
from tailrace.build.static import Rendered
from tailrace.errors import Diagnostic, Location
from tailrace.project.spec import ModelFile, Project
from tailrace.warehouse.base import TableRef

_TABLE_MARK = re.compile(r"""["`]?@tailrace:table:([^@]+)@["`]?""")


@dataclass(frozen=True)
class Draft:
    """A rendered model; `facts` are None where its SQL is wrong, which is a diagnostic already."""

    model: ModelFile
    rendered: Rendered
    said: Said
    settings: Settings
    facts: Facts | None


@dataclass
class _Reads:
    models: dict[str, None] = field(default_factory=dict)
    sources: dict[TableRef, None] = field(default_factory=dict)
    tables: dict[TableRef, None] = field(default_factory=dict)
    externals: dict[str, None] = field(default_factory=dict)


def assemble(
    project: Project, drafts: Sequence[Draft], names: Names, now: datetime, problems: list[Diagnostic]
) -> Graph:
    """The graph of all seeds and models, its columns known where the SQL tells them; problems are added to `problems`."""
    nodes: dict[str, ModelNode] = {}
    for seed in project.seeds:
        nodes[seed.name] = seed_node(project.root, seed, problems)
    parts: dict[str, tuple[ColumnPart, ...] | None] = {}
    for draft in drafts:
        nodes[draft.model.name] = _node(project, draft, names, now, problems)
        parts[draft.model.name] = draft.facts.columns if draft.facts else None
    order, cycles = ordered({name: node.depends_on for name, node in nodes.items()})
    for cycle in cycles:
        place = Location(nodes[cycle[0]].path)
        said = (
            f"models read each other: {' -> '.join(cycle)}" if len(cycle) > 2 else f"{cycle[0]} reads itself"
        )
        problems.append(Diagnostic(place, said, "Break the circle"))
    if not cycles:
        for name in order:
            if nodes[name].kind == "model":
                nodes[name] = replace(nodes[name], columns=_columns(parts[name], names, nodes))
    return Graph(nodes, order, now)


def _node(
    project: Project, draft: Draft, names: Names, now: datetime, problems: list[Diagnostic]
) -> ModelNode:
    model, settings, facts = draft.model, draft.settings, draft.facts or Facts()
    reads = _Reads()
    for table in facts.tables:
        _resolve(draft, table, names, reads, problems)
    reads.models.update(dict.fromkeys(sorted(draft.said.refs)))
    for dataset, name in draft.said.sources:
        if found := names.source(dataset, name):
            reads.sources[found] = None
    reads.externals.update((f"{name}()", None) for name in facts.unsure)
    return ModelNode(
        name=model.name,
        kind="model",
        schema=settings.schema,
        path=model.path,
        materialized=settings.materialized,
        canonical=facts.canonical,
        sql=_placed(set_clock(facts.sql, now), names, quoter(project.target.type)),
        depends_on=tuple(sorted(reads.models)),
        sources=tuple(sorted(reads.sources)),
        reads=tuple(sorted(reads.tables)),
        externals=tuple(sorted(reads.externals)),
        volatile=facts.volatile,
        tags=settings.tags,
        on_stale=settings.on_stale,
        config={**model.config, **draft.said.config},
        on_lines=bool(draft.rendered.pieces) and project.dialect == project.target.type,
    )


def _resolve(draft: Draft, table: Table, names: Names, reads: _Reads, problems: list[Diagnostic]) -> None:
    catalog, schema, name, offset = table
    if schema == UNKNOWN:
        return  # the call in the template has its diagnostic
    problem = None
    model = names.qualified(schema, name) if schema else names.model(name)
    landed = names.source(schema, name) if schema else None
    if catalog:
        reads.externals[f"{catalog}.{schema}.{name}"] = None
    elif model is not None:
        reads.models[model.name] = None
        problem = None if model.enabled else names.disabled(model)
    elif landed is not None:
        reads.sources[landed] = None
        reads.tables[_exact(landed, name)] = None
    elif schema:
        problem = names.no_table(schema, name)
        reads.externals[f"{schema}.{name}"] = None
    else:
        problem = names.no_model(name)
    if problem:
        problems.append(draft.rendered.problem(offset, *problem))


def _exact(landed: TableRef, name: str) -> TableRef:
    """The very table that is read: the resource's own, its change log, its keys or its raw rows."""
    return landed.suffixed(name[len(landed.name) :].lower())


def _placed(sql: str, names: Names, quote: Quote) -> str:
    def table(found: re.Match[str]) -> str:
        model = names.model(found[1])
        return f"{quote(model.schema)}.{quote(model.name)}" if model else found[1]

    return _TABLE_MARK.sub(table, sql)


def _columns(
    parts: tuple[ColumnPart, ...] | None, names: Names, nodes: Mapping[str, ModelNode]
) -> tuple[str, ...] | None:
    """Stars replaced by the columns of the models that they stand for."""
    found: list[str] = []
    for part in parts or ():
        if isinstance(part, str):
            found.append(part)
            continue
        model = names.qualified(*part) if part[0] else names.model(part[1])
        columns = nodes[model.name].columns if model and model.name in nodes else None
        if columns is None:
            return None
        found += columns
    return tuple(found) if parts is not None and len({name.lower() for name in found}) == len(found) else None
