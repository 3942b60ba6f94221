"""Names of types in expectations on types: the package looks them up as they are written, and one that it does not know only fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tailrace.project.reader import hint
from tailrace.project.spec import Expectation
from tailrace.validate.entry import Problem
from tailrace.validate.patterns import patterns_in

NAMES: Mapping[str, frozenset[str]] = {
    "duckdb": frozenset(
        [
            "BIGINT",
            "BLOB",
            "BOOL",
            "BOOLEAN",
            "DATE",
            "DECIMAL",
            "DOUBLE",
            "ENUM",
            "FLOAT",
            "HUGEINT",
            "INT",
            "INTEGER",
            "INTERVAL",
            "JSON",
            "LIST",
            "MAP",
            "NUMERIC",
            "REAL",
            "SMALLINT",
            "STRING",
            "STRUCT",
            "TEXT",
            "TIME",
            "TIMESTAMP",
            "TIMESTAMPTZ",
            "TIMESTAMP_MS",
            "TIMESTAMP_NS",
            "TIMESTAMP_S",
            "TINYINT",
            "UBIGINT",
            "UHUGEINT",
            "UINTEGER",
            "USMALLINT",
            "UTINYINT",
            "UUID",
            "VARCHAR",
        ]
    ),
    "bigquery": frozenset(
        [
            "ARRAY",
            "BIGNUMERIC",
            "BOOL",
            "BOOLEAN",
            "BYTES",
            "DATE",
            "DATETIME",
            "FLOAT",
            "FLOAT64",
            "INT64",
            "INTEGER",
            "NUMERIC",
            "RECORD",
            "STRING",
            "STRUCT",
            "TIME",
            "TIMESTAMP",
        ]
    ),
}
"""Those that stand for a type in Great Expectations, by engine."""
_CALLED = {"duckdb": "DuckDB", "bigquery": "BigQuery"}
_SAME = (
    ("BIGINT", "INT64", "INT8", "LONG"),
    ("DOUBLE", "FLOAT64", "FLOAT8"),
    ("VARCHAR", "STRING", "TEXT", "STR", "OBJECT", "CHAR"),
    ("TIMESTAMP", "DATETIME"),
    ("BLOB", "BYTES"),
    ("LIST", "ARRAY"),
    ("STRUCT", "RECORD"),
)


def wrong_with_type_names(item: Expectation, engine: str) -> Iterator[Problem]:
    """`engine` is duckdb or bigquery."""
    known = NAMES[engine]
    for kwarg in ("type_", "type_list"):
        for path, name in patterns_in(kwarg, item.kwargs.get(kwarg)):
            if name not in known:
                yield ("kwargs", *path), f"{_CALLED[engine]} has no type {name[:60]}", _meant(name, known)


def _meant(name: str, known: frozenset[str]) -> str:
    bare = "LIST" if name.endswith("]") else name.partition("(")[0].strip().upper()
    if bare in known:
        return f"Write {bare}"
    same = next((found for group in _SAME if bare in group for found in group if found in known), "")
    return f"Write {same}" if same else hint(bare, sorted(known))
