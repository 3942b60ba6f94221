"""Small projects with tests, compiled; and what was built of them in a warehouse of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.unit.build.layout import NOW, lay_out

from tailrace.build.compile import compile_project
from tailrace.build.graph import Graph
from tailrace.errors import Location
from tailrace.project.load import load_project
from tailrace.project.spec import DataTest, Fixture, Project, UnitTest
from tailrace.warehouse.duckdb import DuckDBWarehouse

PLACE = Location("models/tests.yml", 7, 5)


def project_of(root, files: Mapping[str, str]) -> tuple[Project, Graph]:
    project = load_project(lay_out(root, files))
    return project, compile_project(project, now=NOW, cache_dir=None)


def built(project: Project, graph: Graph, *statements: str) -> DuckDBWarehouse:
    """A warehouse in memory: the statements, then every model that they leave possible."""
    from tailrace.build.run import build

    warehouse = DuckDBWarehouse(None)
    for statement in statements:
        warehouse.execute(statement)
    build(warehouse, graph, set(graph.order), root=project.root, run_id="r1", now=lambda: NOW)
    return warehouse


def rows(*found: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    return found


def given(text: str, *found: Mapping[str, Any], sql: str | None = None, typed: bool = True) -> Fixture:
    return Fixture(text, PLACE, found, sql, typed)


def unit(
    model: str, givens: Sequence[Fixture], expect: Fixture | Sequence[Mapping[str, Any]], **more: Any
) -> UnitTest:
    wanted = expect if isinstance(expect, Fixture) else Fixture("", PLACE, tuple(expect))
    return UnitTest(f"test_{model}", model, tuple(givens), wanted, PLACE.file, PLACE, **more)


def data(name: str, **more: Any) -> DataTest:
    return DataTest(name, PLACE.file, PLACE, **more)


def with_tests(project: Project, *tests: DataTest) -> Project:
    return replace(project, data_tests=tests)
