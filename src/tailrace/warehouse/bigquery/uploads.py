"""Rows of this machine inside a statement over there: a few as literals, more as a staged table that a load job fills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.warehouse.base import STAGE, TableRef
from tailrace.warehouse.bigquery import types
from tailrace.warehouse.bigquery.inline import inline
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.whole_table import discard, load_file

if TYPE_CHECKING:
    import pyarrow as pa

FEW = 50
MOST = 20_000
"""Rows, and characters, up to which they are written into the statement itself: a load job takes seconds."""


class Uploads:
    """Makes relations of Arrow tables; `clear` drops those that became tables."""

    def __init__(self, jobs: Jobs, token: str) -> None:
        self._jobs, self._token, self._made = jobs, token, list[TableRef]()
        self._number = 0

    def relation(self, table: pa.Table) -> str:
        """What stands behind FROM: a subquery in parentheses, or a staged table's name."""
        if table.num_rows <= FEW:
            written = inline(table)
            if written is not None and len(written) <= MOST:
                return written
        return self._staged(table)

    def streamed(self, columns: Mapping[str, str], pages: Iterable[pa.Table], path: Path) -> str:
        """A staged table of more rows than memory holds, by way of a file at `path`; `columns` in DuckDB's types."""
        import pyarrow.parquet as pq

        ref = self._next()
        writer = None
        try:
            for page in pages:
                rows = types.loadable(page)
                writer = writer or pq.ParquetWriter(path, rows.schema)
                writer.write_table(rows)
        finally:
            if writer is not None:
                writer.close()
        load_file(self._jobs, path, ref, columns)
        path.unlink()
        return f"`{ref.schema}`.`{ref.name}`"

    def _staged(self, table: pa.Table) -> str:
        ref = self._next()
        self._jobs.load(table, ref, replace=True)
        return f"`{ref.schema}`.`{ref.name}`"

    def _next(self) -> TableRef:
        self._number += 1
        ref = TableRef(STAGE, f"up_{self._token}_{self._number}")
        self._jobs.ensure_dataset(STAGE)
        self._made.append(ref)
        return ref

    def clear(self) -> None:
        """Once the statements that read them are done; what a kill leaves expires."""
        for ref in self._made:
            discard(self._jobs, ref)
        self._made.clear()
