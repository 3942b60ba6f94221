"""`exists_in`: every value of a column is found in a column of another table; NULL is no value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.project.reader import hint
from tailrace.project.spec import Expectation
from tailrace.validate.entry import Entry, Problem
from tailrace.validate.own import kwargs as values
from tailrace.validate.own.declaration import Asked, CannotTell, Context, Found, OwnCheck
from tailrace.validate.own.tables import table_of
from tailrace.validate.question import Answer
from tailrace.validate.relations import ROW


def _wrong_with(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    yield from values.table(kwargs, "table")


FOUND = "tailrace_exists"
"""A column that the judged view has more: 1 where the value is found, 0 where it is not, NULL where it is NULL.

Where the model has a column of this name, it has a number behind it.
"""


def _ask(context: Context, item: Expectation) -> Asked | Found:
    """Native, on that column, so that Great Expectations counts the rows and names them; `mostly` is its own, too."""
    there = {name.lower() for name in context.columns}
    found = next(name for number in range(len(there) + 1) if (name := FOUND + str(number or "")) not in there)
    adds = {found: found_sql(context, item)}
    kwargs = {"column": found, "value_set": [1]}
    if item.kwargs.get("mostly") is not None:
        kwargs["mostly"] = item.kwargs["mostly"]
    return Asked(context.relations.named(item.where, adds), "expect_column_values_to_be_in_set", kwargs)


def found_sql(context: Context, item: Expectation) -> str:
    """The added column's SQL over the judged row. Inside EXISTS only one column of the other table is known, so that none hides the row."""
    other = table_of(context.warehouse, str(item.kwargs["table"]))
    there = list(context.warehouse.columns(other))
    wanted = to_column(item.kwargs)
    if wanted.lower() not in {name.lower() for name in there}:
        raise CannotTell(f"{item.kwargs['table']} has no column {wanted}. {hint(wanted, there)}".rstrip())
    quote, table = context.warehouse.dialect.quote, context.warehouse.dialect.table(other)
    value = f"{ROW}.{quote(str(item.kwargs['column']))}"
    return (
        f"CASE WHEN {value} IS NULL THEN NULL WHEN EXISTS (SELECT 1 FROM (SELECT there.{quote(wanted)} AS {FOUND} FROM {table} AS there)"
        f" AS known WHERE known.{FOUND} = {value}) THEN 1 ELSE 0 END"
    )


def to_column(kwargs: Mapping[str, Any]) -> str:
    """The other table's column: of the same name, where nothing else is said."""
    return str(kwargs.get("to_column") or kwargs["column"])


def _tell(_context: Context, _item: Expectation, _asked: Asked, answer: Answer) -> Found:
    return Found(answer.observed, None if answer.unexpected is None else float(answer.unexpected))


def _where(kwargs: Mapping[str, Any]) -> str:
    return f"{kwargs['table']} ({to_column(kwargs)})"


def _expected(kwargs: Mapping[str, Any]) -> str:
    return f"every {kwargs['column']} exists in {_where(kwargs)}"


def _failure(kwargs: Mapping[str, Any]) -> str:
    return f"{kwargs['column']} does not exist in {_where(kwargs)}"


CHECK = OwnCheck(
    "exists_in",
    Entry(
        "rows",
        by_row=True,
        kwargs={"column": ("text",), "table": ("text",), "to_column": ("text",), "mostly": ("number",)},
        required=("column", "table"),
        own=True,
    ),
    _wrong_with,
    _ask,
    _tell,
    _expected,
    _failure,
    tables=("table",),
)
