"""SQL of ours in BigQuery's words, with pieces in it that are BigQuery's already."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tailrace.errors import WarehouseError
from tailrace.transpile.problem import Refused
from tailrace.transpile.statements import to_bigquery
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery.statement import read_statement

_PIECE = re.compile(r"[`\"]tailrace_native_(\d+)[`\"]")


class Speech:
    """`columns` tells a table's columns with BigQuery's types."""

    def __init__(self, columns: Callable[[TableRef], Mapping[str, str]]) -> None:
        self._columns = columns
        self._pieces: list[str] = []

    def piece(self, sql: str) -> str:
        """A name that stands in our SQL for an expression in BigQuery's own words."""
        self._pieces.append(sql)
        return f'"tailrace_native_{len(self._pieces) - 1}"'

    def said(self, sql: str) -> str:
        """WarehouseError where BigQuery has no words for it."""
        found = read_statement(sql)
        named = found.reads if found.target is None else found.reads | {found.target}
        try:
            text = to_bigquery(sql, {str(ref): self._columns(ref) for ref in named})
        except Refused as error:
            raise WarehouseError(f"BigQuery has no words for this: {error}") from error
        return self._whole(text)

    def _whole(self, text: str) -> str:
        while _PIECE.search(text):  # a piece may hold another one
            text = _PIECE.sub(lambda found: self._pieces[int(found[1])], text)
        return text


def instead_of(sql: str, instead: Mapping[TableRef, TableRef]) -> str:
    """BigQuery's SQL with other tables in the places of some."""
    wanted = {(old.schema.casefold(), old.name.casefold()): new for old, new in instead.items()}
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="bigquery") if tree is not None]
    except SqlglotError as error:
        raise WarehouseError(f"the SQL cannot be read: {str(error).splitlines()[0]}") from None
    edits = []
    for table in (found for tree in trees for found in tree.find_all(exp.Table)):
        new = wanted.get((table.db.casefold(), table.name.casefold()))
        if new is not None:
            places = [part.meta for part in (table.args["db"], table.this) if "start" in part.meta]
            alias = "" if table.alias else f" AS `{table.name}`"
            written = isinstance(table.parent, exp.From | exp.Join)
            edits.append(
                (places[0]["start"], places[-1]["end"] + 1, f"`{new.schema}`.`{new.name}`" + alias * written)
            )
    for start, end, text in sorted(edits, reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql
