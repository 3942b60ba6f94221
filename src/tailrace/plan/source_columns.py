"""Columns of the other tables that tailrace's own checks compare with: `exists_in` and `total_matches_source`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tailrace.plan.conditions import Conditions
from tailrace.plan.suite_tables import Tables
from tailrace.project.reader import hint
from tailrace.project.spec import Expectation, Suite

Path_ = tuple[str | int, ...]
_THERE = "main.source"


def in_other_tables(suite: Suite, tables: Tables, conditions: Conditions) -> list[tuple[Path_, str, str]]:
    """Every column that a table does not have, and SQL over it that is none; tables that nobody knows whole are not judged."""
    return [
        (("expectations", item.index, "kwargs", *path), message, fix)
        for item in suite.expectations
        for path, message, fix in (*_to_column(item, tables), *_sql(item, tables, conditions))
    ]


def _to_column(item: Expectation, tables: Tables) -> Iterator[tuple[Path_, str, str]]:
    table, written = item.kwargs.get("table"), item.kwargs.get("to_column")
    wanted = written or item.kwargs.get("column")
    if item.type != "exists_in" or not isinstance(table, str) or not isinstance(wanted, str):
        return
    columns = tables.columns(table)
    if columns is not None and wanted.lower() not in {column.lower() for column in columns}:
        near = hint(wanted, columns)
        fix = near if written else f"Name it: `to_column: ...`. {near}"
        yield ("to_column" if written else "table",), f"{table} has no column {wanted}", fix


def _sql(item: Expectation, tables: Tables, conditions: Conditions) -> Iterator[tuple[Path_, str, str]]:
    source = item.kwargs.get("source")
    if item.type != "total_matches_source" or not isinstance(source, str):
        return
    columns = tables.columns(source)
    if columns is not None:
        yield from _same_names(item, columns)
    for path, text in _expressions(item):
        query = f"SELECT * FROM {{batch}} WHERE ({text}\n) IS NULL"
        facts = conditions.rows_query(query)
        if facts.wrong:
            message = facts.wrong[0][0].replace("the query", str(path[0]), 1)
            yield path, message, "Write an SQL expression over the source's columns"
        elif columns is not None and not facts.tables:
            for message, fix in _unknown(text, columns, conditions):
                yield path, f"{path[0]} {message}", fix


def _expressions(item: Expectation) -> Iterator[tuple[Path_, str]]:
    for name in ("source_column", "source_where"):
        if isinstance(text := item.kwargs.get(name), str) and text.strip():
            yield (name,), text
    texts = item.kwargs.get("source_by")
    for place, text in enumerate(texts if isinstance(texts, list | tuple) else ()):
        if isinstance(text, str) and text.strip():
            yield ("source_by", place), text


def _same_names(item: Expectation, columns: Sequence[str]) -> Iterator[tuple[Path_, str, str]]:
    """Without `source_by`, the source's columns are called as the model's."""
    ours = item.kwargs.get("by") if item.kwargs.get("source_by") is None else None
    for place, name in enumerate(ours if isinstance(ours, list | tuple) else ()):
        if isinstance(name, str) and name.lower() not in {column.lower() for column in columns}:
            fix = f"Say what it is there: `source_by: [...]`. {hint(name, columns)}"
            yield ("by", place), f"{item.kwargs['source']} has no column {name}", fix


def _unknown(text: str, columns: Sequence[str], conditions: Conditions) -> Iterator[tuple[str, str]]:
    for message, fix in conditions.wrong_columns(f"SELECT ({text}\n) FROM {_THERE}", {_THERE: columns}):
        yield message.replace("no table has that it reads", "the source does not have"), fix
