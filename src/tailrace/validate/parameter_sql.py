"""The SQL of a suite's parameter: one SELECT of one value, whose result the data alone decides."""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.validate.where import BATCH, outer_tables, volatile_in

_ONE = "Write SELECT ... of one value"


@dataclass(frozen=True)
class ParameterFacts:
    """What is wrong with it, each with its fix; `tables` are the others that it reads, as `schema.name`, or the name alone."""

    wrong: tuple[tuple[str, str], ...] = ()
    tables: tuple[str, ...] = ()


def facts_of(sql: str) -> ParameterFacts:
    """Parsed in DuckDB's dialect; `{batch}` stands for the rows that are judged."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        statements = [one for one in sqlglot.parse(sql.replace("{batch}", BATCH), read="duckdb") if one]
    except SqlglotError as error:
        from tailrace.validate.sql_errors import why

        return ParameterFacts(((f"it is no SQL: {why(error)}", _ONE),))
    query = statements[0] if len(statements) == 1 else None
    if not isinstance(query, exp.Query):
        return ParameterFacts((("it must be one SELECT", _ONE),))
    wrong = []
    selects = query.selects
    if len(selects) != 1 or isinstance(selects[0], exp.Star) or selects[0].is_star:
        count = "all columns" if any(item.is_star for item in selects) else f"{len(selects)} columns"
        wrong.append((f"it selects {count}", _ONE))
    if volatile := sorted(volatile_in(query)):
        fix = "Read a column that a model computes, which has one clock for the whole run"
        wrong.append((f"it reads {volatile[0]}, which differs from call to call", fix))
    tables = {
        f"{table.db}.{table.name}" if table.db else table.name
        for table in outer_tables(query)
        if table.name and not table.catalog
    }
    return ParameterFacts(tuple(wrong), tuple(sorted(tables)))
