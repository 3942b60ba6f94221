"""`adapter`: dispatch, and what it can read of the open warehouse; what writes is for hooks alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tailrace.build.template.asking import Asking
from tailrace.build.template.column import Column, ColumnClass
from tailrace.build.template.failures import Mistake
from tailrace.build.template.relation import Relation
from tailrace.build.template.scope import Scope
from tailrace.build.template.table import Table
from tailrace.warehouse.base import TableRef


class RelationClass:
    """What templates know as api.Relation."""

    Table, View, CTE = "table", "view", "cte"

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def create(
        self,
        database: str | None = None,
        schema: str | None = None,
        identifier: str | None = None,
        type: str | None = None,  # noqa: A002 - dbt's word
        **_policies: Any,
    ) -> Relation:
        """A relation; its database is printed where it is an attached one."""
        attached = (database or "").casefold() in self._scope.calls.names.attached
        mark = "`" if self._scope.project.dialect == "bigquery" else '"'
        shown = (attached, True, True)
        return Relation(schema, identifier, database or self._scope.database, type, mark, included=shown)


class Adapter:
    """dbt's adapter object, as far as templates may use it."""

    def __init__(self, scope: Scope, asking: Asking, columns: ColumnClass) -> None:
        self._scope = scope
        self._asking = asking
        self._columns = columns
        self.Relation = RelationClass(scope)
        self.Column = columns

    def dispatch(
        self, macro_name: str, macro_namespace: str | None = None, packages: list[str] | None = None
    ) -> Any:
        """The macro for the models' dialect, or the default one."""
        if "." in macro_name:
            package, _, name = macro_name.partition(".")
            raise Mistake(
                f"adapter.dispatch() takes a macro's name without its package, not {macro_name}",
                f"Write adapter.dispatch('{name}', '{package}')",
            )
        return self._scope.dispatched(macro_name, macro_namespace, packages)

    def type(self) -> str:
        """The models' dialect: what a template writes is carried over from it."""
        return self._scope.project.dialect

    def quote(self, identifier: str) -> str:
        """A name, quoted."""
        return Column(str(identifier), "", mark="`" if self.type() == "bigquery" else '"').quoted

    def quote_as_configured(self, identifier: str, quote_key: str) -> str:  # noqa: ARG002 - dbt's signature
        """As quote(): names are always quoted here."""
        return self.quote(identifier)

    def quote_seed_column(self, column: str, quote_config: bool | None) -> str:
        """A seed's column, quoted unless it says otherwise."""
        return column if quote_config is False else self.quote(column)

    def get_relation(self, database: str | None, schema: str, identifier: str) -> Relation | None:
        """The table or view of that name, or None."""
        warehouse = self._scope.ask()
        if warehouse is None or not schema:
            return None
        for name, kind in warehouse.tables(schema).items():
            if name.casefold() == str(identifier).casefold():
                return self.Relation.create(database, schema, name, kind)
        return None

    def load_relation(self, relation: Relation) -> Relation | None:
        """The relation as it stands in the warehouse, or None."""
        return self.get_relation(relation.database, relation.schema or "", relation.identifier or "")

    def already_exists(self, schema: str, name: str) -> bool:
        """Whether there is such a table or view."""
        return self.get_relation(None, schema, name) is not None

    def check_schema_exists(self, database: str | None, schema: str) -> bool:  # noqa: ARG002 - dbt's signature
        """Whether the schema has anything in it."""
        warehouse = self._scope.ask()
        return warehouse is not None and bool(warehouse.tables(schema))

    def list_relations_without_caching(self, schema_relation: Relation) -> list[Relation]:
        """The tables and views of a relation's schema."""
        warehouse = self._scope.ask()
        schema = schema_relation.schema
        if warehouse is None or not schema:
            return []
        found = warehouse.tables(schema)
        return [self.Relation.create(None, schema, name, kind) for name, kind in found.items()]

    def list_relations(self, database: str | None, schema: str) -> list[Relation]:
        """The tables and views of a schema."""
        return self.list_relations_without_caching(self.Relation.create(database, schema))

    def get_columns_in_relation(self, relation: Relation) -> list[Column]:
        """The columns of a table or view; none where it is not built."""
        warehouse = self._scope.ask()
        if warehouse is None or not isinstance(relation, Relation) or not relation.identifier:
            return []
        found = warehouse.columns(TableRef(relation.schema or "main", relation.identifier))
        return [self._columns.from_description(name, kind) for name, kind in found.items()]

    def get_missing_columns(self, from_relation: Relation, to_relation: Relation) -> list[Column]:
        """Columns of the first that the second has not."""
        there = {column.name for column in self.get_columns_in_relation(to_relation)}
        return [column for column in self.get_columns_in_relation(from_relation) if column.name not in there]

    def get_column_schema_from_query(self, sql: str) -> list[Column]:
        """The columns that a query would give."""
        warehouse = self._scope.ask()
        if warehouse is None:
            return []
        rows = self._asking.described(warehouse, str(sql))
        return [self._columns.from_description(name, kind) for name, kind in rows]

    def execute(self, sql: str, auto_begin: bool = False, fetch: bool = False) -> Sequence[Any]:  # noqa: ARG002 - dbt's signature
        """(answer, rows) of a query."""
        rows = self._asking.run_query(sql)
        return "OK", rows if fetch and rows is not None else Table([], [])

    def create_schema(self, relation: Relation) -> str:
        """For hooks: the schema, if it is not there."""
        return self._write(f"CREATE SCHEMA IF NOT EXISTS {relation.without_identifier()}", "create_schema")

    def drop_schema(self, relation: Relation) -> str:
        """For hooks: the schema with all that is in it."""
        return self._write(f"DROP SCHEMA IF EXISTS {relation.without_identifier()} CASCADE", "drop_schema")

    def drop_relation(self, relation: Relation) -> str:
        """For hooks: the table or view."""
        found = self.load_relation(relation)
        return self._write(f"DROP {found.type} {found}", "drop_relation") if found else ""

    def truncate_relation(self, relation: Relation) -> str:
        """For hooks: all rows of the table."""
        return self._write(f"DELETE FROM {relation}", "truncate_relation")

    def rename_relation(self, from_relation: Relation, to_relation: Relation) -> str:
        """For hooks: another name in the same schema."""
        kind = from_relation.type or "table"
        name = to_relation.include(database=False, schema=False)
        return self._write(f"ALTER {kind} {from_relation} RENAME TO {name}", "rename_relation")

    def commit(self) -> str:
        """Nothing: each model is one transaction already."""
        return ""

    def verify_database(self, _database: str) -> str:
        """Nothing: there is one database."""
        return ""

    def _write(self, sql: str, what: str) -> str:
        warehouse = self._scope.ask()
        if warehouse is not None:
            self._asking.write(warehouse, sql, f"adapter.{what}()")
        return ""
