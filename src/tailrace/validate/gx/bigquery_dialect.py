"""sqlalchemy-bigquery's dialect over a client that somebody else opened and keeps, with its literals put right.

Google's DB-API formats every statement with Python's `%`, so each `%` in a text or a condition has to be doubled, and is
halved once too often or too rarely on the way through Great Expectations. Here nothing is formatted but the parameters.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from google.cloud import bigquery
from google.cloud.bigquery import dbapi
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql import operators
from sqlalchemy_bigquery import BigQueryDialect, _types
from sqlalchemy_bigquery.base import BigQueryCompiler, BigQueryIdentifierPreparer

from tailrace.validate.gx.bigquery_values import converted

_PARAMETER = re.compile(r"%\((\w+):([A-Z0-9]+)\)s")
_NO_ROWS = re.compile(r"\bLIMIT @(\w+)\s*\Z")


class _Cursor:
    """Rows are fetched at once, by one request where the answer is small."""

    arraysize = 1

    def __init__(self, client: Any) -> None:
        self._client = client
        self._rows: list[tuple[Any, ...]] = []
        self.description: Sequence[Any] | None = None
        self.rowcount = -1

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        given = parameters or {}
        typed: dict[str, str] = {}

        def named(found: re.Match[str]) -> str:
            if found[1] not in given:
                return found[0]
            typed[found[1]] = found[2]
            return f"@{found[1]}"

        statement = _PARAMETER.sub(named, sql)
        if (limit := _NO_ROWS.search(statement)) and given.get(limit[1]) == 0:
            self.description = [
                ("nothing", "STRING", *[None] * 5)
            ]  # a sample of no rows would be billed like any
            return
        config = bigquery.QueryJobConfig(
            query_parameters=[_parameter(name, kind, given[name]) for name, kind in typed.items()]
        )
        rows = self._client.query_and_wait(statement, job_config=config)
        self.description = [(field.name, field.field_type, *[None] * 5) for field in rows.schema]
        self._rows = [tuple(row.values()) for row in rows]

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows, []
        return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    def close(self) -> None:
        self._rows = []


def _parameter(name: str, kind: str, value: Any) -> Any:
    many = isinstance(value, list | tuple)
    first = next((item for item in value if item is not None), None) if many else value
    if isinstance(
        first, datetime
    ):  # the dialect calls all of them DATETIME, which is not compared with a TIMESTAMP
        kind = "TIMESTAMP" if first.tzinfo else "DATETIME"
    if many:
        return bigquery.ArrayQueryParameter(name, kind, list(value))
    return bigquery.ScalarQueryParameter(name, kind, value)


class _Connection:
    """The open client as a DB-API sees it; closing it is its owner's business."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def cursor(self) -> _Cursor:
        return _Cursor(self.client)

    def commit(self) -> None:
        """Every statement stands alone."""

    def rollback(self) -> None:
        """Every statement stands alone."""

    def close(self) -> None:
        """Its owner closes it."""


_COMPARES = (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)
_FLOATS = ("FLOAT", "FLOAT64")


class _Compiler(BigQueryCompiler):  # type: ignore[misc]
    """Comparisons as DuckDB makes them: values typed by their column, NaN above all other numbers."""

    def visit_binary(self, binary: Any, *args: Any, **kw: Any) -> Any:
        kind = self._kind(binary.left)
        if kind and isinstance(binary.right, sa.BindParameter) and binary.right.value is not None:
            binary = _typed(binary, kind)
        written = super().visit_binary(binary, *args, **kw)
        nan = self._nan(binary)
        return f"({written} OR {self.process(nan, **kw)})" if nan is not None else written

    def _kind(self, side: Any) -> str:
        return str(self.dialect.kinds.get(side.name, "")) if isinstance(side, sa.ColumnClause) else ""

    def _nan(self, binary: Any) -> Any:
        """When the comparison holds because of a NaN, which BigQuery holds to be neither above nor below anything; None for never."""
        left, right = (
            sa.func.is_nan(side) if self._kind(side) in _FLOATS else None
            for side in (binary.left, binary.right)
        )
        upwards = binary.operator in (operator.gt, operator.ge)
        higher, lower = (left, right) if upwards else (right, left)
        if binary.operator in (operator.ge, operator.le) or lower is None:
            return higher if binary.operator in _COMPARES[2:] else None
        return (
            sa.and_(higher, sa.not_(lower))
            if binary.operator in _COMPARES[2:] and higher is not None
            else None
        )


