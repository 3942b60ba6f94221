"""Small projects with tests, compiled; and what was built of them in a warehouse of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.unit.build.layout import NOW, lay_out

from tailrace.build.compile import compile_project
from tailrace.build.graph import Graph
from tailrace.build.seeds import seed_select
from tailrace.errors import Location
from tailrace.project.load import load_project
from tailrace.project.spec import DataTest, Fixture, Project, UnitTest
from tailrace.warehouse.duckdb import DuckDBWarehouse

LANDED = (
    "CREATE SCHEMA hubspot",
    "CREATE TABLE hubspot.contacts AS SELECT 1 AS id, 'a@b.c' AS email UNION ALL SELECT 2, NULL",
)
PLACE = Location("models/tests.yml", 7, 5)


def project_of(root, files: Mapping[str, str], now: datetime = NOW) -> tuple[Project, Graph]:
    project = load_project(lay_out(root, files))
    return project, compile_project(project, now=now, cache_dir=None)


def built(project: Project, graph: Graph, *statements: str) -> DuckDBWarehouse:
    """A warehouse in memory: what the statements make, then every model, seed and snapshot as a table or a view."""
    warehouse = DuckDBWarehouse(None)
    for statement in statements or LANDED:
        warehouse.execute(statement)
    for name in graph.order:
        node = graph.nodes[name]
        if node.materialized != "ephemeral":
            warehouse.ensure_schema(node.schema)
            kind = "VIEW" if node.materialized == "view" else "TABLE"
            sql = seed_select(node, project.root) if node.kind == "seed" else node.sql
            warehouse.execute(f"CREATE {kind} {warehouse.dialect.table(node.table)} AS\n{sql}\n")
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
