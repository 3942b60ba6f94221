"""Types that a person declares, in either engine's words, as BigQuery writes them."""

from __future__ import annotations

import re

from tailrace.build.materialize.duckdb import engine_type
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.bigquery.types import to_bigquery

_OWN = {
    "STRING": "STRING", "BYTES": "BYTES", "INT64": "INT64", "INT": "INT64", "SMALLINT": "INT64", "INTEGER": "INT64", "BIGINT": "INT64",
    "TINYINT": "INT64", "BYTEINT": "INT64", "NUMERIC": "NUMERIC", "DECIMAL": "NUMERIC", "BIGNUMERIC": "BIGNUMERIC",
    "BIGDECIMAL": "BIGNUMERIC", "FLOAT64": "FLOAT64", "BOOL": "BOOL", "BOOLEAN": "BOOL", "DATE": "DATE", "DATETIME": "DATETIME",
    "TIME": "TIME", "TIMESTAMP": "TIMESTAMP", "INTERVAL": "INTERVAL", "JSON": "JSON", "GEOGRAPHY": "GEOGRAPHY",
}  # fmt: skip
"""Names and aliases of Google's "Data types" page."""
_SIZED = re.compile(r"\s*\(.*\)$")


def type_of(local: Warehouse, declared: str, dialect: str) -> str | None:
    """Without its sizes, which no built column has; None where neither engine has it. `dialect` is the project's."""
    plain = _SIZED.sub("", declared.strip()).upper()
    if plain.startswith(("ARRAY<", "STRUCT<")):
        return re.sub(r"\s*([<>,])\s*", lambda mark: mark[1] + " " * (mark[1] == ","), declared.strip())
    own, known = _OWN.get(plain), engine_type(local, declared)
    if dialect == "bigquery" or known is None:
        return own
    return to_bigquery(known)
