"""DuckDB for SQLAlchemy, over a connection that somebody else opened and keeps.

Postgres' compiler with what DuckDB reads otherwise put right; no driver, no pool, no transaction of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import (
    PGCompiler,
    PGDialect,
    PGIdentifierPreparer,
    PGTypeCompiler,
)
from sqlalchemy.engine import default
from sqlalchemy.pool import StaticPool

from tailrace import interrupts
from tailrace.validate.gx import types

_INTERRUPTED = "Query interrupted"
"""What DuckDB makes of the KeyboardInterrupt of a signal that arrives while it works."""

EXACT = 2**53
"""Integers up to here are the same as a float."""


def exact(value: Any) -> Any:
    """A number as a person wrote it: Great Expectations makes a float of every bound, DuckDB of what it compares with a float.

    Integers beyond 2^53 and decimals would be rounded, and 0.1 in a FLOAT column would not be 0.1.
    """
    if not isinstance(value, float) or not math.isfinite(value):
        return value
    if value.is_integer() and abs(value) <= EXACT:
        return int(value)
    written = Decimal(repr(value))
    return written if -9 <= int(written.as_tuple().exponent) < 0 else value


class _Cursor:
    """One query at a time, as the connection has one result: a later query of any cursor ends the reading of an earlier one."""

    arraysize = 1

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self.description: Sequence[Any] | None = None
        self.rowcount = -1

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        done = self._connection.run(self, sql, parameters)
        self.description = done.description

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._connection.result(self).fetchall()  # type: ignore[no-any-return]

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._connection.result(self).fetchone()  # type: ignore[no-any-return]

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        return self._connection.result(self).fetchmany(size)  # type: ignore[no-any-return]

    def close(self) -> None:
        """Rows that nobody reads are never made: results are read as they are fetched."""


class _Connection:
    """The open connection as a DB-API sees it; ending it, or its transaction, is its owner's business."""

    def __init__(self, native: Any) -> None:
        self._native = native
        self._reading: _Cursor | None = None

    def cursor(self) -> _Cursor:
        return _Cursor(self)

    def run(self, cursor: _Cursor, sql: str, parameters: Sequence[Any]) -> Any:
        """Run one SELECT; whatever else stands in `sql`, say in a suite's own query, is refused before any of it runs."""
        statements = duckdb.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise duckdb.PermissionException(
                "Permission Error: one SELECT is read here, and nothing is written"
            )
        self._reading = cursor
        try:
            return self._native.execute(sql, [exact(value) for value in parameters])
        except RuntimeError as error:
            # Ctrl-C, which the package would take for one more check that cannot be judged
            interrupts.check()
            if str(error) == _INTERRUPTED:
                raise KeyboardInterrupt from error
            raise

    def result(self, cursor: _Cursor) -> Any:
        if self._reading is not cursor:
            raise duckdb.InvalidInputException("Invalid Input Error: another query has begun")
        return self._native

    def commit(self) -> None:
        """Nothing is written through this connection."""

    def rollback(self) -> None:
        """Nothing is written through this connection; a rollback would discard its owner's work."""

    def close(self) -> None:
        """Its owner closes it."""


class _Compiler(PGCompiler):
    """DuckDB's `~` matches the whole text, Postgres' any part of it: a regular expression would silently differ."""

    def visit_custom_op_binary(self, element: Any, operator: Any, **kw: Any) -> str:
        if operator.opstring in ("~", "!~"):
            call = f"regexp_matches({self.process(element.left, **kw)}, {self.process(element.right, **kw)})"
            return call if operator.opstring == "~" else f"(NOT {call})"
        return super().visit_custom_op_binary(element, operator, **kw)  # type: ignore[no-any-return, no-untyped-call]

    def visit_table(self, table: Any, *args: Any, **kw: Any) -> str:
        """`dataset.table` as an expectation names another table: the package has no place for its schema."""
        if getattr(table, "schema", None) is None and "." in table.name:
            schema, name = table.name.split(".", 1)
            table = sa.table(name, schema=schema)
        return str(super().visit_table(table, *args, **kw))  # type: ignore[no-untyped-call]

    def render_literal_value(self, value: Any, type_: Any) -> str:
        """A number reads as the parameter does that stands for it elsewhere."""
        number = exact(value)
        if isinstance(number, float):
            return f"CAST('{number}' AS DOUBLE)"
        if isinstance(number, int | Decimal) and not isinstance(number, bool):
            return str(number)
        return str(super().render_literal_value(value, type_))  # type: ignore[no-untyped-call]