def _typed(binary: Any, kind: str) -> Any:
    """The same comparison; on their way here, the package made texts of days and instants."""
    value = binary.right.value
    if binary.operator in _COMPARES:
        return binary.operator(binary.left, converted(kind, value))
    if binary.right.expanding:
        values = [converted(kind, item) for item in value]
        return binary.left.in_(values) if binary.operator is operators.in_op else binary.left.not_in(values)
    return binary


class _Preparer(BigQueryIdentifierPreparer):  # type: ignore[misc]
    def __init__(self, dialect: Any) -> None:
        super().__init__(dialect)
        self._double_percents = False


class _Text(sa.String):
    """A text as a literal: between single quotes, with every backslash and control character escaped."""

    def literal_processor(self, dialect: Any) -> Any:  # noqa: ARG002  # SQLAlchemy's name
        return _literal


_ESCAPED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TO_ESCAPE = re.compile(r"[\\'\x00-\x1f]")


def _literal(text: str) -> str:
    return "'" + _TO_ESCAPE.sub(lambda found: _ESCAPED.get(found[0], f"\\x{ord(found[0]):02x}"), text) + "'"


class _Moment(sa.DateTime):
    """An instant with a zone is a TIMESTAMP, one without a DATETIME."""

    def literal_processor(self, dialect: Any) -> Any:  # noqa: ARG002  # SQLAlchemy's name
        return lambda value: f"{'TIMESTAMP' if value.tzinfo else 'DATETIME'} '{value}'"


class OpenBigQueryDialect(BigQueryDialect):  # type: ignore[misc]
    """Speaks through one open client; reads, and writes nothing."""

    driver = "open"
    supports_statement_cache = False
    div_is_floordiv = False  # else a divisor is cut to the nine decimals of a NUMERIC
    preparer = _Preparer
    statement_compiler = _Compiler
    colspecs = {**BigQueryDialect.colspecs, sa.String: _Text, sa.DateTime: _Moment}  # noqa: RUF012  # SQLAlchemy's

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._known: dict[str, Sequence[Any]] = {}
        self.kinds: dict[str, str] = {}
        """BigQuery's types of the columns of all relations read so far: they are parts of one table."""

    @classmethod
    def import_dbapi(cls) -> Any:
        return dbapi

    def create_connect_args(self, _url: Any) -> Any:
        """The client is there already."""
        return (), {}

    def fields(self, client: Any, relation: str) -> Sequence[Any]:
        """Columns of what stands after FROM, asked once: by a dry run, which costs nothing."""
        if relation not in self._known:
            config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)
            fields = client.query(f"SELECT * FROM {relation}", job_config=config).schema
            self._known[relation] = fields
            self.kinds |= {field.name: field.field_type for field in fields if field.mode != "REPEATED"}
        return self._known[relation]

    def get_columns(
        self,
        connection: Any,
        table_name: str,
        schema: str | None = None,  # noqa: ARG002  # SQLAlchemy's name
        **_kw: Any,
    ) -> Any:
        """Columns of a relation, as SQLAlchemy describes them."""
        return _types.get_columns(self.fields(connection.connection.client, str(table_name)))

    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> bool:
        return bool(self.get_columns(connection, table_name, schema, **kw))


def kinds_of(engine: sa.Engine, relation: str) -> Mapping[str, str]:
    """BigQuery's types by column, those of what stands after FROM included."""
    with engine.connect() as connection:
        dialect: Any = engine.dialect
        dialect.fields(connection.connection.client, relation)
        return dialect.kinds  # type: ignore[no-any-return]


def engine_over(client: Any) -> sa.Engine:
    """A SQLAlchemy engine whose only connection is the open `client`."""
    from sqlalchemy.dialects import registry

    registry.register("bigquery.open", __name__, "OpenBigQueryDialect")
    return sa.create_engine("bigquery+open://", creator=lambda: _Connection(client), poolclass=StaticPool)
