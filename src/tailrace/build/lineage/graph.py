"""The column lineage of every model of a graph, one step each; computed when asked, kept as JSON facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tailrace.build.calls import CTE
from tailrace.build.facts import Cache, key_of, version_of
from tailrace.build.graph import Graph, ModelNode
from tailrace.build.lineage.model import Column, ModelLineage, lineage_of, plain, read
from tailrace.build.lineage.relation import NONE, Part, Refs, Relation, table
from tailrace.build.marks import CTES
from tailrace.warehouse.base import TableRef

FORMAT = "1"
FILE = "lineage.json"


@dataclass(frozen=True)
class Known:
    """Columns of a table that no model makes; `complete` where it has no others."""

    columns: tuple[str, ...]
    complete: bool = True


def column_edges(
    graph: Graph,
    known: Mapping[TableRef, Known] | None = None,
    *,
    dialect: str = "duckdb",
    cache_dir: Path | None = None,
) -> dict[str, ModelLineage]:
    """Each model's and seed's columns by its name; `known` tells those of landed and foreign tables, `dialect` is the SQL's.

    An attached file's table is known as TableRef("alias.schema", "table"). `cache_dir` may be deleted at any time.
    """
    cache = Cache(cache_dir, version_of(dialect, "lineage", FORMAT), FILE)
    walk = _Walk(graph, dialect, cache)
    for ref, columns in (known or {}).items():
        walk.add(ref.schema, ref.name, columns.columns, complete=columns.complete)
    found = {name: walk.model(graph.nodes[name]) for name in graph.order}
    cache.save()
    return found


@dataclass
class _Walk:
    """Models in their order, so that every table's columns are known before it is read."""

    graph: Graph
    dialect: str
    cache: Cache
    tables: dict[tuple[str, str], Relation] = field(default_factory=dict)
    ephemerals: dict[str, Relation] = field(default_factory=dict)
    shapes: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, schema: str, name: str, columns: Iterable[str], *, complete: bool) -> Relation:
        found = table(schema, name, columns, complete=complete)
        self.tables[schema.lower(), name.lower()] = found
        self.shapes.pop((schema.lower(), name.lower()), None)
        return found

    def table(self, catalog: str, schema: str, name: str) -> Relation:
        """A table by its name in the SQL; one that nobody knows has any column."""
        if catalog and self.dialect == "duckdb":
            schema = f"{catalog}.{schema}"
        known = self.tables.get((schema.lower(), name.lower()))
        return known if known is not None else self.add(schema, name, (), complete=False)

    def model(self, node: ModelNode) -> ModelLineage:
        """The model's own columns, one step back."""
        if node.kind == "seed":
            found = ModelLineage({name.lower(): Column(name) for name in node.columns or ()})
        else:
            found = self._of_sql(node, node.sql)
            if node.incremental_sql:
                found = _both(found, self._of_sql(node, node.incremental_sql))
            if node.settings.snapshot is not None:
                found = _with_validity(node, found)
        self.place(node, found)
        return found

    def place(self, node: ModelNode, found: ModelLineage) -> None:
        """Makes the model's table known to its readers."""
        names = [column.name for column in found.columns.values()]
        complete = found.complete and bool(names)
        relation = self.add(node.table.schema, node.table.name, names, complete=complete)
        if node.materialized == "ephemeral":
            self.ephemerals[f"{CTE}{node.name}".lower()] = relation

    def _of_sql(self, node: ModelNode, sql: str) -> ModelLineage:
        key = key_of("lineage", sql, *self._read(node))
        kept = self.cache.get(key)
        if kept is not None:
            return read(kept)
        found = self._parsed(node, sql)
        self.cache.put(key, plain(found))
        return found

    def _read(self, node: ModelNode) -> Iterator[str]:
        """The columns of what the model reads, as far as they are known: the same SQL over others means something else."""
        reads = [self.graph.nodes[name].table for name in node.depends_on] + [*node.reads]
        for ref in reads:
            yield self._shape(ref.schema, ref.name)
        for name in node.externals:
            schema, _, bare = name.rpartition(".")
            yield self._shape(schema, bare)

    def _shape(self, schema: str, name: str) -> str:
        place = (schema.lower(), name.lower())
        if place not in self.shapes:
            relation = self.tables.get(place)
            listed = "\n".join(output.name for output in relation.columns.values()) if relation else ""
            complete = relation is not None and relation.complete
            self.shapes[place] = f"{schema}.{name} {complete}\n{listed}"
        return self.shapes[place]

    def _parsed(self, node: ModelNode, sql: str) -> ModelLineage:
        from sqlglot.errors import SqlglotError

        try:
            relation, notes = self.reader(sql)
        except (SqlglotError, RecursionError):
            return _unread(self.graph, node)
        return lineage_of(relation, notes)

    def reader(self, sql: str) -> tuple[Relation, tuple[str, ...]]:
        """A query's columns with their syntax trees, and what could not be decided."""
        import sqlglot

        from tailrace.build.lineage.query import Reader

        reader = Reader(self.table, sql, lateral_aliases=self.dialect == "duckdb", kept=self.ephemerals)
        relation = reader.read(sqlglot.parse_one(sql.replace(CTES, ""), read=self.dialect))
        return relation, tuple(reader.notes)


