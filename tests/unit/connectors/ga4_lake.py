"""One resource of a connector landed into DuckDB in memory, run after run; and hands that meddle between its pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from tests.unit.connectors.scripted import Budget

from tailrace.connectors.sdk.base import (
    Connector,
    Context,
    ResourceSpec,
    Source,
)
from tailrace.connectors.sdk.options import check_resource
from tailrace.connectors.sdk.registry import declaration
from tailrace.land.raw import ArrowWriter
from tailrace.land.run import land_resource
from tailrace.project.spec import Marks, Pipeline, Resource
from tailrace.records import Checkpoint, Page, Schema
from tailrace.state.runs import StepResult
from tailrace.warehouse.duckdb import DuckDBWarehouse

OPEN: list[Connector] = []


def utc_now() -> datetime:
    return datetime.now(UTC)


def connect(
    vendor: str,
    options: Mapping[str, Any],
    budget: Budget | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Connector:
    found = declaration(vendor)
    assert found is not None and found.open is not None
    brisk = {"rate_limit": {"requests": 10_000, "seconds": 0.05}}
    connector = found.open({**brisk, **options}, Context(vendor, budget or Budget(), now))
    OPEN.append(connector)
    return connector


def close_all() -> None:
    """What a test opened; a fixture of its module calls it."""
    while OPEN:
        OPEN.pop().close()


def spec(vendor: str, resource: str, options: Mapping[str, Any]) -> ResourceSpec:
    found = declaration(vendor)
    assert found is not None
    filled, problems = check_resource(found, resource, options)
    assert problems == []
    return ResourceSpec(resource, filled)


@dataclass
class Lake:
    """`run` is one landing; every run opens a source of its own, as a new process does."""

    connector: Connector
    vendor: str
    resource: str
    options: Mapping[str, Any] = field(default_factory=dict)
    warehouse: DuckDBWarehouse = field(default_factory=lambda: DuckDBWarehouse(None))
    runs: int = 0

    def run(
        self, wrap: Callable[[Source], Source] | None = None, days: tuple[date, date] | None = None
    ) -> StepResult:
        self.runs += 1
        source = self.connector.source()
        marks = Marks("pipelines/x.yml")
        resource = Resource(self.resource, dict(self.options), marks)
        return land_resource(
            self.warehouse,
            wrap(source) if wrap is not None else source,
            Pipeline(self.vendor, self.vendor, self.vendor, (resource,), marks, "pipelines/x.yml"),
            resource,
            spec(self.vendor, self.resource, self.options),
            False,
            run_id=f"run{self.runs}",
            now=utc_now,
            writer=ArrowWriter(),
            days=days,
        )

    def rows(self, columns: str = "*") -> list[dict[str, Any]]:
        table = f'{self.vendor}."{self.resource}"'
        return self.warehouse.arrow(f"SELECT {columns} FROM {table}").to_pylist()


@dataclass
class Meddling:
    """A source at whose nth page something happens at the vendor: once."""

    source: Source
    nth: int
    deed: Callable[[], Any]
    pages: int = 0

    def schema(self, resource: ResourceSpec) -> Schema:
        return self.source.schema(resource)

    def read(
        self, resource: ResourceSpec, schema: Schema, position: Mapping[str, Any] | None
    ) -> Iterator[Page | Checkpoint]:
        for item in self.source.read(resource, schema, position):
            self.pages += isinstance(item, Page)
            if self.pages == self.nth and isinstance(item, Page):
                self.deed()
            yield item
