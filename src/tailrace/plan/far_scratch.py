"""What a plan on a BigQuery target looks at: this machine's copies in memory, and beyond them the catalogue, which is free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tailrace.errors import WarehouseError
from tailrace.plan.copies import is_readable
from tailrace.plan.scratch import SOURCE, mirror
from tailrace.project.spec import Project
from tailrace.warehouse.base import META, STAGE, TableRef
from tailrace.warehouse.bigquery.connection import connect
from tailrace.warehouse.bigquery.jobs import Jobs, TableInfo
from tailrace.warehouse.bigquery.warehouse import Native
from tailrace.warehouse.duckdb import DuckDBWarehouse

LOCAL = ("", "temp", META, STAGE)


class FarScratch(DuckDBWarehouse):
    """A throw-away database of the copies. While `far` it knows BigQuery's tables by their columns, and reads none of their rows."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.far = False
        self._infos: dict[TableRef, TableInfo | None] = {}
        self._listed: dict[str, dict[str, str]] = {}
        super().__init__(None)
        self.far = True

    @property
    def engine(self) -> str:  # type: ignore[override]
        """BigQuery's words while models are looked at, DuckDB's where staged rows are."""
        return "bigquery" if self.far else "duckdb"

    @contextmanager
    def near_only(self) -> Iterator[None]:
        """As if there were nothing but what is on this machine."""
        self.far = False
        try:
            yield
        finally:
            self.far = True

    def info(self, ref: TableRef) -> TableInfo | None:
        """What the catalogue says of a table; asked once."""
        if ref not in self._infos:
            self._infos[ref] = self.jobs.table(ref)
        return self._infos[ref]

    def columns(self, ref: TableRef) -> dict[str, str]:
        if not self.far or ref.schema in LOCAL:
            return super().columns(ref)
        found = self.info(ref)
        return dict(found.columns) if found else {}

    def tables(self, schema: str) -> dict[str, str]:
        if not self.far or schema in LOCAL:
            return super().tables(schema)
        if schema not in self._listed:
            self._listed[schema] = self.jobs.tables(schema)
        return dict(self._listed[schema])

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if isinstance(sql, Native):
            raise WarehouseError(
                "it asks BigQuery while it renders, and a plan asks nothing that is billed", "run it"
            )
        return super().query(sql, params)

    def stamp_of(self, ref: TableRef) -> str:
        """What a run would call the table's content; see BigQueryWarehouse.stamp."""
        found = self.info(ref)
        if found is None or found.kind == "view":
            return ""
        return f"{found.modified.isoformat()}|{found.rows}|{found.bytes}"


@contextmanager
def far_scratch(project: Project) -> Iterator[FarScratch]:
    """Copies that another machine has made old are fetched anew first, for nothing."""
    settings = project.target.settings
    there = is_readable(project)
    jobs = Jobs(connect(settings), settings)
    try:
        warehouse = FarScratch(jobs)
        try:
            if there:
                warehouse.attach(project.published, SOURCE)
                with warehouse.near_only():
                    mirror(warehouse)
            yield warehouse
        finally:
            warehouse.close()
    finally:
        jobs.close()
