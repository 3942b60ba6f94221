"""`query` on a BigQuery target: one SELECT, run where the tables are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tailrace.errors import BadInput
from tailrace.project.spec import Project
from tailrace.transpile.problem import Refused
from tailrace.transpile.transpile import translate
from tailrace.warehouse.base import TableRef

if TYPE_CHECKING:
    import pyarrow as pa

    from tailrace.warehouse.bigquery.jobs import Jobs


def ask_bigquery(project: Project, sql: str) -> tuple[pa.Table, int]:
    """The rows, and the bytes that were billed for them. BadInput for all but one SELECT, and for what BigQuery cannot say."""
    from tailrace.warehouse.bigquery.connection import connect
    from tailrace.warehouse.bigquery.jobs import Jobs

    tree = _select(sql, project.dialect)
    settings = project.target.settings
    jobs = Jobs(connect(settings), settings)
    try:
        said = sql.strip().rstrip(";") if project.dialect == "bigquery" else _translated(jobs, sql, tree)
        rows = jobs.arrow(said)
        return rows, jobs.tally.bytes_billed
    finally:
        jobs.close()


def _select(sql: str, dialect: str) -> exp.Query:
    """Nothing else is sent: there is no connection to BigQuery that could only read."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, read=dialect) if tree is not None]
    except SqlglotError as error:
        raise BadInput(f"the query cannot be read: {str(error).splitlines()[0]}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise BadInput("query reads: it takes one SELECT", "write what changes rows as a model or a hook")
    return trees[0]


def _translated(jobs: Jobs, sql: str, tree: exp.Query) -> str:
    try:
        return translate(sql.strip().rstrip(";"), "duckdb", "bigquery", schema=_columns(jobs, tree))
    except Refused as refused:
        raise BadInput(refused.message, refused.fix) from None


def _columns(jobs: Jobs, tree: exp.Query) -> Mapping[str, Mapping[str, str]]:
    """What the catalogue says of the tables that the query names: what a column's type decides comes out exact."""
    found: dict[str, Mapping[str, str]] = {}
    for table in tree.find_all(exp.Table):
        ref = TableRef(table.db, table.name)
        if not table.db or str(ref) in found:
            continue
        info = jobs.table(ref)
        if info is None:
            raise BadInput(f"there is no table {ref}", "tailrace ls shows what there is")
        found[str(ref)] = info.columns
    return found
