"""DuckDB's types under their own names, so that an expectation on a type says `BIGINT` as the warehouse does.

Great Expectations looks the names up in the module that its execution engine names as the dialect's.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import types as sql
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg as dialect  # noqa: F401


class DuckDBType(sql.NullType):
    """A type that has no counterpart in SQLAlchemy: nested and special ones."""


class BOOLEAN(sql.BOOLEAN): ...


class TINYINT(sql.SmallInteger): ...


class SMALLINT(sql.SMALLINT): ...


class INTEGER(sql.INTEGER): ...


class BIGINT(sql.BIGINT): ...


class HUGEINT(sql.BigInteger): ...


class UTINYINT(sql.SmallInteger): ...


class USMALLINT(sql.Integer): ...


class UINTEGER(sql.BigInteger): ...


class UBIGINT(sql.BigInteger): ...


class UHUGEINT(sql.BigInteger): ...


class FLOAT(sql.Float[Any]): ...


class DOUBLE(sql.Float[Any]): ...


class DECIMAL(sql.DECIMAL[Any]): ...


class VARCHAR(sql.VARCHAR): ...


class BLOB(sql.LargeBinary): ...


class DATE(sql.DATE): ...


class TIME(sql.TIME): ...


class TIMESTAMP(sql.TIMESTAMP): ...


class TIMESTAMP_S(TIMESTAMP): ...  # noqa: N801


class TIMESTAMP_MS(TIMESTAMP): ...  # noqa: N801


class TIMESTAMP_NS(TIMESTAMP): ...  # noqa: N801


class TIMESTAMPTZ(sql.TIMESTAMP): ...


class INTERVAL(sql.Interval): ...


class UUID(DuckDBType): ...


class JSON(DuckDBType): ...


class ENUM(DuckDBType): ...


class LIST(DuckDBType): ...


class STRUCT(DuckDBType): ...


class MAP(DuckDBType): ...


TEXT = STRING = VARCHAR
NUMERIC = DECIMAL
INT = INTEGER
BOOL = BOOLEAN
REAL = FLOAT
"""DuckDB's own second names for the same types."""


def of(kind: str) -> sql.TypeEngine[Any]:
    """The type of what duckdb_columns() calls `kind`: `DECIMAL(18,3)`, `VARCHAR[]`, `TIMESTAMP WITH TIME ZONE`."""
    if kind.endswith("]"):
        return LIST()
    if kind == "TIMESTAMP WITH TIME ZONE":
        return TIMESTAMPTZ(timezone=True)
    if found := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind):
        return DECIMAL(int(found[1]), int(found[2]))
    named = globals().get(re.split(r"[ (]", kind)[0])
    return named() if isinstance(named, type) and issubclass(named, sql.TypeEngine) else DuckDBType()
