"""A few of the failing rows, as JSON, the key first; what is personal, or could be, is masked or left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from tailrace.project.spec import Expectation, Suite
from tailrace.validate.audience import Audience
from tailrace.validate.catalogue import columns_of
from tailrace.validate.evidence.failing import QUERY
from tailrace.validate.evidence.numbers import COUNT
from tailrace.validate.evidence.rows import Shown
from tailrace.validate.masking import masked_row_sql
from tailrace.validate.quarantine import HELD
from tailrace.validate.question import Question
from tailrace.validate.verdict import Check
from tailrace.validate.where import same_for_same_rows
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged

_UNORDERED = ("ARRAY", "STRUCT", "JSON", "GEOGRAPHY")
"""BigQuery's types that no ORDER BY takes."""


def samples(
    warehouse: Warehouse,
    suite: Suite,
    staged: Staged,
    check: Check,
    question: Question,
    found: Shown,
    audience: Audience,
) -> tuple[str, ...]:
    """Up to `audience.keeping.samples` of the rows that `found` selects, always the same ones."""
    columns = warehouse.columns(staged.ref)
    named = {name.lower(): name for name in columns}
    key = named.get((suite.key or "").lower())
    if found.kind == "rows":
        order = [*found.order, *([key] if key else columns)]
        judged = found.columns or [name for _, name in columns_of(question.kwargs)]
        sql = found.few(audience.keeping.samples) if found.few else found.sql
        if check.decision == "quarantine" and key and not found.order:
            sql = _held(warehouse, staged, check, key, audience.keeping.samples)
        return _first(warehouse, sql, _ahead(columns, [key, *judged]), order, audience)
    if found.kind == "values":
        name = found.columns[0]
        count = warehouse.dialect.quote(COUNT)
        kinds = {name: columns[name], COUNT: "BIGINT"}
        return _first(warehouse, found.sql, kinds, [f"{count} DESC", name], audience)
    if found.kind == "query" and check.expectation.type != QUERY:
        return _of_ours(warehouse, check.expectation, found, audience)
    if found.kind == "query":
        return _of_query(warehouse, staged, question, found, key, columns, audience)
    return ()


def _held(warehouse: Warehouse, staged: Staged, check: Check, key: str, wanted: int) -> str:
    """The first rows by the keys that are named already: the condition need not be tried on the whole table once more."""
    keys = f"SELECT held_key FROM {HELD} WHERE position = {check.expectation.index} ORDER BY held_key LIMIT {int(wanted)}"
    return f"SELECT * FROM {warehouse.dialect.table(staged.ref)} WHERE {warehouse.dialect.quote(key)} IN ({keys})"


def _first(
    warehouse: Warehouse, sql: str, columns: Mapping[str, str], order: Iterable[str], audience: Audience
) -> tuple[str, ...]:
    """The first rows of a query; they are chosen before any is made into JSON."""
    quote = warehouse.dialect.quote
    by = [
        name if name.endswith(" DESC") else quote(name)
        for name in dict.fromkeys(order)
        if _ordered(columns, name)
    ]
    sorting = f" ORDER BY {', '.join(by)}" if by else ""
    row = masked_row_sql(warehouse.dialect, columns, audience.personal, "failing")
    first = f"SELECT * FROM ({sql}\n) AS failing{sorting} LIMIT {int(audience.keeping.samples)}"
    rows = warehouse.query(f"SELECT {row} FROM ({first}) AS failing{sorting}")
    return tuple(text for (text,) in rows)


def _ordered(columns: Mapping[str, str], name: str) -> bool:
    return not columns.get(name, "").upper().startswith(_UNORDERED)


def _ahead(columns: Mapping[str, str], first: Iterable[str | None]) -> dict[str, str]:
    """The same columns with these ahead: the key and what was judged are what a reader looks for."""
    return {name: columns[name] for name in first if name and name in columns} | dict(columns)


def _of_ours(
    warehouse: Warehouse, expectation: Expectation, found: Shown, audience: Audience
) -> tuple[str, ...]:
    """Rows of a query of one of our own checks: columns of the model keep their names in it, the rest is computed of the one column."""
    made = warehouse.arrow(f"SELECT * FROM ({found.sql}\n) AS failing LIMIT 0").schema
    kinds = {name: _kind(str(made.field(name).type)) for name in made.names}
    if str(expectation.kwargs.get("column", "")).lower() in audience.personal:
        groups = {str(name).lower() for name in expectation.kwargs.get("by") or ()}
        computed = {name.lower() for name in kinds} - groups
        audience = replace(audience, personal=audience.personal | computed)
    return _first(warehouse, found.sql, kinds, list(kinds), audience)


def _of_query(
    warehouse: Warehouse,
    staged: Staged,
    question: Question,
    found: Shown,
    key: str | None,
    columns: Mapping[str, str],
    audience: Audience,
) -> tuple[str, ...]:
    """Rows of the suite's own query, or the staged rows that it names by key.

    It can give any name to any value, so its own columns are shown only where nothing personal can be in them.
    """
    query = str(question.kwargs["unexpected_rows_query"])
    made = warehouse.arrow(f"SELECT * FROM ({found.sql}\n) AS failing LIMIT 0").schema
    harmless = not audience.personal and same_for_same_rows(query)
    if harmless or _shows_plain_columns(query, columns, audience.personal):
        kinds = {name: columns.get(name, _kind(str(made.field(name).type))) for name in made.names}
        shown_key = next((name for name in kinds if key and name.lower() == key.lower()), None)
        order = [shown_key] if shown_key else list(kinds)
        return _first(warehouse, found.sql, _ahead(kinds, [shown_key]), order, audience)
    if key is None or key.lower() not in {name.lower() for name in made.names}:
        return ()
    quoted = warehouse.dialect.quote(key)
    rows = (
        f"SELECT * FROM {warehouse.dialect.table(staged.ref)}"
        f" WHERE {quoted} IN (SELECT {quoted} FROM ({found.sql}\n) AS failing)"
    )
    return _first(warehouse, rows, _ahead(columns, [key]), [key], audience)


def _kind(arrow_type: str) -> str:
    """The engine's word for a type, as far as masking treats it on its own."""
    return {"double": "DOUBLE", "float": "FLOAT"}.get(arrow_type, "")


def _shows_plain_columns(query: str, columns: Collection[str], personal: Collection[str]) -> bool:
    """Whether a query selects from nothing but the judged rows, and only what is computed of columns that are not personal."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        tree = sqlglot.parse_one(query.format(batch="tailrace_batch"), read="duckdb")
    except SqlglotError:
        return False
    if not isinstance(tree, exp.Select) or not same_for_same_rows(query):
        return False
    source = tree.args["from_"].this if tree.args.get("from_") else None
    alone = isinstance(source, exp.Table) and not tree.args.get("joins") and not source.alias_column_names
    single = len(list(tree.find_all(exp.Query))) == 1
    return alone and single and all(_is_plain(item, columns, personal) for item in tree.expressions)


def _is_plain(projection: object, columns: Collection[str], personal: Collection[str]) -> bool:
    from sqlglot import exp

    assert isinstance(projection, exp.Expression)
    if isinstance(projection, exp.Star):  # its columns keep their names, by which they are masked
        return not any(projection.args.values())
    open_ended = [
        item
        for item in projection.find_all(exp.Star, exp.Columns, exp.PositionalColumn)
        if not isinstance(item.parent, exp.Count)
    ]
    shown = {name.lower() for name in columns} - set(personal)
    return not open_ended and all(column.name.lower() in shown for column in projection.find_all(exp.Column))
