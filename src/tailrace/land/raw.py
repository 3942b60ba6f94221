"""How batches get into `<resource>__raw`: through dlt, which appends and does nothing else; a handful by an INSERT."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tailrace.connectors.sdk.dlt_settings import dlt_settings
from tailrace.errors import WarehouseError
from tailrace.failpoints import reach
from tailrace.warehouse.base import TableRef, Warehouse
from tailrace.warehouse.lean import without_pandas

if TYPE_CHECKING:
    import pyarrow as pa

SETTINGS = {
    "SCHEMA__NAMING": "direct",  # keeps the vendor's names; the default would rewrite and merge some
    "RESTORE_FROM_DESTINATION": "false",  # our cursors are the only memory
    "LOAD__WORKERS": "1",
}
BATCH = "_tailrace_append"
FEW_ROWS = 20_000
"""Up to so many rows dlt's import (0.7 CPU s) is not worth it."""


class RawWriter(Protocol):
    """Appends batches to a raw table; what it wrote before an error may stay, above the committed `raw_done`."""

    def append(self, warehouse: Warehouse, raw: TableRef, batches: Iterator[pa.Table]) -> None: ...


class DltWriter:
    """One dlt pipeline run, in a working folder that is thrown away: no pending package can swallow a later run's data."""

    def append(self, warehouse: Warehouse, raw: TableRef, batches: Iterator[pa.Table]) -> None:
        with _working_folder(warehouse) as folder, dlt_settings(folder, SETTINGS), without_pandas():
            import dlt
            from dlt.pipeline.exceptions import PipelineStepFailed

            pipeline = dlt.pipeline(
                pipeline_name=f"tailrace_{raw.schema}_{raw.name}",
                pipelines_dir=str(folder),
                destination=warehouse.dlt_destination(),
                dataset_name=raw.schema,
            )
            try:
                pipeline.extract(
                    dlt.resource(_extracted(batches), name=raw.name),
                    table_name=raw.name,
                    write_disposition="append",
                    loader_file_format="parquet",
                )
                reach("land:extracted")
                pipeline.normalize()
                reach("land:normalized")
                pipeline.load(raise_on_failed_jobs=True)
            except PipelineStepFailed as error:
                if isinstance(error.exception, KeyboardInterrupt):  # dlt wraps even that
                    raise error.exception from None
                reason = str(error.exception or error).strip().splitlines()[0]
                raise WarehouseError(f"{raw}: dlt could not append ({reason})", "run again") from error
            finally:
                pipeline.deactivate()  # else a source that runs next in this process would find its state here


def _extracted(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
    for batch in batches:
        reach("land:extract")
        yield batch


class SizedWriter:
    """For later rounds: few rows by INSERT, for importing dlt would cost more than the whole round; more through dlt."""

    def append(self, warehouse: Warehouse, raw: TableRef, batches: Iterator[pa.Table]) -> None:
        few: list[pa.Table] = []
        for batch in batches:
            few.append(batch)
            if sum(one.num_rows for one in few) > FEW_ROWS:
                DltWriter().append(warehouse, raw, chain(few, batches))
                return
        ArrowWriter().append(warehouse, raw, iter(few))


class ArrowWriter:
    """One INSERT per batch."""

    def append(self, warehouse: Warehouse, raw: TableRef, batches: Iterator[pa.Table]) -> None:
        for batch in batches:
            names = ", ".join(warehouse.dialect.quote(name) for name in batch.column_names)
            with warehouse.registered(BATCH, batch) as source:
                warehouse.execute(
                    f"INSERT INTO {warehouse.dialect.table(raw)} ({names}) SELECT {names} FROM {source}"
                )


@contextmanager
def _working_folder(warehouse: Warehouse) -> Iterator[Path]:
    """Beside the warehouse's file, where there is room for it; what a killed run left there goes first."""
    path: Any = getattr(warehouse, "path", None)
    if path is None:
        with tempfile.TemporaryDirectory(prefix="tailrace-landing-") as name:
            yield Path(name)
        return
    folder = Path(path).parent / f"{Path(path).name}.landing"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
