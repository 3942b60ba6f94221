"""Suites against the project: the columns and types of their models, and the other tables that they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tailrace.build.graph import Graph, ModelNode
from tailrace.errors import Diagnostic
from tailrace.plan.conditions import Conditions
from tailrace.plan.keys import personal_columns
from tailrace.plan.source_columns import in_other_tables
from tailrace.plan.suite_tables import Tables
from tailrace.project.spec import Project, Suite
from tailrace.validate.kwargs import QUERY
from tailrace.validate.masking import hides
from tailrace.validate.own.parameters import is_source
from tailrace.validate.own.registry import stores, tables_of
from tailrace.validate.suite import check_suite
from tailrace.validate.type_names import wrong_with_type_names
from tailrace.validate.where import BATCH

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Query:
    """SQL of a suite: where it stands, what it is called, what is wrong with it, and the tables that it reads."""

    path: Path_
    what: str
    sql: str
    wrong: list[tuple[str, str]]
    tables: tuple[str, ...]


def check_suites(project: Project, graph: Graph, conditions: Conditions) -> Iterator[Diagnostic]:
    """Everything that is wrong with the project's suites. A graph without nodes is one that nobody could compile."""
    tables = Tables(project, graph) if graph.nodes else None
    for suite in project.suites:
        node = graph.nodes.get(suite.model)
        columns = None if node is None or node.columns is None else set(node.columns)
        found = check_suite(suite, columns, conditions.wrong_with, types_of(node))
        found += _personal(suite, node)
        found += _remembered(suite, node)
        found += _type_names(suite, project.target.type)
        if tables is not None:
            found += _named(suite, tables)
            found += in_other_tables(suite, tables, conditions)
        found += _in_sql(suite, node, tables, conditions)
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


def _remembered(suite: Suite, node: ModelNode | None) -> list[tuple[Path_, str, str]]:
    """Parameters of what an expectation observes that is never kept, since it would show values of a personal column."""
    personal = personal_columns(node) if node else frozenset()
    fix = "Take it from a column that is not personal, or by `sql:`"
    return [
        (
            ("parameters", name, "of"),
            f"parameter {name}: what {parameter.of} observes of {item.kwargs.get('column', 'it')} is personal and never kept",
            fix,
        )
        for name, parameter in suite.parameters.items()
        for item in suite.expectations
        if parameter.history == "observed" and is_source(parameter, item) and hides(item, personal)
    ]


def _type_names(suite: Suite, engine: str) -> list[tuple[Path_, str, str]]:
    return [
        (("expectations", item.index, *path), message, fix)
        for item in suite.expectations
        for path, message, fix in wrong_with_type_names(item, engine)
    ]


def types_of(node: ModelNode | None) -> Mapping[str, str]:
    """The SQL types that a model's YAML, or a seed's `column_types`, gives its columns."""
    if node is None:
        return {}
    typed = node.config.get("column_types") if node.kind == "seed" else None
    given = {str(name): str(kind) for name, kind in typed.items()} if isinstance(typed, Mapping) else {}
    return given | {doc.name: doc.data_type for doc in node.documented if doc.data_type}


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


def _queries(suite: Suite, conditions: Conditions) -> Iterator[Query]:
    """SQL of the suite's own: its parameters', and the queries of rows that should not be there."""
    for name, parameter in suite.parameters.items():
        if parameter.sql:
            facts = conditions.query(parameter.sql)
            wrong = [(f"parameter {name}: {message}", fix) for message, fix in facts.wrong]
            yield Query(_place(suite, name), f"parameter {name}", parameter.sql, wrong, facts.tables)
    for item in suite.expectations:
        sql = item.kwargs.get(QUERY)
        if isinstance(sql, str) and "{batch}" in sql:  # without it, that alone is told
            facts = conditions.rows_query(sql)
            path = ("expectations", item.index, "kwargs", QUERY)
            yield Query(path, "the query", sql, list(facts.wrong), facts.tables)


def _in_sql(
    suite: Suite, node: ModelNode | None, tables: Tables | None, conditions: Conditions
) -> Iterator[tuple[Path_, str, str]]:
    """What is wrong with SQL, then with the tables and columns that it reads."""
    for query in _queries(suite, conditions):
        yield from ((query.path, *wrong) for wrong in query.wrong)
        if tables is None or query.wrong:
            continue
        unknown = [wrong for name in query.tables if (wrong := tables.wrong_in_sql(name))]
        if not unknown:
            known = {name.casefold(): tables.columns_in_sql(name) for name in query.tables}
            known = {(name if "." in name else f"main.{name}"): columns for name, columns in known.items()}
            known[BATCH] = node.columns if node else None
            whole = {name: columns for name, columns in known.items() if columns is not None}
            found = conditions.wrong_columns(query.sql, whole) if whole else []
            unknown = [(f"{query.what} {message}", fix) for message, fix in found]
        yield from ((query.path, *wrong) for wrong in unknown)
