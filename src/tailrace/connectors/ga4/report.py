"""One report: what is asked for, what its answer's columns and rows are, and what GA4 says of its quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tailrace.connectors.ga4.declaration import SESSION_DIMENSIONS, SESSION_METRICS, with_date
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.errors import SchemaError
from tailrace.records import Column, Schema

Document = Mapping[str, Any]
WHOLE = ("TYPE_INTEGER", 1)
"""The client libraries ask for enums as ints, so both spellings travel (vendor-apis.md 6.1)."""
PROPERTY, CURRENCY, ZONE = "property_id", "property_currency_code", "property_time_zone"
OURS = (
    Column(PROPERTY, "text", "the property's number"),
    Column(CURRENCY, "text", "the currency of money metrics"),
    Column(ZONE, "text", "the time zone of the days"),
)
LACKS = {
    "dataLossFromOtherRow": "rare values are folded into the row (other)",
    "samplingMetadatas": "the numbers are sampled",
    "subjectToThresholding": "rows of few users are withheld",
}
FILTERS = {"dimension_filter": "dimensionFilter", "metric_filter": "metricFilter"}


@dataclass(frozen=True)
class Report:
    """Dimensions (`date` among them), metrics, and filters by their name in a request."""

    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    filters: Mapping[str, Any]
    limit: int

    @classmethod
    def of(cls, resource: ResourceSpec) -> Report:
        """As the resource's options say."""
        given = resource.options
        dimensions = with_date(tuple(given.get("dimensions") or SESSION_DIMENSIONS))
        filters = {word: given[name] for name, word in FILTERS.items() if given.get(name)}
        metrics = tuple(given.get("metrics") or SESSION_METRICS)
        return cls(dimensions, metrics, filters, int(given.get("limit") or 100_000))

    def asked(self) -> list[Any]:
        """What makes it another report: in the position, as JSON-able data."""
        return [*self.dimensions, *self.metrics, *([dict(self.filters)] if self.filters else [])]

    def body(self, first: date, last: date, offset: int, limit: int | None = None) -> dict[str, Any]:
        """A runReport request, sorted by every dimension, so that pages by offset fit together."""
        return {
            "dateRanges": [{"startDate": first.isoformat(), "endDate": last.isoformat()}],
            "dimensions": [{"name": name} for name in self.dimensions],
            "metrics": [{"name": name} for name in self.metrics],
            "orderBys": [{"dimension": {"dimensionName": name}} for name in self.dimensions],
            **self.filters,
            "limit": str(limit or self.limit),
            "offset": str(offset),
            "returnPropertyQuota": True,
        }

    def schema(self, head: Document, place: str) -> Schema:
        """The key is the property and every dimension; metrics are typed by the report's own headers."""
        types = {header["name"]: header.get("type") for header in head.get("metricHeaders") or []}
        columns = [
            Column(column_name(name), "date" if name == "date" else "text") for name in self.dimensions
        ]
        columns += [
            Column(column_name(name), "bigint" if types.get(name) in WHOLE else "double")
            for name in self.metrics
        ]
        names = [column.name.lower() for column in (*OURS, *columns)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            text = f"{place}: two dimensions or metrics would be the column {twice[0]!r}"
            raise SchemaError(text, "keep one")
        key = (PROPERTY, *(column_name(name) for name in self.dimensions))
        return Schema((*OURS, *columns), key)

    def rows(self, page: Document, property_id: str) -> list[dict[str, Any]]:
        """The page's rows by column name. A row whose day is `(other)` is left out: it has no day to be replaced by."""
        metadata = page.get("metadata") or {}
        about = {
            PROPERTY: property_id,
            CURRENCY: metadata.get("currencyCode"),
            ZONE: metadata.get("timeZone"),
        }
        names = [column_name(name) for name in (*self.dimensions, *self.metrics)]
        found = (self._row(names, row) for row in page.get("rows") or [])
        return [{**about, **row} for row in found if row["date"] is not None]

    def _row(self, names: list[str], row: Mapping[str, Any]) -> dict[str, Any]:
        cells = [cell.get("value") or "" for cell in row["dimensionValues"]]  # a key has no NULL
        cells += [cell.get("value") for cell in row["metricValues"]]
        values: dict[str, Any] = dict(zip(names, cells, strict=True))
        values["date"] = iso_day(values["date"])
        return values


def shortcomings(page: Document) -> Iterator[str]:
    """What GA4 says of the report's own quality."""
    metadata = page.get("metadata") or {}
    yield from (text for name, text in LACKS.items() if metadata.get(name))
    restricted = (metadata.get("schemaRestrictionResponse") or {}).get("activeMetricRestrictions") or []
    names = sorted(str(metric.get("metricName")) for metric in restricted)
    if names:
        yield f"the values of {', '.join(names)} are withheld from this login"


def column_name(name: str) -> str:
    """`customEvent:plan` is the column `customEvent_plan`: BigQuery forbids colons."""
    return name.replace(":", "_")


def iso_day(text: str) -> str | None:
    """20260131 as 2026-01-31; `(other)` has no day."""
    if len(text) != 8 or not text.isdigit():
        return None
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"
