"""Fixture rows as SQL: every value cast to its column's type, columns that are not given NULL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from tailrace.errors import Diagnostic, near_miss
from tailrace.project.spec import Fixture
from tailrace.warehouse.base import Dialect

Types = Mapping[str, str]
"""Column -> the engine's type; "" where nobody knows it."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\Z")
_WHOLE = re.compile(r"[+-]?\d{1,18}\Z")
_NUMBER = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?\Z")
_TRUTH = ("true", "false")


def columns_given(fixture: Fixture) -> tuple[str, ...]:
    """Columns that any row names, in order; two that differ only in case are one."""
    found: dict[str, str] = {}
    for row in fixture.rows:
        for name in row:
            found.setdefault(str(name).casefold(), str(name))
    return tuple(found.values())


def fixture_problems(fixture: Fixture, known: Iterable[str], what: str) -> list[Diagnostic]:
    """Columns that are not there."""
    columns = {name.casefold(): name for name in known}
    problems = []
    for name in columns_given(fixture):
        if name.casefold() not in columns:
            fix = near_miss(name, list(columns.values()))
            said = f"{what} has no column {name}"
            problems.append(Diagnostic(fixture.location, said, fix[:1].upper() + fix[1:]))
    return problems


def rows_sql(fixture: Fixture, columns: Types, dialect: Dialect) -> str:
    """The rows as a SELECT of exactly these columns."""
    folded = [{str(name).casefold(): value for name, value in row.items()} for row in fixture.rows]
    given = [name for name in columns if any(name.casefold() in row for row in folded)]
    selected = ", ".join(
        f"{_null(kind) if name not in given else dialect.quote(name)} AS {dialect.quote(name)}"
        for name, kind in columns.items()
    )
    if not given:
        return f"SELECT {selected or 'NULL AS nothing'} FROM range({len(folded)})"
    heads = ", ".join(map(dialect.quote, given))
    rows = (
        ", ".join(cell(row.get(name.casefold()), columns[name], dialect) for name in given) for row in folded
    )
    return f"SELECT {selected} FROM (VALUES {', '.join(f'({row})' for row in rows)}) AS given({heads})"


def _null(kind: str) -> str:
    return f"CAST(NULL AS {kind})" if kind else "NULL"


def cell(value: Any, kind: str, dialect: Dialect) -> str:
    """A value of YAML or CSV as SQL, cast to its column's type."""
    nested = isinstance(value, Mapping | list | tuple)
    if not kind:
        return _nested(value, dialect) if nested else _literal(value, dialect)
    if nested or (_is_nested(kind) and _is_json(value)):
        text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
        found = dialect.literal(text)
        return f"CAST({found} AS {kind})" if _is_text(kind) else f"CAST(CAST({found} AS JSON) AS {kind})"
    return f"CAST({_literal(value, dialect)} AS {kind})"


def _literal(value: Any, dialect: Dialect) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, datetime):
        return dialect.literal(value.isoformat(" "))
    if isinstance(value, date | time):
        return dialect.literal(value.isoformat())
    return dialect.literal(repr(value) if isinstance(value, float) else str(value))


def _is_text(kind: str) -> bool:
    return kind.upper().startswith(("VARCHAR", "TEXT", "STRING", "JSON"))


def _is_nested(kind: str) -> bool:
    return kind.endswith("]") or kind.upper().startswith(("STRUCT", "MAP"))


def _is_json(value: Any) -> bool:
    try:
        return isinstance(json.loads(value), dict | list)
    except (TypeError, ValueError):
        return False


def _nested(value: Any, dialect: Dialect) -> str:
    """A list or struct of which only the values tell the type."""
    if isinstance(value, Mapping):
        items = (f"{dialect.literal(str(name))}: {_nested(item, dialect)}" for name, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_nested(item, dialect) for item in value) + "]"
    return repr(value) if isinstance(value, float) else _literal(value, dialect)


def inferred(fixture: Fixture, column: str) -> str:
    """A type for a column of which nothing but its values is known; "" where they are nested, or all NULL."""
    folded = column.casefold()
    values = [value for row in fixture.rows for name, value in row.items() if str(name).casefold() == folded]
    found = {_type(value) for value in values if value is not None}
    if found <= {"BIGINT", "DOUBLE"} and found:
        return "DOUBLE" if "DOUBLE" in found else "BIGINT"
    if found <= {"DATE", "TIMESTAMP"} and found:
        return "TIMESTAMP" if "TIMESTAMP" in found else "DATE"
    if "" in found:
        return ""
    return found.pop() if len(found) == 1 else "VARCHAR" if found else ""


def _type(value: Any) -> str:
    kinds = (
        (bool, "BOOLEAN"), (int, "BIGINT"), (float, "DOUBLE"), (Decimal, "DOUBLE"), (datetime, "TIMESTAMP"),
        (date, "DATE"), (time, "TIME"), (str, "VARCHAR"),
    )  # fmt: skip
    if isinstance(value, str) and (_DATE.match(value) or _STAMP.match(value)):
        return "DATE" if _DATE.match(value) else "TIMESTAMP"
    return next((name for kind, name in kinds if isinstance(value, kind)), "")


def of_csv(fixture: Fixture) -> Fixture:
    """The rows of a CSV, whose cells are all texts, with numbers and truths where a whole column is of them."""
    readers = ((_WHOLE.match, int), (_NUMBER.match, float), (lambda text: text.lower() in _TRUTH, _truth))
    chosen: dict[str, Any] = {}
    for name in columns_given(fixture):
        cells = [row[name] for row in fixture.rows if isinstance(row.get(name), str)]
        chosen[name] = next((read for fits, read in readers if cells and all(map(fits, cells))), str)
    rows = tuple(
        {name: chosen[name](cell) if isinstance(cell, str) else cell for name, cell in row.items()}
        for row in fixture.rows
    )
    return Fixture(fixture.input, fixture.location, rows, fixture.sql)


def _truth(text: str) -> bool:
    return text.lower() == "true"
