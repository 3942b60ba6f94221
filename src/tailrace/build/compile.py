"""The project's models as one graph: templates rendered, tables resolved, every problem of every file at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tailrace.build.facts import RUN_DATE, RUN_INSTANT, FactCache, Facts
from tailrace.build.graph import Graph, ModelNode, ordered
from tailrace.build.jinja import TOKEN, MacroProblem, Rendered, Renderer, TemplateProblem
from tailrace.errors import Diagnostic, Location, ProjectError, near_miss
from tailrace.project.spec import ModelFile, Project, SeedFile
from tailrace.warehouse.base import TableRef

KINDS = ("view", "table")
LATER = ("incremental", "snapshot", "ephemeral", "microbatch", "materialized_view")
CONFIG = ("materialized", "schema", "tags", "enabled", "on_stale", "description", "meta")
SEED_CONFIG = ("column_types", "tags", "enabled", "description", "meta")
SUFFIXES = ("", "__changes", "__keys", "__raw")


@dataclass
class _Draft:
    model: ModelFile
    rendered: Rendered
    config: dict[str, Any]
    facts: Facts = field(default_factory=Facts)


def compile_project(project: Project, *, now: datetime, cache_dir: Path | None) -> Graph:
    """Raises ProjectError with every diagnostic of every model; asks no warehouse."""
    return _Compiler(project, now, cache_dir).graph()


class _Compiler:
    def __init__(self, project: Project, now: datetime, cache_dir: Path | None) -> None:
        self.project = project
        self.now = now
        target = "bigquery" if project.target.type == "bigquery" else "duckdb"
        self.cache = FactCache(cache_dir, (project.dialect, target))
        self.problems: list[Diagnostic] = []
        self.drafts: dict[str, _Draft] = {}
        self.tables: dict[str, TableRef] = {}
        self.landed = {
            (pipeline.dataset, resource.name + suffix)
            for pipeline in project.pipelines
            for resource in pipeline.resources
            for suffix in SUFFIXES
        }

    def graph(self) -> Graph:
        self._render_all()
        seeds = [_seed(self.project, seed, self.problems) for seed in self.project.seeds]
        self.tables = {
            name: TableRef(d.config.get("schema") or d.model.schema, name) for name, d in self.drafts.items()
        }
        self.tables |= {seed.name: seed.table for seed in seeds}
        nodes = {seed.name: seed for seed in seeds}
        quoted = {name: f'"{ref.schema}"."{ref.name}"' for name, ref in self.tables.items()}
        for name, draft in self.drafts.items():
            draft.facts = self.cache.get(
                TOKEN.sub(lambda found: _quoted(quoted, found), draft.rendered.sql), quoted
            )
            nodes[name] = self._node(name, draft)
        order, cycle = ordered({name: node.depends_on for name, node in nodes.items()})
        if cycle:
            self._at(
                nodes[cycle[0]].path, f"models read each other: {' -> '.join(cycle)}", "Break the circle"
            )
        if self.problems:
            raise ProjectError(self.problems)
        return Graph(nodes, order, self.now.date().isoformat())

    def _at(self, path: str, message: str, fix: str = "", line: int = 1, col: int = 1) -> None:
        self.problems.append(Diagnostic(Location(path, line, col), message, fix))

    def _render_all(self) -> None:
        renderer = Renderer(self.project)
        for model in self.project.models:
            try:
                rendered = renderer.render(model)
            except TemplateProblem as problem:
                self._at(model.path, problem.message, problem.fix, problem.line)
                rendered = Rendered("SELECT 1 AS broken", static=False)
            except MacroProblem as problem:
                self.problems.append(problem.diagnostic)
                rendered = Rendered("SELECT 1 AS broken", static=False)
            config = {**model.config, **rendered.config}
            if self._config_enabled(model, rendered, config):
                self.drafts[model.name] = _Draft(model, rendered, config)

    def _config_enabled(self, model: ModelFile, rendered: Rendered, config: Mapping[str, Any]) -> bool:
        for key, value in config.items():
            place = _config_place(model, key, in_file=key in rendered.config)
            if key not in CONFIG:
                self.problems.append(
                    Diagnostic(place, f"models have no config {key} in this release", near_miss(key, CONFIG))
                )
            elif key == "materialized" and value not in KINDS:
                fix = "this release builds view and table" if value in LATER else near_miss(str(value), KINDS)
                self.problems.append(Diagnostic(place, f"materialized: {value} is not known here", fix))
            elif key == "on_stale" and value not in ("build", "skip"):
                self.problems.append(
                    Diagnostic(place, f"on_stale: {value} is not known", "It is build or skip")
                )
        return config.get("enabled", True) is not False

    def _node(self, name: str, draft: _Draft) -> ModelNode:
        model, facts = draft.model, draft.facts
        for problem in facts.problems:
            where = "" if draft.rendered.static else f" (line {problem.line} of what the template renders)"
            line, col = (problem.line, problem.col) if draft.rendered.static else (1, 1)
            self._at(model.path, problem.message + where, problem.fix, line, col)
        reads = self._reads(draft)
        tags = draft.config.get("tags") or ()
        return ModelNode(
            name, "model", self.tables[name].schema, model.path, str(draft.config.get("materialized", "view")), facts.canonical,
            self._set_clock(facts.sql), tuple(sorted(reads.models)), tuple(sorted(reads.sources)), tuple(sorted(reads.externals)),
            facts.volatile, facts.columns, tuple(dict.fromkeys([*model.tags, *([tags] if isinstance(tags, str) else tags)])),
            str(draft.config.get("on_stale", "build")), draft.config,
        )  # fmt: skip

    def _set_clock(self, sql: str) -> str:
        instant = self.now.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
        return sql.replace(RUN_DATE, self.now.date().isoformat()).replace(RUN_INSTANT, instant)

    def _reads(self, draft: _Draft) -> _Reads:
        """What a model reads, by who makes it."""
        reads = _Reads()
        for name in draft.rendered.refs:
            if name not in self.tables:
                place = _find(draft.model.sql, name)
                self._at(
                    draft.model.path,
                    f"there is no model or seed {name}",
                    near_miss(name, list(self.tables)),
                    *place,
                )
        for dataset, table in draft.rendered.sources:
            self._check_source(draft.model, dataset, table)
        by_table = {(ref.schema.lower(), ref.name.lower()): name for name, ref in self.tables.items()}
        for catalog, schema, name in draft.facts.tables:
            if (schema.lower(), name.lower()) in by_table:
                reads.models.add(by_table[schema.lower(), name.lower()])
            elif not schema:
                self._bare(draft, name, reads)
            elif (schema, name) in self.landed and not catalog:
                reads.sources.add(TableRef(schema, name))
            else:
                reads.externals.add(".".join(part for part in (catalog, schema, name) if part))
        return reads

    def _bare(self, draft: _Draft, name: str, reads: _Reads) -> None:
        found = {known.lower(): known for known in self.tables}.get(name.lower())
        if found is not None:
            reads.models.add(found)
        elif not name.startswith("__ref:"):
            fix = near_miss(name, list(self.tables))
            self._at(
                draft.model.path, f"there is no model or seed {name}", fix, *_find(draft.model.sql, name)
            )

    def _check_source(self, model: ModelFile, dataset: str, table: str) -> None:
        attached = {other["alias"] for other in self.project.target.attach}
        datasets = {schema for schema, _ in self.landed}
        if (dataset, table) in self.landed or dataset in attached:
            return
        place = _find(model.sql, table if dataset in datasets else dataset)
        if dataset in datasets:
            known = sorted(name for schema, name in self.landed if schema == dataset and "__" not in name)
            self._at(model.path, f"no pipeline lands {dataset}.{table}", near_miss(table, known), *place)
        else:
            fix = near_miss(dataset, sorted(datasets | attached))
            self._at(model.path, f"no pipeline lands into {dataset}", fix, *place)


@dataclass
class _Reads:
    models: set[str] = field(default_factory=set)
    sources: set[TableRef] = field(default_factory=set)
    externals: set[str] = field(default_factory=set)


def _quoted(quoted: Mapping[str, str], found: Any) -> str:
    return quoted.get(found[1], found[0])


def _find(text: str, word: str) -> tuple[int, int]:
    """Line and column of a word's first place in a text; 1:1 where a template made it."""
    at = text.find(word)
    if at < 0:
        return 1, 1
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _config_place(model: ModelFile, key: str, *, in_file: bool) -> Location:
    if not in_file and key in model.config_places:
        return model.config_places[key]
    return Location(model.path, *_find(model.sql, key))


def _seed(project: Project, seed: SeedFile, problems: list[Diagnostic]) -> ModelNode:
    """A CSV file; its content is its meaning."""
    problems.extend(_seed_problems(seed))
    content = hashlib.sha256((project.root / seed.path).read_bytes())
    types = seed.config.get("column_types") or {}
    content.update(repr(sorted(types.items()) if isinstance(types, Mapping) else types).encode())
    return ModelNode(
        seed.name,
        "seed",
        seed.schema,
        seed.path,
        "seed",
        content.hexdigest(),
        tags=seed.tags,
        config=seed.config,
    )


def _seed_problems(seed: SeedFile) -> Iterator[Diagnostic]:
    for key in seed.config:
        if key not in SEED_CONFIG:
            place = seed.config_places.get(key, Location(seed.path))
            yield Diagnostic(
                place, f"seeds have no config {key} in this release", near_miss(key, SEED_CONFIG)
            )