class _TypeCompiler(PGTypeCompiler):
    """A FLOAT of DuckDB has 32 bits and its plain NUMERIC three decimals: both would round what is compared."""

    def visit_FLOAT(self, type_: Any, **kw: Any) -> str:  # noqa: N802, ARG002  # SQLAlchemy's names
        return "DOUBLE"

    def visit_NUMERIC(self, type_: Any, **_kw: Any) -> str:  # noqa: N802  # SQLAlchemy's name
        return f"DECIMAL({type_.precision}, {type_.scale or 0})" if type_.precision else "DOUBLE"

    visit_REAL = visit_FLOAT  # noqa: N815


class _Preparer(PGIdentifierPreparer):
    """Every identifier is quoted: the engine's reserved words are not Postgres'."""

    def _requires_quotes(self, _value: str) -> bool:
        return True


class DuckDBDialect(PGDialect):
    """Speaks to one open connection; reads tables and views of it, and writes nothing."""

    name = "duckdb"
    driver = "native"
    default_paramstyle = "qmark"
    supports_statement_cache = True
    statement_compiler = _Compiler
    type_compiler_cls = _TypeCompiler
    preparer = _Preparer
    execution_ctx_cls = default.DefaultExecutionContext  # type: ignore[assignment]
    _backslash_escapes = False  # else a literal regular expression doubles its backslashes

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "paramstyle": "qmark"})  # type: ignore[no-untyped-call]
        self._columns: dict[tuple[str, str], list[Any]] = {}

    @classmethod
    def import_dbapi(cls) -> Any:
        return duckdb

    def initialize(self, _connection: Any) -> None:
        """Nothing is asked of the server: Postgres' catalogue is not there."""
        self.default_schema_name = "main"
        self.server_version_info = (15, 0)

    def do_begin(self, dbapi_connection: Any) -> None:
        """No transaction: see _Connection."""

    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> bool:
        return bool(self.get_columns(connection, table_name, schema, **kw))

    def get_columns(
        self, connection: Any, table_name: str, schema: str | None = None, **_kw: Any
    ) -> list[Any]:
        """Columns of a table or view that the connection sees under this name, temporary ones included; read once."""
        name = (schema or "main", str(table_name))
        if name not in self._columns:
            rows = connection.exec_driver_sql(
                "SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE schema_name = ?"
                " AND table_name = ? AND database_name IN (current_database(), 'temp') ORDER BY column_index",
                name,
            )
            self._columns[name] = [
                {"name": column, "type": types.of(kind), "nullable": nullable, "default": None}
                for column, kind, nullable in rows
            ]
        return list(self._columns[name])

    def get_pk_constraint(
        self,
        connection: Any,  # noqa: ARG002  # SQLAlchemy gives them by name
        table_name: str,  # noqa: ARG002
        schema: str | None = None,  # noqa: ARG002
        **_kw: Any,
    ) -> Any:
        """None: models declare no keys to the engine."""
        return {"constrained_columns": [], "name": None}


def engine_over(native: Any) -> sa.Engine:
    """A SQLAlchemy engine whose only connection is the open DuckDB connection `native`."""
    from sqlalchemy.dialects import registry

    registry.register("duckdb.native", __name__, "DuckDBDialect")
    return sa.create_engine("duckdb+native://", creator=lambda: _Connection(native), poolclass=StaticPool)
