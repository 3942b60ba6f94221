"""Suites against the project: the columns and types of their models, and the other tables that they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tailrace.build.graph import Graph, ModelNode
from tailrace.build.names import LANDED_SUFFIXES
from tailrace.errors import Diagnostic
from tailrace.plan.conditions import Conditions
from tailrace.plan.keys import personal_columns
from tailrace.project.reader import hint
from tailrace.project.spec import Project, Suite
from tailrace.validate.own.registry import stores, tables_of
from tailrace.validate.suite import check_suite

Path_ = tuple[str | int, ...]
_QUERIES = ("unexpected_rows_query",)


def check_suites(project: Project, graph: Graph, conditions: Conditions) -> Iterator[Diagnostic]:
    """Everything that is wrong with the project's suites. A graph without nodes is one that nobody could compile."""
    tables = Tables(project, graph) if graph.nodes else None
    for suite in project.suites:
        node = graph.nodes.get(suite.model)
        columns = None if node is None or node.columns is None else set(node.columns)
        found = check_suite(suite, columns, conditions.wrong_with, types_of(node))
        found += _parameters(suite, conditions)
        found += _personal(suite, node)
        if tables is not None:
            found += _named(suite, tables)
            found += _read(suite, tables, conditions)
        for path, message, fix in found:
            yield Diagnostic(suite.marks.at(*path), message, fix)


def _personal(suite: Suite, node: ModelNode | None) -> list[tuple[Path_, str, str]]:
    """Personal columns of which values would be kept from run to run."""
    personal = personal_columns(node) if node else frozenset()
    fix = "Watch a column that says of it what matters: its length, its domain, whether it is there"
    return [
        (
            ("expectations", item.index, "kwargs", "column"),
            f"{item.type} keeps values of its column, and {column} is personal",
            fix,
        )
        for item in suite.expectations
        if (column := stores(item)) and column.lower() in personal
    ]


def types_of(node: ModelNode | None) -> Mapping[str, str]:
    """The SQL types that a model's YAML, or a seed's `column_types`, gives its columns."""
    if node is None:
        return {}
    typed = node.config.get("column_types") if node.kind == "seed" else None
    given = {str(name): str(kind) for name, kind in typed.items()} if isinstance(typed, Mapping) else {}
    return given | {doc.name: doc.data_type for doc in node.documented if doc.data_type}


def _parameters(suite: Suite, conditions: Conditions) -> list[tuple[Path_, str, str]]:
    return [
        (_place(suite, name), f"parameter {name}: {message}", fix)
        for name, parameter in suite.parameters.items()
        if parameter.sql
        for message, fix in conditions.query(parameter.sql).wrong
    ]


def _place(suite: Suite, name: str) -> Path_:
    path: Path_ = ("parameters", name)
    return (*path, "sql") if (*suite.marks.prefix, *path, "sql") in suite.marks.places else path


def _named(suite: Suite, tables: Tables) -> list[tuple[Path_, str, str]]:
    """Tables that tailrace's own types name."""
    return [
        (("expectations", item.index, *path), *wrong)
        for item in suite.expectations
        for path, name in tables_of(item)
        if (wrong := tables.wrong_with(name))
    ]


def _read(suite: Suite, tables: Tables, conditions: Conditions) -> list[tuple[Path_, str, str]]:
    """Tables that SQL reads: a parameter's, and an expectation's own query."""
    queries: list[tuple[Path_, str]] = [
        (_place(suite, name), parameter.sql) for name, parameter in suite.parameters.items() if parameter.sql
    ]
    queries += [
        (("expectations", item.index, "kwargs", kwarg), item.kwargs[kwarg])
        for item in suite.expectations
        for kwarg in _QUERIES
        if isinstance(item.kwargs.get(kwarg), str)
    ]
    return [
        (path, *wrong)
        for path, sql in queries
        for name in conditions.query(sql).tables
        if (wrong := tables.wrong_in_sql(name))
    ]


class Tables:
    """Every table that is known to be there, or to come, by casefolded `schema.name`."""

    def __init__(self, project: Project, graph: Graph) -> None:
        self._models = {node.name.casefold(): node for node in graph.nodes.values()}
        built = {str(node.table).casefold(): node for node in graph.nodes.values()}
        self._ephemeral = {name for name, node in built.items() if node.materialized == "ephemeral"}
        landed = {
            f"{pipeline.dataset}.{resource.name}{suffix}"
            for pipeline in project.pipelines
            for resource in pipeline.resources
            for suffix in LANDED_SUFFIXES
        }
        declared = {f"{table.schema}.{table.identifier}" for table in project.sources}
        self._known = {name.casefold() for name in (*built, *landed, *declared)}
        self._shown = sorted(str(node.table) for node in graph.nodes.values()) + sorted(
            name for name in landed if "__" not in name
        )
        # what lies in these nobody here can tell
        self._open = {pipeline.dataset.casefold() for pipeline in project.pipelines if pipeline.is_open}
        self._open |= {str(other["alias"]).casefold() for other in project.target.attach}
        self._open |= {"tailrace_meta", "information_schema"}
        self._lax = project.dbt is not None

    def wrong_with(self, name: str) -> tuple[str, str] | None:
        """What is wrong with a model's name or `dataset.table`, and the fix."""
        if "." in name:
            return self._qualified(name)
        node = self._models.get(name.casefold())
        if node is not None:
            return _no_table(name) if node.materialized == "ephemeral" else None
        fix = hint(name, sorted(node.name for node in self._models.values()))
        return f"there is no model {name}", fix

    def wrong_in_sql(self, name: str) -> tuple[str, str] | None:
        """The same of a name in SQL, where one without a schema is of `main`."""
        if "." in name:
            return self._qualified(name)
        node = self._models.get(name.casefold())
        if node is None:
            return self._qualified(f"main.{name}")
        if node.materialized == "ephemeral":
            return _no_table(name)
        is_there = node.schema.casefold() == "main" and node.table.name.casefold() == name.casefold()
        return None if is_there else (f"{name} has no schema", f"Write {node.table}")

    def _qualified(self, name: str) -> tuple[str, str] | None:
        if name.casefold() in self._ephemeral:
            return _no_table(name)
        schema = name.partition(".")[0].casefold()
        if self._lax or name.casefold() in self._known or schema in self._open:
            return None
        return f"there is no table {name}", hint(name, self._shown)


def _no_table(name: str) -> tuple[str, str]:
    return f"{name} is ephemeral: there is no table of it", "Materialize it, or read what it reads"
