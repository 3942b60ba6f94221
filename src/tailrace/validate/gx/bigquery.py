"""Great Expectations over an open BigQuery client, through sqlalchemy-bigquery's dialect.

A relation is a SELECT of the rows to judge: BigQuery has no temporary views outside of sessions, and a temporary table would be
billed as a copy. Each query reads it as a subquery, of which BigQuery scans the columns that are used.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import sqlalchemy as sa
from great_expectations.compatibility import pydantic
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource, TableAsset
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine

from tailrace.validate.gx.bigquery_dialect import engine_over, kinds_of
from tailrace.validate.gx.bigquery_values import typed
from tailrace.validate.gx.examiner import GreatExpectations
from tailrace.validate.question import Answer, Question

_REQUEST = re.compile(r"^(?:\w+: |\([\w.]+\) )?\d{3} (?:(?:GET|POST) \S+: )?")
_SHOWS_VALUES = re.compile(r"(?:Bad|Invalid|Could not|Failed to|Division|division)\b")
_VALUE = re.compile(r"(?<=: )[^:]*\Z|'[^']*'|\"[^\"]*\"")
"""Errors of BigQuery that quote the value they failed on, which may be a person's."""


class BigQueryRows(TableAsset):
    """A relation: a SELECT in parentheses, which stands after FROM as a table's name does."""

    def test_connection(self) -> None:
        """A dry run reads its columns before anything is asked of it; a query here would be billed."""


class BigQueryExecutionEngine(SqlAlchemyExecutionEngine):
    """SQL metrics on BigQuery; a person's own query is sent as it was written, and no answer is as long as the table."""

    def execute_query(self, query: Any) -> Any:
        if isinstance(query, sa.TextClause):  # which takes `:x`, in a text or a time, for a parameter
            query = sa.text(query.text.replace(":", "\\:"))
        elif isinstance(query, sa.Select) and all(
            isinstance(item, sa.Over) for item in query.selected_columns
        ):
            query = _one_row(query)
        return super().execute_query(query)


def _one_row(query: Any) -> Any:
    """Quantiles, which come by window: once for every row of the table, and not at all for none."""
    labelled = [item.label(f"quantile_{place}") for place, item in enumerate(query.selected_columns)]
    rows = query.with_only_columns(*labelled).subquery("quantiles")
    return sa.select(*[sa.func.any_value(column) for column in rows.columns])


class OpenBigQueryDatasource(SQLDatasource):
    """Give it the client with `over(client)` before the context tests it."""

    asset_types: ClassVar[list[builtins.type[Any]]] = [BigQueryRows]
    type: Literal["open_bigquery"] = "open_bigquery"  # type: ignore[assignment]
    connection_string: str = "bigquery+open://"

    _sa_engine: sa.Engine | None = pydantic.PrivateAttr(None)
    _gx_engine: SqlAlchemyExecutionEngine | None = pydantic.PrivateAttr(None)

    def over(self, client: Any) -> OpenBigQueryDatasource:
        """The same data source, on this open client."""
        self._sa_engine = engine_over(client)
        self._gx_engine = BigQueryExecutionEngine(engine=self._sa_engine, create_temp_table=False)
        return self

    @property
    def execution_engine_type(self) -> builtins.type[SqlAlchemyExecutionEngine]:
        return BigQueryExecutionEngine

    def get_engine(self) -> sa.Engine:
        assert self._sa_engine is not None, "over() comes first"
        return self._sa_engine

    def get_execution_engine(self) -> SqlAlchemyExecutionEngine:
        assert self._gx_engine is not None, "over() comes first"
        return self._gx_engine

    def add_table_asset(self, name: str) -> Any:  # type: ignore[override]
        """The rows of a relation."""
        return self._add_asset(BigQueryRows(name=name, table_name=name))

    def types(self, relation: str) -> Mapping[str, str]:
        """Columns of the relations so far, this one included, and BigQuery's names of their types."""
        return kinds_of(self.get_engine(), relation)

    def said(self, message: str) -> str:
        """An error in one line: without the request that it answers, without a row's values."""
        line = _REQUEST.sub("", message.strip()).strip().split("\n", maxsplit=1)[0]
        return _VALUE.sub("***", line) if _SHOWS_VALUES.match(line) else line


class BigQueryExaminer(GreatExpectations):
    """An Examiner whose relations are SELECTs in parentheses, in BigQuery's SQL, with tables named in full."""

    def __init__(self, client: Any) -> None:
        super().__init__(OpenBigQueryDatasource(name="warehouse").over(client))

    def answers(self, questions: list[Question]) -> list[Answer]:
        """As Examiner.answers, every value typed as BigQuery compares it."""
        return super().answers([self._typed(question) for question in questions])

    def failing_rows(self, question: Question, columns: Sequence[str] = ()) -> str:
        """As Examiner.failing_rows, in BigQuery's SQL."""
        return super().failing_rows(self._typed(question), columns)

    def _typed(self, question: Question) -> Question:
        try:
            types = self._source.types(question.relation)
        except Exception:  # noqa: BLE001  # the relation itself is wrong; asked about it, BigQuery says so again, as an answer
            return question
        return typed(question, types)
