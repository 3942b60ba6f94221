"""The drafts of all models become one graph: names resolved, circles named, stars filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tailrace.build.batch_inputs import Text, batch_inputs, by_way_of_ephemerals
from tailrace.build.calls import CTE, UNKNOWN, Said, quoter
from tailrace.build.clock import set_clock
from tailrace.build.ctes import ephemeral_ctes, with_ctes
from tailrace.build.facts import ColumnPart, Facts, Table
from tailrace.build.graph import Graph, ModelNode, ordered
from tailrace.build.marks import CTES, placed_tables
from tailrace.build.names import Names
from tailrace.build.origin import Origin
from tailrace.build.seeds import seed_node
from tailrace.build.settings.model import Settings
from tailrace.build.static import Rendered
from tailrace.errors import Diagnostic, Location
from tailrace.project.spec import ModelFile, Project
from tailrace.warehouse.base import TableRef


@dataclass(frozen=True)
class Draft:
    """A rendered model; `facts` are None where its SQL is wrong, which is a diagnostic already.

    `again` is what it becomes where its table stands already, `incremental` are the facts of that; None where that is the same.
    """

    model: ModelFile
    rendered: Rendered
    said: Said
    settings: Settings
    facts: Facts | None
    incremental: Facts | None = None
    again: Rendered | None = None


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
        named = names.model(seed.name)
        if named is not None and named.enabled:
            nodes[seed.name] = replace(
                seed_node(project.root, seed, problems, as_dbt=project.dbt is not None or bool(seed.package)),
                schema=named.schema,
                alias=named.alias,
            )
    parts: dict[str, tuple[ColumnPart, ...] | None] = {}
    for draft in drafts:
        nodes[draft.model.name] = _node(project, draft, names, now, problems)
        parts[draft.model.name] = draft.facts.columns if draft.facts else None
    order, cycles = ordered({name: node.depends_on for name, node in nodes.items()})
    for cycle in cycles:
        draft = next(draft for draft in drafts if draft.model.name == cycle[0])
        said = (
            f"models read each other: {' -> '.join(cycle)}" if len(cycle) > 2 else f"{cycle[0]} reads itself"
        )
        problems.append(_circle(draft, cycle[1], names, said))
    if not cycles:
        for name in order:
            if nodes[name].kind == "model":
                finished = _finished(nodes[name], parts[name], names, nodes)
                nodes[name] = by_way_of_ephemerals(finished, nodes)
    return Graph(
        nodes,
        order,
        now,
        on_run_start=_hooks(project, "on_run_start"),
        on_run_end=_hooks(project, "on_run_end"),
        project=project.dbt.name if project.dbt else project.name,
        database=project.target.path.stem if project.target.path else "",
        dialect=project.dialect,
    )


def _circle(draft: Draft, name: str, names: Names, said: str) -> Diagnostic:
    """At the place where the model names another one, or itself."""
    fix = "Break the circle"
    for _, schema, table, offset in draft.facts.tables if draft.facts else ():
        found = names.qualified(schema, table) if schema else names.model(table)
        if found is not None and found.name == name and name not in draft.said.refs:
            return draft.rendered.problem(offset, said, fix)
    return Diagnostic(draft.said.refs.get(name, Location(draft.model.path)), said, fix)


def _hooks(project: Project, when: str) -> tuple[tuple[str, str], ...]:
    """(package, template) of the project's hooks, behind those of its packages."""
    found = [(name, text) for name, package in project.packages.items() for text in getattr(package, when)]
    return (*found, *(("", text) for text in (getattr(project.dbt, when) if project.dbt else ())))


def _finished(
    node: ModelNode,
    parts: tuple[ColumnPart, ...] | None,
    names: Names,
    nodes: Mapping[str, ModelNode],
) -> ModelNode:
    """With its columns, and the CTEs of the ephemeral models that it reads."""
    columns = None if node.late else _with_meta(node, _columns(parts, names, nodes))
    if CTES not in node.sql and CTES not in node.incremental_sql:
        return node if columns is None else replace(node, columns=columns)
    if node.materialized == "ephemeral":  # its readers carry it, behind what it reads itself
        return replace(node, columns=columns, sql=node.sql.replace(CTES, ""))
    sql, *moved = with_ctes(node.sql, ephemeral_ctes(nodes, names, node.sql))
    more, *moved_too = with_ctes(node.incremental_sql, ephemeral_ctes(nodes, names, node.incremental_sql))
    return replace(
        node,
        columns=columns,
        sql=sql,
        incremental_sql=more,
        origin=node.origin and Origin(node.origin.rendered, *moved),
        incremental_origin=node.incremental_origin and Origin(node.incremental_origin.rendered, *moved_too),
    )


