"""A unit test's overrides: the model is compiled once more, alone, over inputs that are plain tables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tailrace.build import clock
from tailrace.build.compile import compile_project
from tailrace.build.graph import Graph, ModelNode
from tailrace.build.testing.macro_overrides import overridden, override_problem
from tailrace.errors import Diagnostic, near_miss
from tailrace.project.spec import EMPTY, ModelFile, Project, SeedFile, UnitTest

KINDS = ("macros", "vars", "env_vars")
_STUB = "SELECT 1 AS stub"


@dataclass(frozen=True)
class Overrides:
    """`incremental`: is_incremental() is true. `now` is the clock that a word for now was overridden with."""

    incremental: bool = False
    now: datetime | None = None
    macros: Mapping[str, Any] = field(default_factory=dict)
    vars: Mapping[str, Any] = field(default_factory=dict)
    env_vars: Mapping[str, str] = field(default_factory=dict)

    def are_none(self, graph: Graph, test: UnitTest) -> bool:
        """Whether the SQL that a build runs is the SQL to test: an ephemeral input is part of that, and a batch's filter too."""
        node = graph.nodes[test.model]
        plain = not (self.now or self.macros or self.vars or self.env_vars or node.batch_inputs)
        return plain and not any(graph.nodes[up].materialized == "ephemeral" for up in node.depends_on)


def overrides_of(project: Project, test: UnitTest, node: ModelNode, problems: list[Diagnostic]) -> Overrides:
    """What a test overrides; what cannot be is added to `problems`."""

    def problem(message: str, fix: str) -> None:
        problems.append(Diagnostic(test.location, message, fix[:1].upper() + fix[1:]))

    given: dict[str, dict[str, Any]] = {}
    for kind, values in test.overrides.items():
        if kind not in KINDS:
            problem(f"nothing is overridden by {kind}", near_miss(kind, KINDS))
        elif not isinstance(values, Mapping):
            problem(f"overrides.{kind} has to name what it overrides", "Write `name: value` lines")
        else:
            given[kind] = dict(values)
    macros = given.get("macros", {})
    incremental = macros.pop("is_incremental", False)
    if not isinstance(incremental, bool):
        problem("is_incremental has to be true or false", "Write is_incremental: true")
    elif incremental and node.settings.incremental is None:
        problem(
            f"{node.name} is no incremental model, so is_incremental is always false", "Remove the override"
        )
    now = _clock(macros)
    sql = next((model.sql for model in project.models if model.name == node.name), "")
    for name in macros:
        if said := override_problem(project, name, sql):
            problem(*said)
    env = {name: str(value) for name, value in given.get("env_vars", {}).items()}
    return Overrides(incremental is True, now, macros, given.get("vars", {}), env)


def _clock(macros: dict[str, Any]) -> datetime | None:
    """The instant of an overridden word for now, taken out of the macros: all of its family show it then."""
    for name in [name for name in macros if name.rpartition(".")[2].lower() in clock.WORDS]:
        try:
            found = datetime.fromisoformat(str(macros[name]).strip().strip("'"))
        except ValueError:
            continue  # an SQL expression, as any other macro's
        del macros[name]
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return None


def stubbed(project: Project, graph: Graph, test: UnitTest, overrides: Overrides) -> Graph:
    """The tested model compiled with its overrides; all that it reads are tables, and no batch filters them."""
    tested = next(model for model in project.models if model.name == test.model)
    stubs = [_stub(project, graph.nodes[up]) for up in graph.nodes[test.model].depends_on]
    packages = {
        name: replace(package, vars={**package.vars, **overrides.vars})
        for name, package in project.packages.items()
    }
    alone = replace(
        project,
        target=replace(project.target, type="duckdb"),
        models=(tested, *stubs),
        seeds=(),
        suites=(),
        syncs=(),
        data_tests=(),
        unit_tests=(),
        exposures=(),
        sources=tuple(replace(table, config=EMPTY) for table in project.sources),
        vars={**project.vars, **overrides.vars},
        packages=packages,
    )
    alone = overridden(alone, overrides.macros, tested.package) if overrides.macros else alone
    with _environment(overrides.env_vars):
        return compile_project(alone, now=overrides.now or graph.now, cache_dir=None)


def _stub(project: Project, node: ModelNode) -> ModelFile:
    kept = {key: node.config[key] for key in ("schema", "alias") if node.config.get(key) is not None}
    files: tuple[ModelFile | SeedFile, ...] = (*project.models, *project.seeds)
    found = next((model for model in files if model.name == node.name), None)
    schema = found.schema if found else node.schema
    return ModelFile(
        node.name,
        node.path,
        schema,
        _STUB,
        package=node.package,
        config={**kept, "materialized": "table"},
    )


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
