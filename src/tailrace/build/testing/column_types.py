"""Types of a unit test's inputs: from the published table, from YAML, from the models upstream on nothing, or unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tailrace.build.batches import set_batch
from tailrace.build.graph import Graph, ModelNode
from tailrace.build.seeds import seed_select
from tailrace.build.testing.fixtures import Types
from tailrace.build.testing.inputs import Input
from tailrace.errors import TailraceError
from tailrace.project.spec import ColumnDoc, Project
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse


@dataclass(frozen=True)
class Known:
    """Columns with their types ("" where unknown); `whole` says that there are no others."""

    types: Types
    whole: bool


class ColumnTypes:
    """Asked once for each table; nothing but the published file's schema is read of any warehouse."""

    def __init__(self, project: Project, graph: Graph) -> None:
        self._project = project
        self._graph = graph
        self._published: dict[tuple[str, str], dict[str, str]] | None = None
        self._made: dict[str, Known] = {}

    @property
    def root(self) -> Path:
        """The project's folder, where the seeds are."""
        return self._project.root

    def seed(self, name: str) -> ModelNode:
        """A seed as the project has it, not as a test stubs it."""
        return self._graph.nodes[name]

    def of(self, one: Input) -> Known:
        """What is known of an input's columns."""
        if one.model:
            return self.of_model(one.model)
        standing = {} if one.database else self._stands(one.table)
        declared = next((t.columns for t in self._project.sources if (t.source, t.name) == one.source), ())
        return Known(_merged((), standing, _documented(declared)), whole=bool(standing))

    def of_model(self, name: str) -> Known:
        """A model's columns, each with the first type that is found."""
        if name not in self._made:
            self._made[name] = Known({}, whole=False)  # a model that reads itself gets no further
            self._made[name] = self._of_node(self._graph.nodes[name])
        return self._made[name]

    def _of_node(self, node: ModelNode) -> Known:
        standing = self._stands(node.table) if node.materialized != "ephemeral" else {}
        documented = _documented(node.documented)
        names = node.columns or tuple(standing)
        found = _merged(names, standing, documented)
        if names and all(found.get(name) for name in names):
            return Known({name: found[name] for name in names}, whole=True)
        empty = self._of_empty_inputs(node) or {}
        names = names or tuple(empty)
        found = _merged(names, standing, documented, empty)
        return Known({name: found[name] for name in names} if names else found, whole=bool(names))

    def _stands(self, table: TableRef) -> Types:
        if self._published is None:
            self._published = _published(self._project)
        return self._published.get((table.schema.casefold(), table.name.casefold()), {})

    def _of_empty_inputs(self, node: ModelNode) -> dict[str, str] | None:
        """What the model's SQL gives where everything that it reads is empty; None where that cannot be known."""
        if node.late or node.materialized == "snapshot":
            return None
        warehouse = DuckDBWarehouse(None, settings=engine_settings(self._project))
        try:
            if node.kind == "seed":
                return _described(warehouse, seed_select(node, self._project.root))
            if not all(self._lay_out(warehouse, up) for up in node.depends_on):
                return None
            for read in node.reads:
                columns = self._stands(read)
                if not columns:
                    return None
                _empty(warehouse, read, columns)
            return _described(warehouse, set_batch(node.sql, self._graph.now, self._graph.now))
        except TailraceError:
            return None  # the values tell the types then, or the test says what it cannot run
        finally:
            warehouse.close()

    def _lay_out(self, warehouse: DuckDBWarehouse, name: str) -> bool:
        if self._graph.nodes[name].materialized == "ephemeral":
            return True  # its SQL stands in its readers'
        known = self.of_model(name)
        if not known.whole or not all(known.types.values()):
            return False
        _empty(warehouse, self._graph.nodes[name].table, known.types)
        return True


def engine_settings(project: Project) -> Mapping[str, Any]:
    """What the target sets of DuckDB; nothing where the target is another engine, whose models are tested on DuckDB all the same."""
    return project.target.settings if project.target.type == "duckdb" else {}


def _published(project: Project) -> dict[tuple[str, str], dict[str, str]]:
    path = project.target.path
    if path is None or not path.exists():
        return {}
    warehouse = DuckDBWarehouse(path, read_only=True, settings=project.target.settings)
    found: dict[tuple[str, str], dict[str, str]] = {}
    try:
        rows = warehouse.query(
            "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()"
            " WHERE database_name = current_database() AND NOT internal ORDER BY table_oid, column_index"
        )
    finally:
        warehouse.close()
    for schema, table, column, kind in rows:
        found.setdefault((str(schema).casefold(), str(table).casefold()), {})[str(column)] = str(kind)
    return found


def _empty(warehouse: DuckDBWarehouse, table: TableRef, columns: Types) -> None:
    warehouse.ensure_schema(table.schema)
    quote = warehouse.dialect.quote
    items = ", ".join(f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in columns.items() if kind)
    warehouse.execute(f"CREATE OR REPLACE VIEW {warehouse.dialect.table(table)} AS SELECT {items} LIMIT 0")


def _described(warehouse: DuckDBWarehouse, sql: str) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in warehouse.query(f"DESCRIBE (\n{sql}\n)")}


def _documented(columns: Iterable[ColumnDoc]) -> dict[str, str]:
    return {column.name: column.data_type or "" for column in columns}


def _merged(names: Iterable[str], *sources: Types) -> dict[str, str]:
    """Every column once, however it is written in the second source, with the first type that any of them has."""
    found: dict[str, tuple[str, str]] = {name.casefold(): (name, "") for name in names}
    for source in sources:
        for name, kind in source.items():
            shown, before = found.get(name.casefold(), (name, ""))
            found[name.casefold()] = (shown, before or kind)
    return dict(found.values())
