"""A query as a tree in which only what changes its meaning is left: no comments, letter case, table aliases or clock."""

from __future__ import annotations

import re
from collections import Counter

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{6}(\+00:00)?")
_CLOCK = "the run's clock"


class Unreadable(Exception):
    """The SQL cannot be compared."""


def normalised(sql: str, dialect: str, day: str | None = None) -> exp.Query:
    """The tree of one SELECT; `day` is the date that the run's clock showed when the SQL was made (ISO)."""
    try:
        tree = sqlglot.parse_one(sql, read=dialect, error_level=ErrorLevel.RAISE)
        if not isinstance(tree, exp.Query):
            raise Unreadable
        _clock_away(tree, day)
        _names_folded(tree)
        _aliases_away(tree)
    except (SqlglotError, RecursionError) as error:
        raise Unreadable from error
    return tree


def text_of(node: exp.Expr | None, dialect: str = "duckdb") -> str:
    """Canonical SQL of a part of such a tree; "" for none."""
    return "" if node is None else node.sql(dialect=dialect, comments=False)


def terms(condition: exp.Expr | None) -> list[exp.Expr]:
    """The parts of a condition that must all hold."""
    if condition is None:
        return []
    inner = condition.unnest()
    return list(inner.flatten()) if isinstance(inner, exp.And) else [inner]


def _clock_away(tree: exp.Expr, day: str | None) -> None:
    """Literals that a run's clock put in: its day, and instants to the microsecond."""
    for cast in tree.find_all(exp.Cast):
        value = cast.this
        if isinstance(value, exp.Literal) and value.is_string:
            text = value.name
            if (day and text == day and cast.is_type("date")) or _INSTANT.fullmatch(text):
                value.replace(exp.Literal.string(_CLOCK))


def _names_folded(tree: exp.Expr) -> None:
    """Names count whatever their case and quotes."""
    for name in tree.find_all(exp.Identifier):
        name.set("this", name.name.lower())
        name.set("quoted", False)


def _aliases_away(tree: exp.Query) -> None:
    """Tables are called by their own names where one SELECT reads them once, and not at all where it reads nothing else."""
    edits: dict[int, tuple[exp.Column, str]] = {}
    tables: dict[int, tuple[exp.Table, str]] = {}
    for scope in traverse_scope(tree):
        if isinstance(scope.expression, exp.Select):
            _note_aliases(scope, edits, tables)
    for column, name in edits.values():
        column.set("table", exp.to_identifier(name) if name else None)
    for table, name in tables.values():
        table.set("alias", exp.TableAlias(this=exp.to_identifier(name)) if name else None)


def _note_aliases(
    scope: Scope, edits: dict[int, tuple[exp.Column, str]], tables: dict[int, tuple[exp.Table, str]]
) -> None:
    read = {alias: node for alias, (node, _) in scope.selected_sources.items()}
    times: Counter[str] = Counter()
    canonical = {}
    for alias, node in read.items():
        canonical[alias] = alias
        if isinstance(node, exp.Table) and not _has_columns(node):
            name = own_name(node)
            times[name] += 1
            canonical[alias] = name if times[name] == 1 else f"{name} ({times[name]})"
            tables[id(node)] = node, "" if times[name] == 1 else canonical[alias]
    for column in [*scope.columns, *scope.stars]:
        if isinstance(column, exp.Column) and column.table in canonical:
            alone = len(read) == 1 and column.parent_select is scope.expression
            edits.setdefault(id(column), (column, "" if alone else canonical[column.table]))


def _has_columns(table: exp.Table) -> bool:
    alias = table.args.get("alias")
    return bool(alias is not None and alias.columns) or bool(table.args.get("pivots"))


def own_name(table: exp.Expr) -> str:
    """`staging.stg_contacts` of a table; its alias for what is none."""
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        return table.alias_or_name
    return ".".join(part for part in (table.catalog, table.db, table.name) if part)
