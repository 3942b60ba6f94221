"""CREATE TABLE in BigQuery's words, with what keeps a query from reading all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery.types import to_bigquery

MOST_CLUSTERED = 4
CLUSTERED = ("STRING", "INT64", "NUMERIC", "BIGNUMERIC", "BOOL", "DATE", "TIMESTAMP")
"""What rows may be sorted by, and how many columns (Google: "Creating clustered tables")."""


def create_table(
    ref: TableRef, columns: Mapping[str, str], *, partition: str = "", cluster: Sequence[str] = ()
) -> str:
    """`columns` in DuckDB's types. `partition`: a TIMESTAMP column, whose UTC days are kept apart; `cluster`: what cannot sort is passed over."""
    kinds = {name: to_bigquery(kind) for name, kind in columns.items()}
    listed = ",\n  ".join(f"`{name}` {kind}" for name, kind in kinds.items())
    apart = f"\nPARTITION BY DATE(`{partition}`)" if partition else ""
    keys = [f"`{name}`" for name in cluster if kinds[name] in CLUSTERED][:MOST_CLUSTERED]
    ordered = f"\nCLUSTER BY {', '.join(keys)}" if keys else ""
    return f"CREATE TABLE IF NOT EXISTS `{ref.schema}`.`{ref.name}` (\n  {listed}\n){apart}{ordered}"
