"""Rows on their way into a raw table: load jobs of the stretch's own bring them, and the commit's script takes them over.

A load job of a killed run that goes on fills a table that nobody asks for; it expires.
"""

from __future__ import annotations

import secrets

from tailrace.warehouse.base import STAGE, TableRef
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.whole_table import discard
from tailrace.warehouse.duckdb import DuckDBWarehouse

ROWS = "_tailrace_arrived"


class Arrivals:
    """What was loaded for which of the session's tables, whose rows are the same."""

    def __init__(self, local: DuckDBWarehouse, jobs: Jobs) -> None:
        self._local, self._jobs, self._token = local, jobs, secrets.token_hex(4)
        self._there: dict[str, list[TableRef]] = {}
        self._rows: dict[str, int] = {}
        self._number = 0

    def take(self, path: str, name: str) -> None:
        """A Parquet file of rows for the session's table `name`: there by a load job, and here."""
        if not self._count(name):
            self._forget(name)
        self._number += 1
        ref = TableRef(STAGE, f"raw_{self._token}_{self._number}")
        rows = self._local.arrow(self._whole(path, TableRef("temp", name)))
        self._jobs.ensure_dataset(STAGE)
        self._jobs.load(rows, ref, replace=True)
        self._there.setdefault(name, []).append(ref)
        with self._local.registered(ROWS, rows) as source:
            self._local.execute(f"INSERT INTO {self._local.dialect.quote(name)} SELECT * FROM {source}")
        self._rows[name] = self._rows.get(name, 0) + int(rows.num_rows)

    def _whole(self, path: str, into: TableRef) -> str:
        """The file's rows with all columns of the table, in its order and types."""
        import pyarrow.parquet as pq

        quote, brought = self._local.dialect.quote, set(pq.read_schema(path).names)
        columns = ", ".join(
            f"CAST({quote(name) if name in brought else 'NULL'} AS {kind}) AS {quote(name)}"
            for name, kind in self._local.columns(into).items()
        )
        return f"SELECT {columns} FROM read_parquet({self._local.dialect.literal(path)})"

    def relation(self, name: str) -> str | None:
        """What stands behind FROM for a table whose rows are all there already; None of any other."""
        if name not in self._there or self._rows[name] != self._count(name):
            return None
        loaded = [f"`{ref.schema}`.`{ref.name}`" for ref in self._there[name]]
        return (
            loaded[0]
            if len(loaded) == 1
            else f"({' UNION ALL '.join(f'SELECT * FROM {one}' for one in loaded)})"
        )

    def _count(self, name: str) -> int:
        return int(self._local.query(f"SELECT count(*) FROM {self._local.dialect.quote(name)}")[0][0])

    def clear(self) -> None:
        """Once the script that reads them is done, or will never be sent."""
        for name in list(self._there):
            self._forget(name)

    def _forget(self, name: str) -> None:
        for ref in self._there.pop(name, []):
            discard(self._jobs, ref)
        self._rows.pop(name, None)
