"""The published rows as a throw-away database, for commands that read a few tables; those of BigQuery are brought here first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tailrace.events import Notice, emit
from tailrace.plan.scratch import scratch
from tailrace.project.spec import Project
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROWS = "_tailrace_brought"


@contextmanager
def brought(project: Project, wanted: Iterable[TableRef]) -> Iterator[DuckDBWarehouse]:
    """Every published table under its own name; of a BigQuery target the copies of this machine, and `wanted` that have none.

    A table's rows are listed for nothing, a view's are billed, which is said.
    """
    if project.target.type == "duckdb":
        with scratch(project) as warehouse:
            yield warehouse
        return
    from tailrace.plan.far_scratch import FarScratch, far_scratch

    def bring(warehouse: FarScratch, ref: TableRef) -> None:
        found = warehouse.jobs.table(ref)
        if found is None:
            return
        warehouse.ensure_schema(ref.schema)
        warehouse.create(ref, found.columns)
        pages = warehouse.jobs.read(ref)
        if found.kind == "view":
            emit(Notice("warning", f"{ref} is a view, so BigQuery bills what it reads"))
            pages = iter([warehouse.jobs.arrow(f"SELECT * FROM `{ref.schema}`.`{ref.name}`")])
        for page in pages:
            with warehouse.registered(ROWS, page) as rows:
                warehouse.execute(f"INSERT INTO {warehouse.dialect.table(ref)} BY NAME SELECT * FROM {rows}")

    with far_scratch(project) as warehouse, warehouse.near_only():
        for ref in wanted:
            if not warehouse.columns(ref):
                bring(warehouse, ref)
        yield warehouse
