"""Tables by their project, too: what a view reads is looked up by whoever reads the view, who may bill another project."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

CATALOGUE = "INFORMATION_SCHEMA"


def qualified(sql: str, project: str) -> str:
    """BigQuery's SQL in which each table that names its dataset alone names the project as well; all else as it was written.

    What sqlglot cannot read stays as it is: Google then takes the project of the job that defines the view.
    """
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="bigquery") if tree is not None]
    except SqlglotError:
        return sql
    for start, whole in sorted({place for tree in trees for place in _places(tree)}, reverse=True):
        sql = (
            f"{sql[:start]}`{project}.{sql[start + 1 :]}"
            if whole
            else f"{sql[:start]}`{project}`.{sql[start:]}"
        )
    return sql


def _places(tree: exp.Expr) -> set[tuple[int, bool]]:
    """Where datasets' names stand, and whether with the table's in one pair of backticks."""
    rows = {found.alias.casefold() for found in tree.find_all(exp.Table, exp.Subquery) if found.alias}
    found = set()
    for table in tree.find_all(exp.Table):
        dataset = table.args.get("db")
        if dataset is None or table.catalog or "start" not in dataset.meta:
            continue
        if table.db.casefold() not in rows and CATALOGUE not in f"{table.db}.{table.name}".upper():
            found.add((dataset.meta["start"], dataset.meta["start"] == table.this.meta.get("start")))
    return found
