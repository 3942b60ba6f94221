"""The columns that a query takes of a table, for a table of which nobody knows the columns. Costs sqlglot's import."""

from __future__ import annotations

from tailrace.warehouse.base import TableRef


def columns_read(sql: str, table: TableRef, dialect: str) -> tuple[str, ...]:
    """Names as written, those that may be another table's left out."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.scope import traverse_scope

    try:
        scopes = traverse_scope(sqlglot.parse_one(sql, read=dialect))
    except SqlglotError:
        return ()
    found: dict[str, str] = {}
    for scope in scopes:
        mine = [
            alias
            for alias, source in scope.sources.items()
            if isinstance(source, exp.Table)
            and source.name.casefold() == table.name.casefold()
            and source.db.casefold() in ("", table.schema.casefold())
        ]
        alone = len(scope.sources) == 1
        for column in scope.columns if mine else ():
            if isinstance(column.this, exp.Star):
                continue
            if column.table in mine or (alone and not column.table):
                found.setdefault(column.name.casefold(), column.name)
    return tuple(found.values())
