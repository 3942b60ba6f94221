"""A Great Expectations data source over an open DuckDB connection.

1.24 has none: its generic SQL data source opens connections of its own, and duckdb-engine fails on every aggregate
(issues 10738 and 11579 of great_expectations).
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, Literal

import sqlalchemy as sa
from great_expectations.compatibility import pydantic
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine

from tailrace.validate.gx import types
from tailrace.validate.gx.dialect import engine_over
from tailrace.validate.gx.errors import plain_error


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """SQL metrics on DuckDB: regular expressions and LIKE as on Postgres, types by DuckDB's names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dialect_module = types

    def execute_query(self, query: Any) -> Any:
        if isinstance(query, sa.TextClause):  # a person's own, where `:x` in a text or a time is no parameter
            query = sa.text(query.text.replace(":", "\\:"))
        return super().execute_query(query)


class DuckDBDatasource(SQLDatasource):
    """Give it the connection with `over(native)` before the context tests it."""

    type: Literal["duckdb"] = "duckdb"  # type: ignore[assignment]
    connection_string: str = "duckdb+native://"

    _sa_engine: sa.Engine | None = pydantic.PrivateAttr(None)
    _gx_engine: DuckDBExecutionEngine | None = pydantic.PrivateAttr(None)

    def over(self, native: Any) -> DuckDBDatasource:
        """The same data source, on this open connection."""
        self._sa_engine = engine_over(native)
        self._gx_engine = DuckDBExecutionEngine(engine=self._sa_engine, create_temp_table=False)
        return self

    @property
    def execution_engine_type(self) -> builtins.type[SqlAlchemyExecutionEngine]:
        return DuckDBExecutionEngine

    def get_engine(self) -> sa.Engine:
        assert self._sa_engine is not None, "over() comes first"
        return self._sa_engine

    def get_execution_engine(self) -> SqlAlchemyExecutionEngine:
        assert self._gx_engine is not None, "over() comes first"
        return self._gx_engine

    def types(self, relation: str) -> Mapping[str, str]:
        """Columns of the relation and DuckDB's names of their types."""
        with self.get_engine().connect() as connection:
            quoted = relation.replace('"', '""')
            return {row[0]: row[1] for row in connection.exec_driver_sql(f'DESCRIBE "{quoted}"')}

    def said(self, message: str) -> str:
        """An error in one line: without the driver's name, without a row's values."""
        return plain_error(message)


def over(native: Any) -> DuckDBDatasource:
    """The data source of an open connection, which stays its owner's to close."""
    from tailrace.validate.gx import metrics  # noqa: F401  # registers itself

    return DuckDBDatasource(name="warehouse").over(native)
