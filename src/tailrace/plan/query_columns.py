"""Columns that a suite's own SQL names and its tables do not have. Costs sqlglot's import.

Only what is certain is told: a name counts as wrong where every table that it could come from is known whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tailrace.build.columns import Parts, Seen, columns_of
from tailrace.project.reader import hint
from tailrace.validate.where import BATCH, meant

Known = Mapping[str, Sequence[str]]
"""Columns by casefolded `schema.name`, the rows that are judged under BATCH."""

_TOLD_BY_THE_ENGINE = frozenset(
    ("rowid", "user", "session_user", "current_schema", "current_catalog", "current_role", "inf", "nan")
)
_UNREAD = (exp.Pivot, exp.Comprehension, exp.Columns)
"""What makes names of its own."""


def wrong_columns(query: str, known: Known) -> list[tuple[str, str]]:
    """Each name that none of its tables has, once, with what was probably meant."""
    try:
        tree = sqlglot.parse_one(query.replace("{batch}", BATCH), read="duckdb")
    except (SqlglotError, RecursionError):
        return []
    if tree.find(*_UNREAD) or any(_is_prefixed(node) for node in tree.find_all(exp.JSONExtract)):
        return []
    own = {name.name.lower() for made in tree.find_all(exp.Lambda) for name in made.expressions}
    found: dict[str, tuple[str, str]] = {}
    for column in tree.find_all(exp.Column):
        if wrong := _wrong(column, own, known):
            found.setdefault(column.name.lower(), wrong)
    return list(found.values())


def _is_prefixed(node: exp.Expr) -> bool:
    """`name: value`, which DuckDB reads as an alias and others as a path."""
    return bool(node.args.get("variant_extract"))


def _wrong(column: exp.Column, own: set[str], known: Known) -> tuple[str, str] | None:
    name = column.name
    is_whole = isinstance(column.this, exp.Star) or column.args.get("db")
    if is_whole or not isinstance(column.find_ancestor(exp.Query), exp.Select):
        return None
    sources: dict[str, frozenset[str] | None] = {}
    names = {*own, *_TOLD_BY_THE_ENGINE}
    for select in _selects_around(column):
        names |= {item.alias.lower() for item in select.expressions if item.alias}
        for alias, columns in _sources(select, known):
            sources.setdefault(alias, columns)
    if column.table:
        return _of_one(column, names, sources)
    if None in sources.values() or not sources:
        return None
    there = {each for columns in sources.values() for each in columns or ()}
    lower = {each.lower() for each in there} | names | set(sources)
    if name.lower() in lower:
        return None
    return f"names {name}, which no table has that it reads", meant(column, sorted(there))


def _of_one(
    column: exp.Column, names: set[str], sources: Mapping[str, frozenset[str] | None]
) -> tuple[str, str] | None:
    """`table.column`; where a column of that name could be a struct, nothing is certain."""
    table, name = column.table, column.name
    columns = sources.get(table.lower())
    parts = {each.lower() for found in sources.values() for each in found or ()}
    if columns is None or table.lower() in parts | names or name.lower() == "rowid":
        return None
    if name.lower() in {each.lower() for each in columns}:
        return None
    return f"names {table}.{name}, and {table} has no such column", hint(name, sorted(columns))


def _selects_around(column: exp.Column) -> Iterator[exp.Select]:
    """The SELECT that a name stands in and those around it, whose columns it may read; a CTE does not see the one it belongs to."""
    node: exp.Expr | None = column
    of_a_cte = False
    while node is not None:
        if isinstance(node, exp.With):
            of_a_cte = True
        elif isinstance(node, exp.Query):
            if isinstance(node, exp.Select) and not of_a_cte:
                yield node
            of_a_cte = False
        node = node.parent


def _sources(select: exp.Select, known: Known) -> Iterator[tuple[str, frozenset[str] | None]]:
    """The tables of a FROM by the name that they have in it; None for one whose columns are not known."""
    from_ = select.args.get("from_")
    items = [from_.this] if from_ is not None else []
    items += [join.this for join in select.args.get("joins") or ()] + (select.args.get("laterals") or [])
    seen = _ctes(select)
    for number, item in enumerate(items):
        alias = item.alias_or_name.lower() or f"#{number}"
        yield alias, None if item.args.get("joins") else _columns(item, seen, known)


def _columns(item: exp.Expr, seen: Seen, known: Known) -> frozenset[str] | None:
    if not isinstance(item, exp.Table | exp.Subquery):
        return None
    return _expanded(columns_of(exp.select("*").from_(item.copy()), seen), known)


def _expanded(parts: Parts, known: Known) -> frozenset[str] | None:
    if parts is None:
        return None
    found: set[str] = set()
    for part in parts:
        if isinstance(part, str):
            found.add(part)
            continue
        schema, name = part
        columns = known.get(
            BATCH if not schema and name == BATCH else f"{schema or 'main'}.{name}".casefold()
        )
        if columns is None:
            return None
        found.update(columns)
    return frozenset(found)


def _ctes(select: exp.Select) -> dict[str, Parts]:
    """What each CTE that the SELECT sees gives, the nearest first."""
    withs = []
    node: exp.Expr | None = select
    while node is not None:
        if isinstance(node, exp.Query) and (with_ := node.args.get("with_")) is not None:
            withs.append(with_)
        node = node.parent
    found: dict[str, Parts] = {}
    for with_ in reversed(withs):
        for cte in with_.expressions:
            named = cte.args["alias"].columns if cte.args.get("alias") else []
            if named:
                found[cte.alias.lower()] = tuple(column.name for column in named)
            elif with_.args.get("recursive"):
                found[cte.alias.lower()] = None
            else:
                found[cte.alias.lower()] = (
                    columns_of(cte.this, found) if isinstance(cte.this, exp.Query) else None
                )
    return found
