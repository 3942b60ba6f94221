"""A column that a model's SQL takes from a table that does not have it: the nearest one that the table has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tailrace.build.materialize.job import Job
from tailrace.errors import WarehouseError, near_miss
from tailrace.warehouse.base import TableRef

_SAID = re.compile(r'"([^"]+)" does not have a column named "([^"]+)"')
_KEYWORDS = r"(?!(?:on|using|where|join|left|right|full|inner|cross|group|order|limit)\b)"


def with_near_miss(job: Job, error: WarehouseError) -> WarehouseError:
    """The same error with a fix, where the alias stands for one table of the model's; else the error itself."""
    found = _SAID.search(error.message)
    if found is None or error.fix:
        return error
    tables = set(_tables(job, found[1]))
    if len(tables) != 1:
        return error
    columns = list(job.warehouse.columns(tables.pop()))
    told = WarehouseError(error.message, near_miss(found[2], columns))
    told.__cause__ = error.__cause__
    return told


def _tables(job: Job, alias: str) -> Iterator[TableRef]:
    """Tables that the SQL reads under this name."""
    nodes, sql = job.graph.nodes, f"{job.node.sql}\n{job.node.incremental_sql}"
    upstream = [nodes[name].table for name in job.node.depends_on if name in nodes]
    for ref in (*upstream, *job.node.reads):
        named = re.escape(job.warehouse.dialect.table(ref))
        for mark in re.finditer(rf'{named}(?:\s+(?:as\s+)?{_KEYWORDS}"?(\w+)"?)?', sql, re.IGNORECASE):
            if (mark[1] or ref.name).casefold() == alias.casefold():
                yield ref
