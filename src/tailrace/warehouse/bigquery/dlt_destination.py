"""How dlt loads into BigQuery: each Parquet file that it made by a load job, with the target's own client.

dlt's own BigQuery destination keeps its books in the dataset by billed statements and asks with a client of its own; a function as
destination (dlt: "Custom destination: Reverse ETL") leaves extract, normalize and load to dlt, and the job to us.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def destination(load: Callable[[str, str], None]) -> Any:
    """What `dlt.pipeline(destination=...)` takes; `load` gets a file's path and the name of its table."""
    import dlt
    from dlt.common.destination.exceptions import DestinationTerminalException

    @dlt.destination(batch_size=0, loader_file_format="parquet", name="tailrace_bigquery")
    def loaded(path: Any, table: Any, /) -> None:
        try:
            load(str(path), str(table["name"]))
        except (
            Exception
        ) as error:  # the client has tried what may be tried again; a second job would load the rows twice
            raise DestinationTerminalException(str(error)) from error

    return loaded
