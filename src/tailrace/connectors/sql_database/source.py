"""dlt's sql_database: types from the database's own catalogue, new rows by a cursor, deletes by a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tailrace.connectors.sdk.base import Context, ResourceSpec
from tailrace.connectors.sdk.dlt_items import Offer
from tailrace.connectors.sdk.dlt_offer import offer_of
from tailrace.connectors.sdk.dlt_source import DltConnector
from tailrace.connectors.sdk.inline import WrongSetting, revealed
from tailrace.connectors.sdk.items import columns_of, plain
from tailrace.connectors.sdk.options import validate
from tailrace.connectors.sql_database.declaration import CONFIG
from tailrace.connectors.sql_database.engine import engine_of, told_by_database, whole_seconds
from tailrace.connectors.sql_database.values import wrong_value
from tailrace.errors import FatalError, TailraceError, near_miss
from tailrace.records import Page, Schema

SWEPT = "swept"


class SqlSource(DltConnector):
    """One database; a connection is opened when something is asked for."""

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        super().__init__(options, context)
        config = revealed(options["config"])
        credentials = config.pop("credentials")
        self._config, _ = validate({**config, "credentials": ""}, CONFIG)
        self._credentials, self._secret = credentials, bool(self._hidden)
        self._opened: Any = None
        self._table_name = ""

    def listed(self) -> Sequence[str]:
        from sqlalchemy import inspect

        inspector = inspect(self._engine())
        schema = self._config["schema"]
        names = list(inspector.get_table_names(schema))
        return names + (list(inspector.get_view_names(schema)) if self._config["include_views"] else [])

    def offer(self, resource: ResourceSpec, known: Mapping[str, Any]) -> Offer:
        table = self._table(resource)
        self._check(resource, [str(name) for name in table.columns])
        cursor, sweep = resource.options["cursor"], resource.options["sweep"]
        offer = offer_of(resource, table, "merge" if cursor else "replace")
        if not cursor:
            return offer
        self._follow(offer.resource, cursor)
        if sweep != "off" and self._due(known, sweep):
            return replace(offer, complete=True, fresh=True, ordered=not known)
        return replace(offer, ordered=True)

    def more(self, offer: Offer, known: Mapping[str, Any]) -> dict[str, Any]:
        """When the whole table was last read, where it is read by a cursor."""
        if offer.fresh:
            return {SWEPT: self.context.now().isoformat()}
        return {SWEPT: known[SWEPT]} if SWEPT in known else {}

    def schema(self, resource: ResourceSpec) -> Schema:
        """Of the catalogue alone; a column without a type there is text until a row tells."""
        with self.opened():
            offer = self.offer(resource, {})
            types = {str(name): offer.types.get(str(name), "text") for name in offer.resource.columns}
        if offer.keyless:
            types = {offer.key[0]: "text", **types}
        return Schema(columns_of(types), offer.key)

    def census(self, resource: ResourceSpec, schema: Schema) -> Iterator[Page]:
        """The keys alone; FatalError where rows have none."""
        from sqlalchemy import MetaData, Table, select

        with self.opened():
            table = Table(
                resource.name, MetaData(schema=self._config["schema"]), autoload_with=self._engine()
            )
            if any(name not in table.c for name in schema.primary_key):
                raise FatalError(f"{resource.name}: its rows have no key to compare", "name a primary_key")
            found = select(*(table.c[name] for name in schema.primary_key))
            with self._engine().connect().execution_options(stream_results=True) as connection:
                for part in connection.execute(found).partitions(self._config["chunk_size"]):
                    yield Page(
                        [{name: plain(value)[0] for name, value in row._mapping.items()} for row in part]  # noqa: SLF001 -- SQLAlchemy's public name
                    )

    def told(self, error: Exception) -> TailraceError:
        return told_by_database(error, self.context.connection) or self._wrong(error) or super().told(error)

    def close(self) -> None:
        super().close()
        if self._opened is not None:
            self._opened.dispose()

    def _wrong(self, error: Exception) -> TailraceError | None:
        """Of the table that was asked for last; nothing where it cannot be asked again."""
        from sqlalchemy.exc import SQLAlchemyError

        if not self._table_name:
            return None
        try:
            return wrong_value(error, self._engine(), self._table_name, self._config["schema"])
        except SQLAlchemyError:
            return None

    def _engine(self) -> Any:
        if self._opened is None:
            self._opened = engine_of(self._credentials, self.context.root, secret=self._secret)
        return self._opened

    def _table(self, resource: ResourceSpec) -> Any:
        from dlt.sources.sql_database import sql_table
        from sqlalchemy.exc import NoSuchTableError

        included = resource.options["included_columns"]
        self._table_name = resource.name
        try:
            return sql_table(
                credentials=self._engine(),
                table=resource.name,
                schema=self._config["schema"],
                chunk_size=self._config["chunk_size"],
                included_columns=list(included) if included else None,
                table_adapter_callback=whole_seconds if self._engine().dialect.name == "sqlite" else None,
            )
        except NoSuchTableError as error:
            raise self.unknown(resource.name, self.listed()) from error

    def _every(self, resource: ResourceSpec) -> list[str]:
        """The table's columns, whatever of them is landed."""
        from sqlalchemy import inspect

        found = inspect(self._engine()).get_columns(resource.name, self._config["schema"])
        return [str(column["name"]) for column in found]

    def _check(self, resource: ResourceSpec, landed: Sequence[str]) -> None:
        """WrongSetting for a column that the table lacks or that is not landed, wherever one is named."""
        columns = self._every(resource) if resource.options["included_columns"] else landed
        for option in ("primary_key", "cursor", "included_columns", "columns"):
            value = resource.options[option] or ()
            for name in (value,) if isinstance(value, str) else value:
                if name not in columns:
                    what = f"{resource.name} has no column {name}"
                    raise WrongSetting(("resources", resource.name, option), what, near_miss(name, columns))
                if name not in landed:
                    what = f"{resource.name}: {option} names {name}, which included_columns leaves out"
                    raise WrongSetting(("resources", resource.name, option), what, "Add it there")

    def _follow(self, table: Any, cursor: str) -> None:
        """In the cursor's order, from its last value on; rows of that value are told apart by all of their columns.

        dlt would tell them by their key, and pass over a row that changed again at the same moment.
        """
        import dlt

        # the offer has taken the table's own key already: from here on it is dlt's word for what is told apart
        table.apply_hints(primary_key=[str(name) for name in table.columns])
        followed: Any = dlt.sources.incremental(cursor, row_order="asc", on_cursor_value_missing="include")
        table.apply_hints(incremental=followed)

    def _due(self, known: Mapping[str, Any], sweep: float) -> bool:
        last = known.get(SWEPT)
        return last is None or (self.context.now() - datetime.fromisoformat(last)).total_seconds() >= sweep
