"""The real landing into an empty warehouse, for the ad vendors' tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.conformance.vendors import spec, utc_now

from tailrace.connectors.sdk.base import Connector
from tailrace.land.raw import ArrowWriter
from tailrace.land.run import land_resource
from tailrace.project.spec import Marks, Pipeline, Resource
from tailrace.state.runs import StepResult
from tailrace.warehouse.duckdb import DuckDBWarehouse


@dataclass
class Engine:
    """One vendor's dataset `ads`; every `land` is one run."""

    vendor: str
    warehouse: DuckDBWarehouse = field(default_factory=lambda: DuckDBWarehouse(None))
    runs: int = 0

    def land(
        self,
        connector: Connector,
        name: str,
        options: dict[str, Any] | None = None,
        days: tuple[date, date] | None = None,
    ) -> StepResult:
        self.runs += 1
        marks = Marks("pipelines/ads.yml")
        resource = Resource(name, options or {}, marks)
        pipeline = Pipeline("ads", self.vendor, "ads", (resource,), marks, "pipelines/ads.yml")
        return land_resource(
            self.warehouse,
            connector.source(),
            pipeline,
            resource,
            spec(self.vendor, name, options),
            False,
            run_id=f"run{self.runs}",
            now=utc_now,
            writer=ArrowWriter(),
            days=days,
        )

    def rows(self, name: str, key: tuple[str, ...]) -> dict[tuple[str, ...], dict[str, Any]]:
        found = self.warehouse.arrow(f'SELECT * FROM ads."{name}"').to_pylist()
        return {tuple(str(row[part]) for part in key): row for row in found}
