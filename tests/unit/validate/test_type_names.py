"""The names of types that a suite may write are those that the package finds."""

from __future__ import annotations

from sqlalchemy.types import TypeEngine
from sqlalchemy_bigquery import _types as bigquery

from tailrace.validate.gx import types as duckdb
from tailrace.validate.type_names import NAMES


def _named(module) -> set[str]:
    found = vars(module).items()
    return {name for name, kind in found if isinstance(kind, type) and issubclass(kind, TypeEngine)}


def test_names_are_those_of_the_package():
    assert NAMES["duckdb"] == _named(duckdb) - {"DuckDBType"}
    assert NAMES["bigquery"] <= _named(bigquery)
