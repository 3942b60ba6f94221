"""Suites and staged tables for the tests of the gate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tailrace.project.spec import Expectation, Marks, Suite
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tailrace.warehouse.stage import Staged, stage

MODEL = TableRef("marts", "m")


def expect(
    kind: str, on_fail: str = "block", where: str | None = None, description: str = "", **kwargs
) -> dict:
    return {"type": kind, "on_fail": on_fail, "where": where, "description": description, "kwargs": kwargs}


def between(on_fail: str = "block", where: str | None = None, **kwargs) -> dict:
    return expect("expect_column_values_to_be_between", on_fail, where, **{"column": "score", **kwargs})


def suite(*items: dict, key: str | None = "id", **more) -> Suite:
    expectations = tuple(
        Expectation(severity="critical", index=number, **item) for number, item in enumerate(items)
    )
    return Suite(
        "scores", "m", key, expectations, Marks("expectations/scores.yml"), "expectations/scores.yml", **more
    )


def staged(warehouse: DuckDBWarehouse, select: str, name: str = "crm") -> Staged:
    """The model rebuilt from `select`, staged as a run does it."""
    warehouse.ensure_schema(MODEL.schema)
    warehouse.execute(f"CREATE OR REPLACE TABLE {MODEL} AS {select}")
    return stage(warehouse, MODEL, name)


class Clock:
    """A second passes at each look."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at
