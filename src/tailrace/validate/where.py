"""SQL inside a suite: an expectation's `where:`, and the query of one that brings its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tailrace.project.reader import hint

_VOLATILE = frozenset(
    (
        *("current_date", "current_time", "current_timestamp", "now", "today", "get_current_time"),
        *("get_current_timestamp", "localtime", "localtimestamp", "transaction_timestamp"),
        *("current_localtime", "current_localtimestamp", "txid_current"),
        *("random", "rand", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "nextval", "currval", "setseed"),
        *("getvariable", "current_setting"),
    )
)
_OF_TODAY = "age"
"""With one argument it counts from today on."""
_BARE = [name for name in sorted(_VOLATILE) if name.startswith(("current_", "localtime"))]
_CALLED = re.compile(
    rf"\b({'|'.join(_BARE)})\b|\b({'|'.join(sorted(_VOLATILE))})\s*\(|\b({_OF_TODAY})\s*\([^(),]*\)",
    re.IGNORECASE,
)


def wrong_with(condition: str, columns: Iterable[str] | None) -> list[tuple[str, str]]:
    """What is wrong with a condition, each with its fix; its columns are checked where they are known."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        statements = sqlglot.parse(f"SELECT 1 WHERE {condition}\n", read="duckdb")
    except SqlglotError as error:
        from tailrace.validate.sql_errors import why

        return [(f"where is no SQL condition: {why(error)}", "Write it as after WHERE")]
    select = statements[0]
    where = select.args.get("where") if select is not None else None
    rest = [name for name, value in select.args.items() if value and name not in _OWN_PARTS] if select else []
    if len(statements) != 1 or where is None or rest:
        return [("where must be one condition", "Write it as after WHERE")]
    if where.find(exp.Query, exp.AggFunc, exp.Window):
        message = "where is about one row: no subquery, aggregate or window"
        return [(message, "Compute it in the model, in a column of its own")]
    volatile = sorted(volatile_in(where))
    if volatile:
        fix = "Compute it in the model, which has one clock for the whole run"
        return [(f"where reads {volatile[0]}, which differs from call to call", fix)]
    if columns is None:
        return []
    known = {column.lower() for column in columns}
    named = {column.name: column for column in where.find_all(exp.Column)}
    return [
        (
            f"where names {name}, which the model does not have",
            meant(named[name], sorted(columns)),
        )
        for name in sorted(named)
        if name.lower() not in known
    ]


def meant(column: Any, known: Sequence[str]) -> str:
    """What a name that is not known was meant to be; between double quotes it may be a text."""
    near = hint(column.name, known)
    if column.this.args.get("quoted") and not near.startswith("Did you mean"):
        return f"A text takes single quotes: '{column.name}'"
    return near


def same_for_same_rows(query: str) -> bool:
    """Whether a query with `{batch}` in it reads nothing but the batch, so that equal rows always give equal results."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        parsed = sqlglot.parse_one(query.replace("{batch}", BATCH), read="duckdb")
    except SqlglotError:
        return False
    return not outer_tables(parsed) and not volatile_in(parsed)


def outer_tables(query: Any) -> list[Any]:
    """The tables that a parsed query reads, without the batch and names that its WITH clauses give, each where it holds."""
    from sqlglot import exp

    return [
        table
        for table in query.find_all(exp.Table)
        if table.db or not (table.name.lower() == BATCH or _is_given(table))
    ]


def _is_given(table: Any) -> bool:
    """Whether a WITH clause around a table's name gives it: to what follows in the clause and to its query, to itself where it is recursive."""
    from sqlglot import exp

    name, inside, place = table.name.lower(), table, table.parent
    while place is not None:
        clause = place.args.get("with_")
        if clause is not None and inside is not clause:
            given = clause.expressions
        elif isinstance(place, exp.With):
            given = place.expressions[: inside.index]
            given += [inside] if place.recursive and isinstance(inside.this, exp.SetOperation) else []
        else:
            given = []
        if name in (part.alias_or_name.lower() for part in given):
            return True
        inside, place = place, place.parent
    return False


BATCH = "tailrace_batch"
_OWN_PARTS = ("expressions", "where", "kind")


def volatile_in(where: Any) -> set[str]:
    """Names of functions whose value changes while the data does not; a bare `current_date` parses as one too."""
    from sqlglot import exp

    calls = [
        (call, (call.name or call.sql_name() if isinstance(call, exp.Anonymous) else call.sql_name()).lower())
        for call in where.find_all(exp.Func)
    ]
    return {
        name
        for call, name in calls
        if name in _VOLATILE or (name == _OF_TODAY and len(call.expressions) == 1)
    }


def volatile_word(bare: str) -> str:
    """The same of a text without quotes, as far as its words tell, for places where nothing is parsed; "" where there is none."""
    found = _CALLED.search(bare)
    return next(filter(None, found.groups())).lower() if found else ""
