"""dbt's unique ids, and where a file stands in its package."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tailrace.build.graph import Graph, ModelNode
from tailrace.project.spec import DataTest, ModelFile, Project, SeedFile, UnitTest
from tailrace.warehouse.base import TableRef


@dataclass(frozen=True)
class Ids:
    """Names of one project's things in dbt's words: `model.jaffle_shop.orders`."""

    project: Project
    graph: Graph

    @cached_property
    def own(self) -> str:
        """The project's own package."""
        return self.project.dbt.name if self.project.dbt else self.project.name

    @cached_property
    def files(self) -> Mapping[str, ModelFile | SeedFile]:
        """Models, snapshots and seeds by name."""
        seeds: dict[str, ModelFile | SeedFile] = {seed.name: seed for seed in self.project.seeds}
        return {**seeds, **{model.name: model for model in self.project.models}}

    @cached_property
    def _declared(self) -> Mapping[tuple[str, str], str]:
        return {(s.source, s.name): self.package(s.package) for s in self.project.sources}

    def package(self, name: str) -> str:
        return name or self.own

    def node(self, name: str) -> str:
        """The id of a model, snapshot or seed of the graph."""
        node = self.graph.nodes[name]
        return f"{kind_of(node)}.{self.package(node.package)}.{name}"

    def nodes(self, names: tuple[str, ...]) -> list[str]:
        return [self.node(name) for name in names if name in self.graph.nodes]

    def source(self, source: str, table: str) -> str:
        """The id of a declared source's table, or of a landed one, which is the project's own."""
        return f"source.{self._declared.get((source, table), self.own)}.{source}.{table}"

    def sources_of(self, node: ModelNode) -> list[tuple[str, str]]:
        """The (source, table) pairs that a model reads: declared ones as its template calls them, landed ones by dataset."""
        called = [call for call in node.source_calls if call in self._declared]
        shown = {(s.schema, s.identifier) for s in self.project.sources if (s.source, s.name) in called}
        landed = [_pair(table) for table in node.sources if _pair(table) not in shown]
        return list(dict.fromkeys((*called, *landed)))

    def models_of(self, node: ModelNode) -> tuple[str, ...]:
        """The models that a model reads; a seed that stands in for a source is that source to who calls source()."""
        called = [s for s in self.project.sources if (s.source, s.name) in node.source_calls]
        tables = {(s.schema, s.identifier) for s in called}
        read = (self.graph.nodes[name] for name in node.depends_on if name in self.graph.nodes)
        return tuple(one.name for one in read if _pair(one.table) not in tables)

    def primary_key(self, node: ModelNode, file: ModelFile | SeedFile) -> list[str]:
        """The columns that a constraint, else the tests unique and not_null, else unique alone, call its key."""
        for constraint in node.constraints:
            if constraint.get("type") == "primary_key":
                return [str(column) for column in constraint.get("columns") or ()]
        for column in file.columns:
            if any(one.get("type") == "primary_key" for one in column.constraints):
                return [column.name]
        tested = self._tested.get(node.name, {})
        unique = [column for column, tests in tested.items() if "unique" in tests]
        return [column for column in unique if "not_null" in tested[column]] or unique

    @cached_property
    def _tested(self) -> Mapping[str, dict[str, set[str]]]:
        """The names of the tests on each column of each model."""
        found: dict[str, dict[str, set[str]]] = {}
        for test in self.project.data_tests:
            name = test.test.rpartition(".")[2]
            combined = test.kwargs.get("combination_of_columns")
            columns = [test.column] if test.column else combined if isinstance(combined, list) else []
            for column in columns:
                known = found.setdefault(test.model, {}).setdefault(str(column), set())
                known.add("unique" if name == "unique_combination_of_columns" else name)
        return found

    def data_test(self, test: DataTest) -> str:
        """The id of a test; a generic one's ends in dbt's own digest of its name and arguments."""
        start = f"test.{self.package(test.package)}.{test.name}"
        if not test.test:
            return start
        asked = f"{test.name}{_texts(metadata_of(test))!r}"
        return f"{start}.{hashlib.md5(asked.encode(), usedforsecurity=False).hexdigest()[-10:]}"

    def unit_test(self, test: UnitTest) -> str:
        return f"unit_test.{self.package(test.package)}.{test.model}.{test.name}"

    def in_package(self, path: str, package: str) -> str:
        """A file's path in its own package."""
        found = self.project.packages.get(package)
        return path.removeprefix(f"{found.path}/") if found else path


def kind_of(node: ModelNode) -> str:
    """Dbt's resource type of a node of the graph."""
    return "snapshot" if node.materialized == "snapshot" else node.kind


def metadata_of(test: DataTest) -> dict[str, Any]:
    """Dbt's test_metadata of a generic test: its name and namespace, and the arguments that it is called with."""
    namespace, _, name = test.test.rpartition(".")
    model = f"source('{test.source[0]}', '{test.source[1]}')" if test.source else f"ref('{test.model}')"
    kwargs = {**test.kwargs, "model": f"{{{{ get_where_subquery({model}) }}}}"}
    if test.column:
        kwargs["column_name"] = test.column
    return {"name": name, "kwargs": kwargs, "namespace": namespace or None}


def _texts(value: Any) -> Any:
    """A value with sorted keys and texts at its ends, as dbt takes the digest of it."""
    if isinstance(value, Mapping):
        return {key: _texts(value[key]) for key in sorted(value)}
    return [_texts(one) for one in value] if isinstance(value, list | tuple) else str(value)


def _pair(table: TableRef) -> tuple[str, str]:
    return table.schema, table.name


def plain(value: Any) -> Any:
    """A value that JSON does not know, as one that it does."""
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple | set | frozenset) else str(value)
