"""The cases of tests/golden/parity: tables, queries in DuckDB's words, and the rows that both engines have to give."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

GOLDEN = Path(__file__).parents[1] / "golden" / "parity"
CASES = sorted(GOLDEN.glob("*.txt"))
DATASET = "parity"
TYPES = {
    "BIGINT": "INT64", "INTEGER": "INT64", "VARCHAR": "STRING", "TIMESTAMP": "TIMESTAMP", "DATE": "DATE", "DOUBLE": "FLOAT64",
    "DECIMAL(12,2)": "NUMERIC", "BOOLEAN": "BOOL", "VARCHAR[]": "ARRAY<STRING>", "BIGINT[]": "ARRAY<INT64>",
}  # fmt: skip


def sections(path: Path) -> dict[str, str]:
    """By the name behind `== `."""
    found: dict[str, str] = {}
    for part in path.read_text().split("== ")[1:]:
        name, _, text = part.partition("\n")
        found[name.strip()] = text
    return found


def tables() -> dict[str, tuple[dict[str, str], list[list[Any]]]]:
    """By name: columns with DuckDB's types, and rows as JSON values (texts for what JSON has no value for)."""
    return {path.stem: _table(path) for path in sorted((GOLDEN / "tables").glob("*.csv"))}


def _table(path: Path) -> tuple[dict[str, str], list[list[Any]]]:
    with path.open(newline="") as file:
        head, *lines = csv.reader(file)
    columns = {name: kind for name, _, kind in (column.partition(":") for column in head)}
    return columns, [
        [_value(text, kind) for text, kind in zip(line, columns.values(), strict=True)] for line in lines
    ]


def _value(text: str, kind: str) -> Any:
    if text == "NULL":
        return None
    return (
        json.loads(text)
        if kind.endswith("[]") or kind in ("BIGINT", "INTEGER", "BOOLEAN", "DOUBLE")
        else text
    )


def on_duckdb() -> duckdb.DuckDBPyConnection:
    """The tables in memory."""
    engine = duckdb.connect()
    engine.execute("SET TimeZone = 'UTC'")
    for name, (columns, rows) in tables().items():
        listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        engine.execute(f"CREATE TABLE {name} ({listed})")
        marks = ", ".join("?" for _ in columns)
        engine.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    return engine


def load_into(client: Any) -> None:
    """The tables by Google's own client, in a dataset of their own."""
    from google.cloud.bigquery import LoadJobConfig, SchemaField

    client.create_dataset(DATASET, exists_ok=True)
    for name, (columns, rows) in tables().items():
        fields = [
            SchemaField(
                column,
                TYPES[kind].removeprefix("ARRAY<").removesuffix(">"),
                mode="REPEATED" if kind.endswith("[]") else "NULLABLE",
            )
            for column, kind in columns.items()
        ]
        config = LoadJobConfig(
            schema=fields, write_disposition="WRITE_TRUNCATE", source_format="NEWLINE_DELIMITED_JSON"
        )
        lines = "\n".join(json.dumps(dict(zip(columns, row, strict=True))) for row in rows)
        client.load_table_from_file(
            io.BytesIO(lines.encode()), f"{DATASET}.{name}", job_config=config
        ).result()


def shown(names: Sequence[str], rows: Iterable[Sequence[Any]], *, zoned: bool) -> str:
    """Rows as text in which values of two types never look alike. `zoned`: instants bear UTC, as BigQuery's TIMESTAMP does."""
    return (
        "\n".join([" | ".join(names), *(" | ".join(_shown(value, zoned) for value in row) for row in rows)])
        + "\n"
    )


def _shown(value: Any, zoned: bool) -> str:
    if isinstance(value, datetime):
        return _instant(value, zoned)
    if isinstance(value, float):
        return str(value) if not math.isfinite(value) else f"{value:.12g}f"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}d" if value else "0d"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_shown(item, zoned) for item in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_shown(item, zoned)}" for name, item in value.items()) + "}"
    if value is None or isinstance(value, bool):
        return str(value)
    return value.isoformat() if isinstance(value, date | time) else repr(value)


def _instant(value: datetime, zoned: bool) -> str:
    """DuckDB's TIMESTAMP has no zone and means UTC; a value of BigQuery's without one is a DATETIME, which is another type."""
    if not zoned:
        return f"{value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value}Z"
    return f"{value.astimezone(UTC).replace(tzinfo=None)}Z" if value.tzinfo else f"{value} without a zone"


def duckdb_rows(engine: duckdb.DuckDBPyConnection, sql: str) -> str:
    found = engine.execute(sql)
    names = [column[0] for column in found.description]
    return shown(names, found.fetchall(), zoned=False)


def bigquery_rows(client: Any, sql: str) -> str:
    from google.cloud.bigquery import QueryJobConfig

    config = QueryJobConfig(default_dataset=f"{client.project}.{DATASET}")
    found = client.query_and_wait(sql, job_config=config)
    return shown([field.name for field in found.schema], _values(found), zoned=True)


def _values(rows: Iterable[Any]) -> Iterator[Sequence[Any]]:
    for row in rows:
        yield row.values()
