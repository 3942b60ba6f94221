"""The whole project as one graph, from vendor resources to syncs, and the part of it that a command was asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tailrace.build.compile import compile_project
from tailrace.build.graph import Graph
from tailrace.build.testing.reading import words_in
from tailrace.connectors.sdk import registry
from tailrace.errors import ProjectError
from tailrace.plan.check import check_project
from tailrace.plan.conditions import Conditions
from tailrace.project.selection import Node, select
from tailrace.project.spec import Pipeline, Project, Resource, Suite, Sync


@dataclass(frozen=True)
class Resolved:
    """A project that passed every offline check, its model graph, and all its nodes by id."""

    project: Project
    graph: Graph
    nodes: Mapping[str, Node]


@dataclass(frozen=True)
class Chosen:
    """What a command is to work on. `models` are names of models and seeds."""

    pipelines: tuple[Pipeline, ...]
    models: frozenset[str]
    suites: tuple[Suite, ...]
    syncs: tuple[Sync, ...]


def resolve(project: Project, *, now: datetime) -> Resolved:
    """Compile and check; ProjectError with all diagnostics of models, connections, suites and syncs."""
    declared, project = project, with_resources(project)
    unread = Graph({}, (), now)
    try:
        graph = compile_project(project, now=now, cache_dir=project.state_dir / "cache")
    except ProjectError as error:
        # a model that does not compile hides nothing of what is wrong elsewhere
        raise ProjectError([*error.diagnostics, *check_project(declared, unread)]) from None
    conditions = Conditions(project.state_dir / "cache")
    problems = check_project(declared, graph, conditions)
    if problems:
        raise ProjectError(problems)
    conditions.save()
    return Resolved(project, graph, {node.id: node for node in nodes_of(project, graph)})


def with_resources(project: Project) -> Project:
    """Pipelines that name no resources, with those that their source's options tell without opening it."""
    return replace(project, pipelines=tuple(_with_resources(pipeline) for pipeline in project.pipelines))


def _with_resources(pipeline: Pipeline) -> Pipeline:
    declaration = registry.declaration(pipeline.source) if pipeline.is_open else None
    if declaration is None or declaration.resource_names is None:
        return pipeline
    names = declaration.resource_names(pipeline.options) or ()
    return replace(pipeline, resources=tuple(Resource(name, {}, pipeline.marks) for name in names))


def choose(
    resolved: Resolved,
    selects: Sequence[str],
    excludes: Sequence[str] = (),
    modified: frozenset[str] = frozenset(),
) -> Chosen:
    """The nodes that SELECT names; all of them without one. `modified` are model names for `state:modified`."""
    ids = select(
        list(resolved.nodes.values()), list(selects), list(excludes), {f"model:{name}" for name in modified}
    )
    project = resolved.project
    return Chosen(
        tuple(pipeline for pipeline in project.pipelines if f"pipeline:{pipeline.name}" in ids),
        frozenset(
            node.name for node in resolved.nodes.values() if node.kind in ("model", "seed") and node.id in ids
        ),
        tuple(suite for suite in project.suites if f"suite:{suite.name}" in ids),
        tuple(sync for sync in project.syncs if f"sync:{sync.name}" in ids),
    )


def nodes_of(project: Project, graph: Graph) -> list[Node]:
    """Pipelines, the tables they land, seeds, models, suites, syncs and exposures, in the order in which a run reaches them."""
    own = project.dbt.name if project.dbt else project.name
    ids = {name: f"{graph.nodes[name].kind}:{name}" for name in graph.order}
    sources = list(_sources(project, graph, own))
    return [
        *(Node(f"pipeline:{p.name}", "pipeline", p.name, p.tags, p.path, ()) for p in project.pipelines),
        *sources,
        *_models(project, graph, ids, {source.id for source in sources}, own),
        *(Node(f"suite:{s.name}", "suite", s.name, (), s.path, (ids[s.model],)) for s in project.suites),
        *_syncs(project, ids),
        *_exposures(project, ids, own),
    ]


def _sources(project: Project, graph: Graph, own: str) -> Iterator[Node]:
    """Landed tables behind their pipelines, then those that are only declared."""
    landed = {(p.dataset, r.name): p for p in project.pipelines for r in p.resources}
    landed |= _read_of_open(project, graph)
    for (dataset, table), p in landed.items():
        name = f"{dataset}.{table}"
        yield Node(f"source:{name}", "source", name, p.tags, p.path, (f"pipeline:{p.name}",), own)
    for s in project.sources:
        if s.enabled and (s.source, s.name) not in landed:
            name = f"{s.source}.{s.name}"
            yield Node(f"source:{name}", "source", name, s.tags, s.path, (), s.package or own)


def _models(
    project: Project, graph: Graph, ids: Mapping[str, str], sources: Collection[str], own: str
) -> Iterator[Node]:
    metas = {model.name: model.meta for model in project.models if model.meta}
    metas |= {seed.name: seed.meta for seed in project.seeds if seed.meta}
    for name in graph.order:
        model = graph.nodes[name]
        read = [f"source:{found.schema}.{found.name}" for found in model.sources]
        read += [f"source:{source}.{table}" for source, table in model.source_calls]
        upstream = [ids[other] for other in model.depends_on]
        upstream += sorted({found for found in read if found in sources})
        config = {**model.config, "materialized": model.materialized, "tags": model.tags}
        if name in metas or "meta" in config:
            config["meta"] = {**metas.get(name, {}), **(config.get("meta") or {})}
        package = model.package or own
        fqn = (package, *_folders(project, model.path, model.package), name)
        yield Node(ids[name], model.kind, name, model.tags, model.path, tuple(upstream), package, config, fqn)


def _syncs(project: Project, ids: Mapping[str, str]) -> Iterator[Node]:
    for sync in project.syncs:
        upstream = [ids[sync.model], *([f"suite:{sync.validate}"] if sync.validate else [])]
        yield Node(f"sync:{sync.name}", "sync", sync.name, sync.tags, sync.path, tuple(upstream))


def _folders(project: Project, path: str, package: str) -> tuple[str, ...]:
    """The folders of a file below `models/` or its like, in its own package."""
    found = project.packages.get(package)
    return tuple((path.removeprefix(f"{found.path}/") if found else path).split("/")[1:-1])


def _exposures(project: Project, ids: Mapping[str, str], own: str) -> Iterator[Node]:
    """Who reads models outside of the project: selections go through them, and no step has anything to do there."""
    folded = {name.casefold(): node_id for name, node_id in ids.items()}
    for exposure in project.exposures:
        reads = words_in(" ".join(exposure.depends_on))
        upstream = [folded[name.casefold()] for name in reads.models if name.casefold() in folded]
        upstream += [f"source:{source}.{table}" for source, table in reads.sources]
        yield Node(
            f"exposure:{exposure.name}",
            "exposure",
            exposure.name,
            exposure.tags,
            exposure.path,
            tuple(upstream),
            exposure.package or own,
            {"meta": exposure.meta},
        )


def _read_of_open(project: Project, graph: Graph) -> dict[tuple[str, str], Pipeline]:
    """What models read of the datasets of pipelines whose resources nobody knows before the run."""
    opened = {pipeline.dataset: pipeline for pipeline in project.pipelines if pipeline.is_open}
    read = {(source.schema, source.name) for name in graph.order for source in graph.nodes[name].sources}
    return {table: opened[table[0]] for table in sorted(read) if table[0] in opened}