def expression_texts(
    graph: Graph,
    found: Mapping[str, ModelLineage],
    names: Iterable[str],
    known: Mapping[TableRef, Known] | None = None,
    *,
    dialect: str = "duckdb",
) -> dict[tuple[str, str], str]:
    """The SQL that computes each column of some models, by (model, lower-case column); none where it is only passed on.

    `found` is what column_edges() gave. The models' SQL is parsed again.
    """
    from sqlglot.errors import SqlglotError

    walk = _Walk(graph, dialect, Cache(None, ""))
    for ref, columns in (known or {}).items():
        walk.add(ref.schema, ref.name, columns.columns, complete=columns.complete)
    for name in graph.order:
        walk.place(graph.nodes[name], found[name])
    texts: dict[tuple[str, str], str] = {}
    for name in names:
        try:
            relation = walk.reader(graph.nodes[name].sql)[0]
        except (SqlglotError, RecursionError):
            continue
        for column, output in relation.columns.items():
            if output.expression is not None:
                texts[name, column] = str(output.expression.sql(dialect=dialect, comments=False))
    return texts


def _unread(graph: Graph, node: ModelNode) -> ModelLineage:
    """Of SQL that cannot be read: any column may come from any column of what it reads."""
    refs = [graph.nodes[name].table for name in node.depends_on] + [*node.reads]
    any_of = frozenset((ref.schema, ref.name, "*") for ref in refs)
    columns = {name.lower(): Column(name, any_of) for name in node.columns or ()}
    note = "its SQL cannot be read: every column may come from whatever it reads"
    return ModelLineage(columns, NONE, ((Part("", "", fixed=any_of),),), (note,))


def _both(first: ModelLineage, later: ModelLineage) -> ModelLineage:
    """What a first build and a later one read together."""
    columns = dict(first.columns)
    for name, column in later.columns.items():
        other = columns.get(name, Column(column.name))
        columns[name] = Column(other.name, other.direct | column.direct, other.indirect | column.indirect)
    notes = tuple(dict.fromkeys([*first.notes, *later.notes]))
    return ModelLineage(columns, first.filters | later.filters, first.rest or later.rest, notes)


def _with_validity(node: ModelNode, found: ModelLineage) -> ModelLineage:
    """A snapshot's own columns: a version's times come from the column that tells changes, its id from the key as well."""
    snapshot = node.settings.snapshot
    assert snapshot is not None
    changed = _refs(found, (snapshot.updated_at,) if snapshot.updated_at else snapshot.check_cols)
    changed = changed or NONE.union(*(column.direct for column in found.columns.values()))
    told, by = (changed, NONE) if snapshot.updated_at else (NONE, changed)
    key = _refs(found, snapshot.unique_key)
    columns = dict(found.columns)
    for word, name in snapshot.columns.items():
        if word == "dbt_is_deleted" and snapshot.hard_deletes != "new_record":
            continue
        direct = told | key if word == "dbt_scd_id" else NONE if word == "dbt_is_deleted" else told
        columns[name.lower()] = Column(name, direct, by | key)
    return replace(found, columns=columns, filters=found.filters | key | changed)


def _refs(found: ModelLineage, names: Iterable[str]) -> Refs:
    return NONE.union(*(column.direct for name in names if (column := found.column(name)) is not None))