def _with_meta(node: ModelNode, columns: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """A snapshot's own columns behind those of its query, in dbt's order."""
    snapshot = node.settings.snapshot
    if snapshot is None or columns is None:
        return columns
    own = ["dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to"]
    own += ["dbt_is_deleted"] if snapshot.hard_deletes == "new_record" else []
    return (*columns, *(snapshot.columns[name] for name in own))


def _node(
    project: Project, draft: Draft, names: Names, now: datetime, problems: list[Diagnostic]
) -> ModelNode:
    model, settings, facts = draft.model, draft.settings, draft.facts or Facts()
    reads = _Reads()
    for found in (facts, draft.incremental or Facts()):
        for table in found.tables:
            _resolve(draft, table, names, reads, problems)
    reads.models.update(dict.fromkeys(sorted(draft.said.refs)))
    reads.models.pop(model.name, None) if draft.incremental or settings.incremental else None
    for dataset, name in draft.said.sources:
        _read_source(dataset, name, names, reads)
    if settings.contract:
        _read_referenced(model, names, reads, problems)
    reads.externals.update((f"{name}()", None) for name in facts.unsure)
    quote = quoter(project.target.type)
    incremental = draft.incremental
    own = project.dialect == project.target.type
    return ModelNode(
        name=model.name,
        kind="model",
        schema=settings.schema,
        path=model.path,
        materialized=settings.materialized,
        canonical=facts.canonical + (incremental.canonical if incremental else ""),
        sql=placed_tables(set_clock(facts.sql, now), names, quote),
        depends_on=tuple(sorted(reads.models)),
        sources=tuple(sorted(reads.sources)),
        reads=tuple(sorted(reads.tables)),
        externals=tuple(sorted(reads.externals)),
        volatile=facts.volatile or bool(incremental and incremental.volatile),
        tags=settings.tags,
        on_stale=settings.on_stale,
        config=settings.config,
        origin=Origin(draft.rendered) if own else None,
        incremental_origin=Origin(draft.again) if own and draft.again else None,
        package=model.package,
        alias=settings.alias,
        settings=settings,
        incremental_sql=placed_tables(set_clock(incremental.sql, now), names, quote) if incremental else "",
        late=draft.said.late,
        batch_inputs=batch_inputs(draft.said, _texts(draft), names, project.dialect),
        documented=model.columns,
        source_calls=tuple(sorted(draft.said.sources)),
        constraints=model.constraints,
    )


def _texts(draft: Draft) -> list[Text]:
    """The SQL of both forms with the tables that it names."""
    pairs = ((draft.rendered, draft.facts), (draft.again, draft.incremental))
    return [(rendered.sql, facts.tables) for rendered, facts in pairs if rendered and facts]


def _read_referenced(model: ModelFile, names: Names, reads: _Reads, problems: list[Diagnostic]) -> None:
    """What foreign keys of a contract refer to is there before they are checked."""
    from tailrace.build.materialize.foreign_key import referenced

    for name, place in referenced(model):
        found = names.model(name)
        if found is None or not found.enabled:
            problems.append(Diagnostic(place, *(names.disabled(found) if found else names.no_model(name))))
        elif found.name != model.name:
            reads.models[found.name] = None


def _read_source(dataset: str, name: str, names: Names, reads: _Reads) -> None:
    """A source() call; what is declared may be a model or seed of ours, a landed table, or somebody else's."""
    declared = names.declared_source(dataset, name)
    schema, table = (declared.schema, declared.identifier) if declared else (dataset, name)
    if declared and (model := names.qualified(schema, table)) and model.enabled:
        reads.models[model.name] = None
    elif landed := names.source(schema, table):
        reads.sources[landed] = None
    elif declared:
        reads.externals[f"{schema}.{table}"] = None


def _resolve(draft: Draft, table: Table, names: Names, reads: _Reads, problems: list[Diagnostic]) -> None:
    catalog, schema, name, offset = table
    if schema == UNKNOWN or (not schema and name.startswith(CTE)):
        return  # the call in the template has its diagnostic, or is a dependency already
    problem = None
    model = names.qualified(schema, name) if schema else names.model(name)
    landed = names.source(schema, name) if schema else None
    if catalog:
        reads.externals[f"{catalog}.{schema}.{name}"] = None
    elif model is not None and model.name == draft.model.name and draft.settings.incremental:
        return  # an incremental model may look at what it holds already
    elif model is not None:
        reads.models[model.name] = None
        problem = None if model.enabled else names.disabled(model)
    elif landed is not None:
        reads.sources[landed] = None
        reads.tables[_exact(landed, name)] = None
    elif schema:
        problem = names.no_table(schema, name)
        reads.externals[f"{schema}.{name}"] = None
    elif names.lax:
        reads.externals[name] = None
    else:
        problem = names.no_model(name)
    if problem:
        problems.append(draft.rendered.problem(offset, *problem))


def _exact(landed: TableRef, name: str) -> TableRef:
    """The very table that is read: the resource's own, its change log, its keys or its raw rows."""
    return landed.suffixed(name[len(landed.name) :].lower())


def _columns(
    parts: tuple[ColumnPart, ...] | None, names: Names, nodes: Mapping[str, ModelNode]
) -> tuple[str, ...] | None:
    """Stars replaced by the columns of the models that they stand for."""
    found: list[str] = []
    for part in parts or ():
        if isinstance(part, str):
            found.append(part)
            continue
        name = part[1].removeprefix(CTE)
        model = names.qualified(*part) if part[0] else names.model(name)
        columns = nodes[model.name].columns if model and model.name in nodes else None
        if columns is None:
            return None
        found += columns
    return tuple(found) if parts is not None and len({name.lower() for name in found}) == len(found) else None
