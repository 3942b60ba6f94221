"""What is asked of BigQuery: queries, scripts, loads, and what its catalogue tells for nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tailrace.errors import WarehouseError
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery import types
from tailrace.warehouse.bigquery.refusals import refused

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud import bigquery

LABEL = "tailrace"
DAY_MS = 24 * 3600 * 1000
LIFE = {"tailrace_stage": DAY_MS}
"""Milliseconds that a table of these datasets lives: what a killed run leaves there goes by itself."""


@dataclass(frozen=True)
class TableInfo:
    """What the catalogue says of a table or view; `columns` in DuckDB's types, `modified` in UTC."""

    kind: str
    columns: dict[str, str]
    rows: int
    bytes: int
    modified: datetime
    description: str


@dataclass
class Tally:
    """What a session has asked: billed jobs by kind of statement, bytes billed, and loads, which cost nothing."""

    statements: dict[str, int] = field(default_factory=dict)
    bytes_billed: int = 0
    loads: int = 0

    def count(self, job: Any) -> None:
        kind = str(job.statement_type or "SCRIPT")
        self.statements[kind] = self.statements.get(kind, 0) + 1
        self.bytes_billed += int(job.total_bytes_billed or 0)


class Jobs:
    """One client, and every request that is made of it. Errors are WarehouseErrors that name the fix."""

    def __init__(self, client: bigquery.Client, settings: Mapping[str, Any]) -> None:
        self.client = client
        self.project = str(settings["project"])
        self.location = str(settings["location"])
        self.tally = Tally()
        self._most = settings.get("max_bytes_billed")
        self._datasets: set[str] = set()
        self._running: Any = None

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query or script; instants are UTC without a zone, as DuckDB's are."""
        found = self._run(sql)
        return [tuple(_plain(value) for value in row.values()) for row in found]

    def arrow(self, sql: str) -> pa.Table:
        """The rows of a query as an Arrow table, instants without a zone."""
        result = self._run(sql)
        with self._told(sql):
            return types.unzoned(result.to_arrow(create_bqstorage_client=False))

    def execute(self, sql: str) -> int:
        """A statement or script; returns the rows that it changed, 0 where BigQuery does not say."""
        self._run(sql)
        return int(self._running.num_dml_affected_rows or 0)

    def dry_run(self, sql: str) -> int:
        """Bytes that a query would read; it is not run and costs nothing."""
        from google.cloud import bigquery

        with self._told(sql):
            config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False, labels={LABEL: "plan"})
            return int(
                self.client.query(sql, job_config=config, location=self.location).total_bytes_processed or 0
            )

    def _run(self, sql: str) -> Any:
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(labels={LABEL: "run"}, maximum_bytes_billed=self._most)
        with self._told(sql):
            self._running = self.client.query(sql, job_config=config, location=self.location)
            result = self._running.result()
        self.tally.count(self._running)
        return result

    def cancel(self) -> None:
        """Stop what is running; from another thread, as Ctrl-C does."""
        if self._running is not None:
            self._running.cancel()

    def load(self, table: pa.Table, ref: TableRef, *, replace: bool = False, first: bool = False) -> None:
        """Append an Arrow table by a load job, which costs nothing; columns are matched by name. `replace`: in place of all rows.

        `first`: only where there are no rows; of two at once one comes through.
        """
        import pyarrow.parquet as pq
        from google.cloud import bigquery

        schema = self._schema_of(table, ref, replace=replace)
        config = bigquery.LoadJobConfig(
            source_format="PARQUET",
            write_disposition="WRITE_TRUNCATE" if replace else "WRITE_EMPTY" if first else "WRITE_APPEND",
            schema=schema,
            labels={LABEL: "run"},
        )
        body = io.BytesIO()
        pq.write_table(types.zoned(table), body)
        body.seek(0)
        with self._told(f"load into {ref}"):
            self._running = self.client.load_table_from_file(
                body, self.name(ref), job_config=config, location=self.location
            )
            self._running.result()
        self.tally.loads += 1

    def _schema_of(self, table: pa.Table, ref: TableRef, *, replace: bool) -> list[Any]:
        """The columns as they are there, in the file's order; of a new table as the file has them."""
        found = None if replace else self.table(ref)
        there = found.columns if found else {}
        return [
            types.field_of(one.name, there.get(one.name) or types.of_arrow(one.type)) for one in table.schema
        ]

    def read(self, ref: TableRef) -> Iterator[pa.Table]:
        """A table's rows through the catalogue's own listing, which costs nothing, in pages."""
        import pyarrow as pa

        with self._told(f"read {ref}"):
            for batch in self.client.list_rows(self.name(ref)).to_arrow_iterable():
                yield types.unzoned(pa.Table.from_batches([batch]))

    def table(self, ref: TableRef) -> TableInfo | None:
        """A table as the catalogue has it, for nothing; None where there is none."""
        from google.api_core.exceptions import NotFound

        with self._told(f"look at {ref}"):
            try:
                found = self.client.get_table(self.name(ref))
            except NotFound:
                return None
        return TableInfo(
            "view" if found.table_type == "VIEW" else "table",
            {one.name: types.to_duckdb(one) for one in found.schema},
            int(found.num_rows or 0),
            int(found.num_bytes or 0),
            found.modified or datetime.now(UTC),
            found.description or "",
        )

    def tables(self, schema: str) -> dict[str, str]:
        """Names in a dataset: "table" or "view"; {} where there is no such dataset."""
        from google.api_core.exceptions import NotFound

        with self._told(f"list {schema}"):
            try:
                listed = list(self.client.list_tables(f"{self.project}.{schema}"))
            except NotFound:
                return {}
        return {
            one.table_id: "view" if one.table_type == "VIEW" else "table" for one in sorted(listed, key=_id)
        }

    def ensure_dataset(self, schema: str) -> None:
        """Make a dataset in the target's location. WarehouseError where it is there, and lies elsewhere."""
        from google.cloud import bigquery

        if schema in self._datasets:
            return
        dataset = bigquery.Dataset(f"{self.project}.{schema}")
        dataset.location = self.location
        if schema in LIFE:
            dataset.default_table_expiration_ms = LIFE[schema]
        with self._told(f"make the dataset {schema}"):
            found = self.client.create_dataset(dataset, exists_ok=True)
        self._check_location(schema, found)
        self._datasets.add(schema)

    def _check_location(self, schema: str, dataset: Any) -> None:
        there = str(dataset.location or self.location)
        if there.upper() != self.location.upper():
            raise WarehouseError(
                f"the dataset {schema} lies in {there}, the target in {self.location}",
                f"set `location: {there}` in profiles.yml, or give the dataset up",
            )

    def name(self, ref: TableRef) -> str:
        """As Google's client takes it."""
        return f"{self.project}.{ref.schema}.{ref.name}"

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        """Google's errors as ours."""
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError

        try:
            yield
        except (GoogleAPIError, GoogleAuthError, OSError) as error:
            raise refused(error, doing, self.project, self.location) from error

    def close(self) -> None:
        self.client.close()  # type: ignore[no-untyped-call]


def _id(table: Any) -> str:
    return str(table.table_id)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(one) for one in value]
    return value
