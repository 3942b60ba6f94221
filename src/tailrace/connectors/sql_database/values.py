"""Values that are not of their column's type, as SQLite lets them in: found again, since SQLAlchemy names neither table nor column."""

from __future__ import annotations

from typing import Any

from tailrace.connectors.sdk.dlt_errors import causes
from tailrace.errors import FatalError

UNREAD = (ValueError, TypeError, ArithmeticError, LookupError)
"""What SQLAlchemy's types raise of a value that they cannot read."""
SHOWN = 60
FIX = "mend the row in the database, or leave the column out with included_columns"


def wrong_value(error: Exception, engine: Any, table: str, schema: str | None) -> FatalError | None:
    """The table, the column and the value behind an error of a read; None where every value can be read."""
    if not isinstance(list(causes(error))[-1], UNREAD):
        return None
    from sqlalchemy import MetaData, Table

    found = Table(table, MetaData(schema=schema), autoload_with=engine)
    with engine.connect().execution_options(stream_results=True) as connection:
        for column in found.columns:
            value = _unread(connection, column)
            if value is not None:
                return FatalError(f"{table}.{column.name}: {_short(value)} is no {column.type}", FIX)
    return None


def _unread(connection: Any, column: Any) -> Any:
    """The first value that the column's type cannot read."""
    from sqlalchemy import select, type_coerce
    from sqlalchemy.types import NullType

    dialect = connection.dialect
    read = column.type.dialect_impl(dialect).result_processor(dialect, None)
    for value in connection.execute(select(type_coerce(column, NullType()))).scalars() if read else ():
        try:
            read(value)
        except UNREAD:
            return value
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
