"""The planted table of cases.py in the emulator of BigQuery, and a client that remembers what was sent."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.parquet as pq
from tests.emulator import PROJECT
from tests.emulator.strict import refused

from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

TYPES = {
    "t": {
        "id": "INT64", "email": "STRING", "score": "INT64", "price": "FLOAT64", "grade": "STRING", "day": "DATE",
        "seen_at": "TIMESTAMP", "a": "INT64", "b": "INT64", "c": "INT64", "flag": "BOOL", "select": "STRING",
    },
}  # fmt: skip
ROWS = f"(SELECT * FROM `{PROJECT}.shop.t`)"


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


class Words:
    """BigQuery's spelling, as far as checks need it."""

    name = "bigquery"

    def quote(self, name: str) -> str:
        return f"`{name}`"

    def table(self, ref: TableRef) -> str:
        return f"`{PROJECT}.{ref.schema}.{ref.name}`"


class Shop:
    """The part of a warehouse that checks read with, over the emulator."""

    dialect = Words()

    def __init__(self, client: Any) -> None:
        self.client = client

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter

        given = [ScalarQueryParameter(None, "STRING", value) for value in params]
        rows = self.client.query_and_wait(sql, job_config=QueryJobConfig(query_parameters=given))
        return [tuple(row.values()) for row in rows]

    def columns(self, ref: TableRef) -> dict[str, str]:
        from google.api_core.exceptions import NotFound

        try:
            fields = self.client.get_table(f"{PROJECT}.{ref.schema}.{ref.name}").schema
        except NotFound:
            return {}
        return {field.name: field.field_type for field in fields}
