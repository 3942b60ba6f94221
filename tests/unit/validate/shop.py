"""The planted table of cases.py in the emulator of BigQuery, and a client that remembers what was sent."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pyarrow.parquet as pq
from tests.emulator import PROJECT
from tests.emulator.strict import refused

from tailrace.warehouse.duckdb import DuckDBWarehouse

TYPES = {
    "t": {
        "id": "INT64", "email": "STRING", "score": "INT64", "price": "FLOAT64", "grade": "STRING", "day": "DATE",
        "seen_at": "TIMESTAMP", "a": "INT64", "b": "INT64", "c": "INT64", "flag": "BOOL", "select": "STRING",
    },
}  # fmt: skip
ROWS = f"SELECT * FROM `{PROJECT}.shop.t`"


def load(client: Any, warehouse: DuckDBWarehouse, table: str, types: Mapping[str, str]) -> None:
    """Copy a table of DuckDB to `shop.<table>`."""
    from google.cloud import bigquery

    columns = ", ".join(f"`{name}` {kind}" for name, kind in types.items())
    client.create_dataset("shop", exists_ok=True)
    client.query_and_wait(f"CREATE OR REPLACE TABLE shop.`{table}` ({columns})")
    file = io.BytesIO()
    pq.write_table(warehouse.arrow(f'SELECT * FROM "{table}"'), file)
    file.seek(0)
    config = bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_APPEND")
    client.load_table_from_file(file, f"shop.{table}", job_config=config).result()


class Recorded:
    """A client as the examiner uses it. `sent`: every statement with the types of its parameters; dry runs apart, they are free."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.sent: list[tuple[str, dict[str, str]]] = []
        self.dry: list[str] = []

    def query_and_wait(self, sql: str, job_config: Any) -> Any:
        self.sent.append((sql, {item.name: _type(item) for item in job_config.query_parameters}))
        return self._client.query_and_wait(sql, job_config=job_config)

    def query(self, sql: str, job_config: Any) -> Any:
        assert job_config.dry_run
        self.dry.append(sql)
        return self._client.query(sql, job_config=job_config)

    def refused(self, types: Mapping[str, Mapping[str, str]] = TYPES) -> list[str]:
        """Comparisons in what was sent that BigQuery itself would refuse."""
        schema = {PROJECT: {"shop": types}}
        return [wrong for sql, parameters in self.sent for wrong in refused(sql, parameters, schema)]


def _type(parameter: Any) -> str:
    return f"ARRAY<{parameter.array_type}>" if hasattr(parameter, "array_type") else parameter.type_
