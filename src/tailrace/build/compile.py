"""The project's models as one graph: templates rendered, tables resolved, every problem of every file at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tailrace.build.assemble import Draft, assemble
from tailrace.build.calls import Owner
from tailrace.build.facts import Cache, Facts, Table, key_of, version_of
from tailrace.build.graph import Graph
from tailrace.build.late import LateTemplates
from tailrace.build.names import Names, names_of
from tailrace.build.placing import Placing, is_lenient
from tailrace.build.plain import known_tables, plain_tables
from tailrace.build.rendering import Renderer, Template
from tailrace.build.settings.model import Settings, settings_of
from tailrace.build.static import Rendered
from tailrace.build.wording import wording
from tailrace.errors import Diagnostic, Location, ProjectError, near_miss
from tailrace.project.spec import ModelFile, Project, Suite, Sync


def compile_project(project: Project, *, now: datetime, cache_dir: Path | None) -> Graph:
    """Every model and seed in one graph, the clock of its SQL set to `now`; asks no warehouse.

    Raises ProjectError with every diagnostic of every file. `cache_dir` may be deleted at any time.
    """
    cache = Cache(cache_dir, version_of(project.dialect, _target(project)))
    try:
        return _compiled(project, cache, now.astimezone(UTC), exact=False)
    except ProjectError:
        # what is wrong is placed in the text as it is now, which is not the one that was parsed
        return _compiled(project, cache, now.astimezone(UTC), exact=True)


def _compiled(project: Project, cache: Cache, now: datetime, *, exact: bool) -> Graph:
    problems: list[Diagnostic] = []
    renderer = Renderer(project, cache, problems, now, exact=exact)
    placing = Placing(project, renderer.early, renderer.generate, problems)
    renderer.names = names = names_of(project, placing.placed())
    _refuse_switched_off(project, names, problems)
    drafts = [found for model in project.models if (found := _draft(model, renderer, placing, problems))]
    graph = assemble(project, drafts, names, now, problems)
    if problems:
        raise ProjectError(problems)
    cache.save()
    written = {draft.model.name: (draft.rendered, draft.again) for draft in drafts}
    return replace(graph, late=LateTemplates(renderer, now, graph.nodes, written=written))


def _target(project: Project) -> str:
    return "bigquery" if project.target.type == "bigquery" else "duckdb"


def _refuse_switched_off(project: Project, names: Names, problems: list[Diagnostic]) -> None:
    """A suite or sync of a model that is not built would have nothing to read."""
    readers: tuple[Suite | Sync, ...] = (*project.suites, *project.syncs)
    for reader in readers:
        found = names.model(reader.model)
        if found is not None and not found.enabled:
            problems.append(Diagnostic(reader.marks.at("model"), *names.disabled(found)))
        elif found is not None and found.materialized == "ephemeral":
            said = f"{found.name} is ephemeral: no table of it can be read"
            problems.append(Diagnostic(reader.marks.at("model"), said, "Materialize it as a view or table"))


def _draft(
    model: ModelFile, renderer: Renderer, placing: Placing, problems: list[Diagnostic]
) -> Draft | None:
    """The model rendered and read; None where it failed or is switched off."""
    placed = renderer.names.tables[model.name.casefold()]
    if not placed.enabled:
        return None  # what is switched off may be half written
    early = {**model.config, **placing.early_config(model), **model.overrides}
    batched = (early.get("materialized"), early.get("incremental_strategy")) == ("incremental", "microbatch")
    owner = Owner(model.name, model.path, model.package, placed, early, batched=batched)
    template = renderer.render(model, owner, incremental=early.get("materialized") == "incremental")
    if template is None:
        return None
    settings = _settings(model, template, renderer)
    if template.said.late:
        digest = key_of(model.sql, renderer.surroundings())
        facts: Facts | None = Facts(canonical=digest, tables=_named(template.rendered, renderer))
    else:
        facts = _facts(template.rendered, renderer, problems)
    second = template.incremental
    if facts and not template.said.late:
        _refuse_unknown_columns(settings, facts, renderer.problems)
    incremental = _facts(second, renderer, problems) if second and facts and not template.said.late else None
    return Draft(model, template.rendered, template.said, settings, facts, incremental, second)


def _refuse_unknown_columns(settings: Settings, facts: Facts, problems: list[Diagnostic]) -> None:
    """Where the SQL names its columns, what BigQuery is to keep them by is among them."""
    names = [one for one in facts.columns or () if isinstance(one, str)]
    if settings.storage is None or facts.columns is None or len(names) < len(facts.columns):
        return
    partition = settings.storage.partition
    wanted = {
        "partition_by": (partition.field,) if partition else (),
        "cluster_by": settings.storage.cluster_by,
    }
    for key, columns in wanted.items():
        for column in columns:
            if column.casefold() not in {name.casefold() for name in names}:
                fix = near_miss(column, names)
                said = f"{key} names {column}, which is no column of the model"
                place = settings.places[key]
                problems.append(Diagnostic(place, said, fix[:1].upper() + fix[1:]))


def _settings(model: ModelFile, template: Template, renderer: Renderer) -> Settings:
    said = template.said
    settings = settings_of(
        model,
        said.config,
        lambda key: said.places.get(key, Location(model.path)),
        renderer.problems,
        lenient=is_lenient(renderer.project, model.package),
        engine=renderer.project.target.type,
    )
    placed = renderer.names.tables[model.name.casefold()]
    known: Mapping[str, Any] = {
        "materialized": placed.materialized,
        "enabled": placed.enabled,
        "event_time": placed.event_time,
    }
    found = {key: getattr(settings, key) for key in known}
    if renderer.project.dbt is None and not model.package:
        known = {**known, "schema": placed.schema, "alias": placed.alias}
        found |= {"schema": settings.schema or model.schema, "alias": settings.alias}
    for key, value in known.items():
        if found[key] != value:
            message = f"{key} is needed before templates run, and here it depends on one"
            fix = f"Write config({key}=...) with a literal, once"
            renderer.problems.append(Diagnostic(said.places.get(key, Location(model.path)), message, fix))
    return replace(settings, schema=placed.schema, alias=placed.alias)


def _facts(rendered: Rendered, renderer: Renderer, problems: list[Diagnostic]) -> Facts | None:
    """The facts of a model's SQL, from the cache or from sqlglot."""
    key = key_of("facts", rendered.sql)
    kept = renderer.cache.get(key)
    if kept is not None:
        return Facts.read(kept)
    words = wording(rendered.sql)
    said = key_of("wording", words) if words is not None else ""
    if said and not renderer.exact and (kept := renderer.cache.alike("wording", said)):
        renderer.cache.put(key, {**kept, "sql": rendered.sql})
        return Facts.read({**kept, "sql": rendered.sql})
    from tailrace.build.sql import Wrong, read_sql

    try:
        facts = read_sql(rendered.sql, renderer.project.dialect, _target(renderer.project))
    except Wrong as wrong:
        problems += [rendered.problem(found.offset, found.message, found.fix) for found in wrong.problems]
        return None
    marked = facts.sql != rendered.sql  # at places of this very text
    renderer.cache.put(key, {**_plain(facts), "wording": "" if marked else said})
    return facts


def _named(rendered: Rendered, renderer: Renderer) -> tuple[Table, ...]:
    """Models and landed tables that a template names plainly before it got any answer; its SQL may be none yet."""
    found = _facts(rendered, renderer, [])
    return known_tables(found.tables if found else plain_tables(rendered.sql), renderer.names)


def _plain(facts: Facts) -> Mapping[str, Any]:
    """As JSON gives it back, so that a kept and a fresh entry are alike."""
    return {
        "sql": facts.sql,
        "canonical": facts.canonical,
        "tables": [list(table) for table in facts.tables],
        "columns": None
        if facts.columns is None
        else [c if isinstance(c, str) else list(c) for c in facts.columns],
        "volatile": facts.volatile,
        "unsure": list(facts.unsure),
    }
