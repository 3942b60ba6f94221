"""The project's models as one graph: templates rendered, tables resolved, every problem of every file at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from tailrace.build.assemble import Draft, assemble
from tailrace.build.calls import Calls, Said, digest, quoter
from tailrace.build.facts import Cache, Facts, key_of, version_of
from tailrace.build.graph import Graph
from tailrace.build.names import Named, Names, names_of
from tailrace.build.settings.model import Settings, settings_of
from tailrace.build.static import Call, Rendered, config_calls, place, render, scan
from tailrace.errors import Diagnostic, Location, ProjectError
from tailrace.project.spec import ModelFile, Project, Suite, Sync


def compile_project(project: Project, *, now: datetime, cache_dir: Path | None) -> Graph:
    """Every model and seed in one graph, the clock of its SQL set to `now`; asks no warehouse.

    Raises ProjectError with every diagnostic of every file. `cache_dir` may be deleted at any time.
    """
    problems: list[Diagnostic] = []
    target = "bigquery" if project.target.type == "bigquery" else "duckdb"
    cache = Cache(cache_dir, version_of(project.dialect, target))
    names = names_of(project, _placed(project, problems))
    _refuse_switched_off(project, names, problems)
    renderer = _Renderer(project, names, cache, problems)
    drafts = []
    for model in project.models:
        rendered = renderer.render(model)
        if rendered is not None:
            drafts.append(_draft(model, *rendered, cache, (project.dialect, target), problems))
    graph = assemble(project, drafts, names, now.astimezone(UTC), problems)
    if problems:
        raise ProjectError(problems)
    cache.save()
    return graph


def _placed(project: Project, problems: list[Diagnostic]) -> dict[str, Named]:
    """Where each model is built and whether it is enabled: known before any template runs, since ref() needs it."""
    placed = {seed.name.casefold(): Named(seed.name, seed.schema, "seed") for seed in project.seeds}
    for model in project.models:
        early: dict[str, Any] = {}
        for call in config_calls(model.sql) if "config" in model.sql else ():
            early.update(call.kwargs or {})
        settings = settings_of(model, early, partial(_anywhere, model), [])
        placed[model.name.casefold()] = Named(model.name, settings.schema, "model", settings.enabled)
    datasets = {pipeline.dataset.casefold(): pipeline for pipeline in project.pipelines}
    for model in project.models:
        schema = placed[model.name.casefold()].schema
        if schema != model.schema and schema.casefold() in datasets:
            at = _word(model, "schema")
            problems.append(
                Diagnostic(at, f"schema {schema} is a pipeline's dataset", "Choose another schema")
            )
    return placed


def _refuse_switched_off(project: Project, names: Names, problems: list[Diagnostic]) -> None:
    """A suite or sync of a model that is not built would have nothing to read."""
    readers: tuple[Suite | Sync, ...] = (*project.suites, *project.syncs)
    for reader in readers:
        found = names.model(reader.model)
        if found is not None and not found.enabled:
            problems.append(Diagnostic(reader.marks.at("model"), *names.disabled(found)))


@dataclass
class _Renderer:
    project: Project
    names: Names
    cache: Cache
    problems: list[Diagnostic]
    _templates: Any = None
    _shared: str = ""

    def render(self, model: ModelFile) -> tuple[Rendered, Said, Settings] | None:
        """The model's SQL and what its template said; None where it failed or is switched off."""
        calls = scan(model.sql)
        before = len(self.problems)
        found = self._literal(model, calls) if calls is not None else self._with_jinja(model)
        if found is None:
            return None
        rendered, said = found
        settings = self._settings(model, said)
        if not settings.enabled:
            del self.problems[before:]  # what is switched off may be half written
            return None
        return rendered, said, settings

    def _settings(self, model: ModelFile, said: Said) -> Settings:
        settings = settings_of(
            model, said.config, lambda key: said.places.get(key, Location(model.path)), self.problems
        )
        placed = self.names.tables[model.name.casefold()]
        for key in ("schema", "enabled"):
            if getattr(settings, key) != getattr(placed, key):
                message = f"{key} is needed before templates run, and here it depends on one"
                fix = f"Write config({key}=...) with a literal, once"
                self.problems.append(Diagnostic(said.places.get(key, Location(model.path)), message, fix))
        return replace(settings, schema=placed.schema)

    def _literal(self, model: ModelFile, calls: list[Call]) -> tuple[Rendered, Said]:
        """A template without anything for Jinja to evaluate."""
        at = 0

        def answer(call: Call) -> str:
            nonlocal at
            at = call.start
            return str(functions.call(call.name, call.args, call.kwargs or {})) if call.name else ""

        def where(word: str) -> Location:
            found = model.sql.find(word, at) if word else -1
            end = next((call.end for call in calls if call.start == at), len(model.sql))
            return place(model.path, model.sql, found if at <= found < end else at)

        functions = self._calls(model, where)
        return render(model.path, model.sql, calls, answer), functions.said

    def _calls(self, model: ModelFile, where: Callable[[str], Location]) -> Calls:
        quote = quoter(self.project.dialect)
        return Calls(model, self.names, self.project.vars, quote, where, self.problems)

    def _with_jinja(self, model: ModelFile) -> tuple[Rendered, Said] | None:
        key = key_of("rendered", model.path, model.sql, self._surroundings())
        if kept := self._kept(key):
            return Rendered(kept[0], model.path, model.sql), kept[1]
        before = len(self.problems)
        templates = self._ready()
        functions = self._calls(model, lambda word: templates.where(model, word))
        sql = templates.render(model, functions)
        if sql is None:
            return None
        said = functions.said
        if len(self.problems) == before and not said.spoke:
            self.cache.put(key, self._keep(sql, said))
        return Rendered(sql, model.path, model.sql), said

    def _ready(self) -> Any:
        if self._templates is None:
            from tailrace.build.jinja import Templates

            self._templates = Templates(self.project, self.problems)
        return self._templates

    def _surroundings(self) -> str:
        """What every template of the project may read."""
        if not self._shared:
            target = self.project.target
            parts = [
                dict(self.project.vars),
                dict(self.project.macros),
                target.name,
                target.type,
                self.project.name,
            ]
            self._shared = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS, default=str).decode()
        return self._shared

    def _keep(self, sql: str, said: Said) -> dict[str, Any]:
        schemas = {name: self._schema(name) for name in said.refs}
        return {
            "sql": sql, "refs": schemas, "sources": [list(pair) for pair in said.sources], "config": said.config, "env": said.env,
        }  # fmt: skip

    def _kept(self, key: str) -> tuple[str, Said] | None:
        """What the template gave last time, if all that it asked for would be answered the same today."""
        kept = self.cache.get(key)
        if kept is None:
            return None
        same = (
            all(self._schema(name) == schema for name, schema in kept["refs"].items())
            and all(digest(os.environ.get(name)) == value for name, value in kept["env"].items())
            and all(self.names.source(*pair) or not self.names.no_table(*pair) for pair in kept["sources"])
        )
        if not same:
            return None
        said = Said(config=kept["config"], env=kept["env"])
        said.refs.update((name, Location("")) for name in kept["refs"])
        said.sources.update(((dataset, table), Location("")) for dataset, table in kept["sources"])
        return kept["sql"], said

    def _schema(self, name: str) -> str:
        found = self.names.model(name)
        return found.schema if found and found.enabled else ""


def _draft(
    model: ModelFile,
    rendered: Rendered,
    said: Said,
    settings: Settings,
    cache: Cache,
    dialects: tuple[str, str],
    problems: list[Diagnostic],
) -> Draft:
    """The model with its facts, from the cache or from sqlglot."""
    key = key_of("facts", rendered.sql)
    kept = cache.get(key)
    if kept is not None:
        return Draft(model, rendered, said, settings, Facts.read(kept))
    from tailrace.build.sql import Wrong, read_sql

    try:
        facts = read_sql(rendered.sql, *dialects)
    except Wrong as wrong:
        problems += [rendered.problem(found.offset, found.message, found.fix) for found in wrong.problems]
        return Draft(model, rendered, said, settings, None)
    cache.put(key, _plain(facts))
    return Draft(model, rendered, said, settings, facts)


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


def _word(model: ModelFile, word: str) -> Location:
    """Where a configuration key stands: in the YAML, or in the file."""
    found = model.sql.find(word)
    return model.config_places.get(word) or place(model.path, model.sql, max(0, found))


def _anywhere(model: ModelFile, _key: str) -> Location:
    return Location(model.path)
