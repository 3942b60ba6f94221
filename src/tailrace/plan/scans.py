"""Bytes that building a model would read in BigQuery, and the columns that it would have: by dry runs, which cost nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tailrace.build.batches import set_batch
from tailrace.build.graph import Graph, ModelNode
from tailrace.build.intervals import truncated
from tailrace.build.seeds import seed_select
from tailrace.errors import FatalError, WarehouseError
from tailrace.plan.far_scratch import FarScratch
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery import types

UNREAD = ("ephemeral", "seed", "view")
"""What is made without reading rows: seeds are loaded, which is free, and a view is read by those who ask it."""


@dataclass(frozen=True)
class Scan:
    """`bytes` that BigQuery reads, None where nobody knows; `unknown` names models before this one that are not built yet."""

    bytes: int | None
    columns: Mapping[str, str]
    unknown: tuple[str, ...] = ()


class _Ahead(FarScratch):
    """The catalogue as it will be once the models before are built."""

    def __init__(self, warehouse: FarScratch, made: Mapping[TableRef, Mapping[str, str]]) -> None:
        self.__dict__.update(warehouse.__dict__)
        self._made = made

    def columns(self, ref: TableRef) -> dict[str, str]:
        return dict(self._made.get(ref) or ()) or super().columns(ref)


class Scans:
    """Model after model in the graph's order: what comes before one that would be built is taken as it would be then."""

    def __init__(self, warehouse: FarScratch, graph: Graph, root: Path) -> None:
        self._warehouse, self._graph, self._root = warehouse, graph, root
        self._made: dict[TableRef, Mapping[str, str]] = {}
        self._names: dict[TableRef, str] = {}
        self._lost: set[str] = set()

    def scan(self, node: ModelNode, *, whole: bool) -> Scan:
        """Of a model that would be built; `whole`: from nothing. WarehouseError where BigQuery refuses its SQL, FatalError where it has no words for it."""
        if node.kind == "seed":
            return self._remember(node, Scan(0, self._seed(node)))
        if lost := tuple(up for up in node.depends_on if up in self._lost):
            return self.lose(node, lost)
        try:
            node = self._typed(node)
        except FatalError:
            self._lost.add(node.name)
            raise
        sql = _batch_of(node, self._graph) if _microbatch(node) else node.sql
        if not whole and node.incremental_sql:
            sql = node.incremental_sql
        text, unknown = with_stand_ins(sql, self._missing())
        try:
            found = self._warehouse.jobs.dry_run(text)
        except WarehouseError:
            self._lost.add(node.name)
            raise
        read = 0 if node.materialized in UNREAD else found.bytes + (0 if whole else self._own(node))
        return self._remember(node, Scan(read, found.columns, tuple(self._names[ref] for ref in unknown)))

    def _typed(self, node: ModelNode) -> ModelNode:
        """Its SQL as the build carries it over: by the types of what it reads, of what comes before as they would be then."""
        late = self._graph.late
        return node if late is None else late.typed(node, _Ahead(self._warehouse, self._made))

    def lose(self, node: ModelNode, unknown: tuple[str, ...] = ()) -> Scan:
        """Of a model whose columns nobody knows: nor those of what reads it, unless it stands."""
        if not self._warehouse.columns(node.table):
            self._lost.add(node.name)
        return Scan(None, {}, unknown)

    def _remember(self, node: ModelNode, scan: Scan) -> Scan:
        self._made[node.table] = scan.columns
        self._names[node.table] = node.name
        return scan

    def _seed(self, node: ModelNode) -> dict[str, str]:
        """Its file's columns; loading it is free."""
        with self._warehouse.near_only():
            rows = self._warehouse.query(f"DESCRIBE {seed_select(node, self._root)}")
        return {str(row[0]): str(row[1]) for row in rows}

    def _missing(self) -> dict[TableRef, Mapping[str, str]]:
        """Of the models before: those that are not there, or would have other columns."""
        return {
            ref: columns
            for ref, columns in self._made.items()
            if columns and self._warehouse.columns(ref) != dict(columns)
        }

    def _own(self, node: ModelNode) -> int:
        """What stands is read as well where rows are looked up in it: all of it, where no partition can be left out."""
        settings = node.settings.incremental
        if settings is not None and settings.strategy in ("append", "insert_overwrite", "microbatch"):
            return 0
        found = self._warehouse.info(node.table)
        return found.bytes if found else 0


def _microbatch(node: ModelNode) -> bool:
    return node.settings.incremental is not None and node.settings.incremental.microbatch is not None


def _batch_of(node: ModelNode, graph: Graph) -> str:
    """The SQL of the batch that is now."""
    settings = node.settings.incremental
    assert settings is not None
    assert settings.microbatch is not None
    start = truncated(graph.now, settings.microbatch.batch_size)
    return set_batch(node.sql, start, graph.now + timedelta(microseconds=1))


def with_stand_ins(sql: str, tables: Mapping[TableRef, Mapping[str, str]]) -> tuple[str, list[TableRef]]:
    """BigQuery's SQL with tables without rows in the places of some; which ones were found in it."""
    if not tables:
        return sql, []
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="bigquery") if tree is not None]
    except SqlglotError:
        return sql, []
    by_name = {(ref.schema.casefold(), ref.name.casefold()): ref for ref in tables}
    edits, found = [], []
    for table in (one for tree in trees for one in tree.find_all(exp.Table)):
        ref = by_name.get((table.db.casefold(), table.name.casefold()))
        places = [part.meta for part in (table.args.get("db"), table.this) if part and "start" in part.meta]
        if ref is None or len(places) != 2:
            continue
        alias = "" if table.alias else f" AS `{table.name}`"
        edits.append((places[0]["start"], places[-1]["end"] + 1, _empty(tables[ref]) + alias))
        found.append(ref)
    for start, end, text in sorted(edits, reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql, list(dict.fromkeys(found))


def _empty(columns: Mapping[str, str]) -> str:
    listed = ", ".join(
        f"CAST(NULL AS {types.to_bigquery(kind)}) AS `{name}`" for name, kind in columns.items()
    )
    return f"(SELECT {listed} FROM UNNEST([1]) WHERE FALSE)"
