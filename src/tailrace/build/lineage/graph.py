"""The column lineage of every model of a graph, one step each; computed when asked, kept as JSON facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tailrace.build.calls import CTE
from tailrace.build.facts import Cache, key_of, version_of
from tailrace.build.graph import Graph, ModelNode
from tailrace.build.lineage.model import Column, ModelLineage, lineage_of, plain, read
from tailrace.build.lineage.relation import ANY, NONE, Part, Relation, table
from tailrace.build.lineage.snapshots import with_validity
from tailrace.build.marks import CTES
from tailrace.warehouse.base import TableRef

FORMAT = "2"
FILE = "lineage.json"
UNREAD = "its SQL cannot be read: any column may come from whatever it reads"
ASKS = "its template asks the warehouse: what it comes from is known only after that answers, so run once"


@dataclass(frozen=True)
class Known:
    """Columns of a table that no model makes; `complete` where it has no others."""

    columns: tuple[str, ...]
    complete: bool = True


@dataclass(frozen=True)
class Given:
    """What SQL alone does not say; `dialect` is that of all SQL.

    `known` are columns of landed and foreign tables, and of models as they were built, which count where their SQL hides them; an
    attached file's table is TableRef("alias.schema", "table"). `late` is the SQL of models that ask the warehouse while they render.
    `gone` are columns by model that it had, and whose readers are asked for: a star over it still takes them.
    """

    known: Mapping[TableRef, Known] = field(default_factory=dict)
    late: Mapping[str, str] = field(default_factory=dict)
    dialect: str = "duckdb"
    gone: Mapping[str, Sequence[str]] = field(default_factory=dict)


def column_edges(
    graph: Graph, given: Given | None = None, *, cache_dir: Path | None = None
) -> dict[str, ModelLineage]:
    """Each model's and seed's columns by its name, one step back. `cache_dir` may be deleted at any time."""
    given = given or Given()
    cache = Cache(cache_dir, version_of(given.dialect, "lineage", FORMAT), FILE)
    walk = _Walk(graph, given, cache)
    found = {name: walk.model(graph.nodes[name]) for name in graph.order}
    cache.save()
    return found


def expression_texts(
    graph: Graph, found: Mapping[str, ModelLineage], names: Iterable[str], given: Given | None = None
) -> dict[tuple[str, str], str]:
    """The SQL that computes each column of some models, by (model, lower-case column); none where it is only passed on.

    `found` is what column_edges() gave. The models' SQL is parsed again.
    """
    from sqlglot.errors import SqlglotError

    walk = _Walk(graph, given or Given(), Cache(None, ""))
    for name in graph.order:
        walk.place(graph.nodes[name], found[name])
    texts: dict[tuple[str, str], str] = {}
    for name in names:
        try:
            relation = walk.reader(walk.sql(graph.nodes[name]))[0]
        except (SqlglotError, RecursionError):
            continue
        for column, output in relation.columns.items():
            if output.expression is not None:
                texts[name, column] = str(output.expression.sql(dialect=walk.given.dialect, comments=False))
    return texts


@dataclass
class _Walk:
    """Models in their order, so that every table's columns are known before it is read."""

    graph: Graph
    given: Given
    cache: Cache
    tables: dict[tuple[str, str], Relation] = field(default_factory=dict)
    ephemerals: dict[str, Relation] = field(default_factory=dict)
    shapes: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for ref, known in self.given.known.items():
            self.add(ref.schema, ref.name, known.columns, complete=known.complete)

    def add(self, schema: str, name: str, columns: Iterable[str], *, complete: bool) -> Relation:
        found = table(schema, name, columns, complete=complete)
        self.tables[schema.lower(), name.lower()] = found
        self.shapes.pop((schema.lower(), name.lower()), None)
        return found

    def table(self, catalog: str, schema: str, name: str) -> Relation:
        """A table by its name in the SQL; one that nobody knows has any column."""
        if catalog and self.given.dialect == "duckdb":
            schema = f"{catalog}.{schema}"
        known = self.tables.get((schema.lower(), name.lower()))
        return known if known is not None else self.add(schema, name, (), complete=False)

    def model(self, node: ModelNode) -> ModelLineage:
        """The model's own columns, one step back."""
        if node.kind == "seed":
            found = ModelLineage({name.lower(): Column(name) for name in node.columns or ()})
        else:
            found = self._of_sql(node, self.sql(node))
            if node.incremental_sql:
                found = _both(found, self._of_sql(node, node.incremental_sql))
            if node.settings.snapshot is not None:
                found = with_validity(node.settings.snapshot, found)
        built = self.given.known.get(node.table)
        if built is not None and not found.complete:
            found = _closed(found, built.columns)
        if gone := self.given.gone.get(node.name):
            found = replace(found, columns={**{name.lower(): Column(name) for name in gone}, **found.columns})
        self.place(node, found)
        return found

    def sql(self, node: ModelNode) -> str:
        return self.given.late.get(node.name, node.sql)

    def place(self, node: ModelNode, found: ModelLineage) -> None:
        """Makes the model's table known to its readers."""
        names = [column.name for column in found.columns.values()]
        complete = found.complete and bool(names)
        relation = self.add(node.table.schema, node.table.name, names, complete=complete)
        if node.materialized == "ephemeral":
            self.ephemerals[f"{CTE}{node.name}".lower()] = relation

    def _of_sql(self, node: ModelNode, sql: str) -> ModelLineage:
        key = key_of("lineage", str(node.late), sql, *self._read(node))
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

        asks = node.late and node.name not in self.given.late
        if asks and not sql.strip():
            return _unread(self.graph, node, ASKS)
        try:
            relation, notes = self.reader(sql)
        except (SqlglotError, RecursionError):
            return _unread(self.graph, node, UNREAD)
        return lineage_of(relation, (*notes, ASKS) if asks else notes)

    def reader(self, sql: str) -> tuple[Relation, tuple[str, ...]]:
        """A query's columns with their syntax trees, and what could not be decided."""
        import sqlglot

        from tailrace.build.lineage.query import Reader

        reader = Reader(self.table, sql, lateral_aliases=self.given.dialect == "duckdb", kept=self.ephemerals)
        relation = reader.read(sqlglot.parse_one(sql.replace(CTES, ""), read=self.given.dialect))
        return relation, tuple(reader.notes)


def _unread(graph: Graph, node: ModelNode, note: str) -> ModelLineage:
    """Of SQL that nobody knows: any column may come from any column of what the model reads."""
    refs = [graph.nodes[name].table for name in node.depends_on] + [*node.reads]
    any_of = frozenset((ref.schema, ref.name, ANY) for ref in refs)
    columns = {name.lower(): Column(name, any_of) for name in node.columns or ()}
    return ModelLineage(columns, NONE, ((Part("", "", fixed=any_of),),), (note,))


def _closed(found: ModelLineage, built: Iterable[str]) -> ModelLineage:
    """A model whose SQL hides columns, with those of its table."""
    columns = dict(found.columns)
    for name in built:
        column = found.column(name)
        if column is not None:
            columns.setdefault(name.lower(), column)
    return replace(found, columns=columns, rest=())


def _both(first: ModelLineage, later: ModelLineage) -> ModelLineage:
    """What a first build and a later one read together."""
    columns = dict(first.columns)
    for name, column in later.columns.items():
        other = columns.get(name, Column(column.name))
        columns[name] = Column(other.name, other.direct | column.direct, other.indirect | column.indirect)
    notes = tuple(dict.fromkeys([*first.notes, *later.notes]))
    return ModelLineage(columns, first.filters | later.filters, first.rest or later.rest, notes)
