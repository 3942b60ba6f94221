"""Our own statements in BigQuery's words, with relations of this machine in the places of their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import sqlglot
from sqlglot import exp

from tailrace.errors import WarehouseError
from tailrace.transpile.problem import Refused
from tailrace.transpile.statements import to_bigquery
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery.statement import WITHOUT

SENT = "tailrace_sent"
"""The dataset that names of this machine bear until they become relations."""


@lru_cache(maxsize=256)
def _marked(sql: str, names: frozenset[str], refs: frozenset[TableRef]) -> str:
    """The statement with every table that is sent along under a name that nothing else has, and its own name as alias."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    shadowed = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        ref = TableRef(table.db, table.name)
        own = table.db in WITHOUT and table.name in names and table.name not in shadowed
        if not own and ref not in refs:
            continue
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
        table.set("this", exp.to_identifier(_flat(ref), quoted=True))
        table.set("db", exp.to_identifier(SENT, quoted=True))
        table.set("catalog", None)
    return tree.sql("duckdb")


def _flat(ref: TableRef) -> str:
    return f"{'' if ref.schema in WITHOUT else ref.schema + '__'}{ref.name}"


class Speech:
    """`columns` tells a table's columns in DuckDB's types: what a name alone does not say decides what a word becomes."""

    def __init__(self, columns: Callable[[TableRef], Mapping[str, str]]) -> None:
        self._columns = columns

    def translated(
        self, sql: str, reads: frozenset[TableRef], sent: Mapping[TableRef, tuple[str, Mapping[str, str]]]
    ) -> str:
        """`sent`: relation and columns of each table of this machine, those of the session under the schema ""."""
        names = frozenset(ref.name for ref in sent if ref.schema in WITHOUT)
        text = _marked(sql, names, frozenset(sent)) if sent else sql
        schema = {str(ref): self._columns(ref) for ref in reads if ref not in sent}
        schema |= {f"{SENT}.{_flat(ref)}": columns for ref, (_, columns) in sent.items()}
        try:
            said = to_bigquery(text, schema)
        except Refused as error:
            raise WarehouseError(f"BigQuery has no words for this: {error}") from error
        for ref, (relation, _) in sent.items():
            said = said.replace(f"`{SENT}`.`{_flat(ref)}`", relation)
        return said
