"""GA4's reports by day, in a window that GA4 still restates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from tailrace.connectors.ga4.declaration import SESSION_DIMENSIONS, SESSION_METRICS, with_date
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.connectors.sdk.days import Lookback, today_in
from tailrace.connectors.sdk.paging import by_offset
from tailrace.connectors.sdk.unchanged import Window
from tailrace.errors import SchemaError
from tailrace.events import Notice, emit
from tailrace.records import Checkpoint, Column, Page, Schema, Scope

Report = Callable[[Mapping[str, Any]], Mapping[str, Any]]
WHOLE = ("TYPE_INTEGER", 1)
"""The client libraries ask for enums as ints, so both spellings travel (vendor-apis.md 6.1)."""


class Ga4Source:
    """Reads. `lookback` is the connection's, where a resource names none."""

    def __init__(
        self,
        report: Report,
        property_id: str,
        *,
        connection: str,
        now: Callable[[], datetime],
        lookback: Lookback,
    ) -> None:
        self._report, self._property, self._connection = report, property_id, connection
        self._now, self._lookback = now, lookback
        self._zones: dict[str, str | None] = {}

    def schema(self, resource: ResourceSpec) -> Schema:
        """The key is the property and every dimension; metric types are the report's own headers'."""
        dimensions, metrics = _asked(resource)
        today = self._now().date().isoformat()
        head = self._report({**_body(dimensions, metrics, today, today), "limit": "1"})
        self._zones[resource.name] = (head.get("metadata") or {}).get("timeZone")
        types = {header["name"]: header.get("type") for header in head.get("metricHeaders") or []}
        columns = [Column("property_id")]
        columns += [Column(column_name(name), "date" if name == "date" else "text") for name in dimensions]
        columns += [
            Column(column_name(name), "bigint" if types.get(name) in WHOLE else "double") for name in metrics
        ]
        names = [column.name.lower() for column in columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            place = f"{self._connection}.{resource.name}"
            raise SchemaError(
                f"{place}: two dimensions or metrics would be the column {twice[0]!r}", "keep one"
            )
        return Schema(tuple(columns), ("property_id", *(column_name(name) for name in dimensions)))

    def read(
        self, resource: ResourceSpec, schema: Schema, position: Mapping[str, Any] | None
    ) -> Iterator[Page | Checkpoint]:
        dimensions, metrics = _asked(resource)
        asked = [*dimensions, *metrics]
        known = position if position is not None and position.get("asked") == asked else {}
        today = today_in(self._zone(resource), self._now())
        lookback = self._lookback.of(resource.options)
        first = lookback.first_day(known.get("through"), today)
        following_first = lookback.first_day(today.isoformat(), today).isoformat()
        window = Window(known.get("digest"), lambda row: row["date"] >= following_first)
        for rows in window.pages(self._pages(resource, schema, first, today)):
            yield Page(rows)
        following = {"through": today.isoformat(), "digest": window.digest, "asked": asked}
        between = ("date", first.isoformat(), today.isoformat())
        scope = Scope({"property_id": (self._property,)}, between)
        yield Checkpoint(following, () if window.same else (scope,))

    def _zone(self, resource: ResourceSpec) -> str | None:
        if resource.name not in self._zones:
            self.schema(resource)
        return self._zones[resource.name]

    def _pages(
        self, resource: ResourceSpec, schema: Schema, first: date, last: date
    ) -> Iterator[list[dict[str, Any]]]:
        dimensions, metrics = _asked(resource)
        body = _body(dimensions, metrics, first.isoformat(), last.isoformat())
        limit = str(resource.options.get("limit") or 100_000)
        names = schema.names()[1:]
        day = dimensions.index("date")
        warned = False
        for document in by_offset(
            lambda offset: self._report({**body, "limit": limit, "offset": str(offset)}),
            lambda page: len(page.get("rows") or []),
            lambda page: int(page.get("rowCount") or 0),
        ):
            if not warned:
                warned = self._warn(resource, document.get("metadata") or {})
            rows = [self._row(names, day, row) for row in document.get("rows") or []]
            dated = [row for row in rows if row["date"] is not None]  # (other) has no day to be replaced by
            if dated:
                yield dated

    def _row(self, names: tuple[str, ...], day: int, row: Mapping[str, Any]) -> dict[str, Any]:
        values = [value.get("value") for value in (*row["dimensionValues"], *row["metricValues"])]
        values[day] = _iso_day(values[day])
        return {"property_id": self._property, **dict(zip(names, values, strict=True))}

    def _warn(self, resource: ResourceSpec, metadata: Mapping[str, Any]) -> bool:
        """Says what GA4 says of the report's own quality; True where it said something."""
        lacks = {
            "dataLossFromOtherRow": "rare values are folded into the row (other)",
            "samplingMetadatas": "the numbers are sampled",
            "subjectToThresholding": "rows of few users are withheld",
        }
        told = [text for name, text in lacks.items() if metadata.get(name)]
        if told:
            emit(Notice("warning", f"{self._connection}.{resource.name}: {'; '.join(told)} (said by GA4)"))
        return bool(told)


def column_name(name: str) -> str:
    """`customEvent:plan` is the column `customEvent_plan`: BigQuery forbids colons."""
    return name.replace(":", "_")


def _asked(resource: ResourceSpec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    dimensions = tuple(resource.options.get("dimensions") or SESSION_DIMENSIONS)
    return with_date(dimensions), tuple(resource.options.get("metrics") or SESSION_METRICS)


def _body(dimensions: tuple[str, ...], metrics: tuple[str, ...], first: str, last: str) -> dict[str, Any]:
    """Sorted by every dimension, so that pages by offset fit together."""
    return {
        "dateRanges": [{"startDate": first, "endDate": last}],
        "dimensions": [{"name": name} for name in dimensions],
        "metrics": [{"name": name} for name in metrics],
        "orderBys": [{"dimension": {"dimensionName": name}} for name in dimensions],
    }


def _iso_day(text: str | None) -> str | None:
    """20260131 as 2026-01-31; `(other)` has no day."""
    if text is None or len(text) != 8 or not text.isdigit():
        return None
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"
