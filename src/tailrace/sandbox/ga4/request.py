"""A runReport body, read and checked as the API checks it (vendor-apis 6.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tailrace.sandbox.ga4.filters import enum
from tailrace.sandbox.google import ApiError

MOST_ROWS, DEFAULT_ROWS = 250_000, 10_000
MOST_DIMENSIONS, MOST_METRICS, MOST_RANGES = 9, 10, 4
NOT_SERVED = ("metricAggregations", "cohortSpec", "comparisons", "conversionSpec")
REPORT_KEYS = frozenset(
    {
        "property",
        "dimensions",
        "metrics",
        "dateRanges",
        "dimensionFilter",
        "metricFilter",
        "offset",
        "limit",
        "orderBys",
        "currencyCode",
        "keepEmptyRows",
        "returnPropertyQuota",
        *NOT_SERVED,
    }
)
ORDER_TYPES = ("ORDER_TYPE_UNSPECIFIED", "ALPHANUMERIC", "CASE_INSENSITIVE_ALPHANUMERIC", "NUMERIC")


@dataclass(frozen=True)
class DateRange:
    """First and last day as YYYYMMDD, and the name that the dateRange dimension shows."""

    name: str
    first: str
    last: str


@dataclass(frozen=True)
class Order:
    """One key of orderBys; `how` is an ORDER_TYPES name, of a dimension only."""

    field: str
    descending: bool
    metric: bool
    how: str = "ALPHANUMERIC"


@dataclass(frozen=True)
class ReportRequest:
    """What a report is asked to be."""

    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    ranges: tuple[DateRange, ...]
    dimension_filter: Any
    metric_filter: Any
    orders: tuple[Order, ...]
    offset: int
    limit: int
    keep_empty: bool
    want_quota: bool
    currency: str | None


def read_request(body: dict[str, Any], today: date) -> ReportRequest:
    """ApiError 400 for what the API refuses, 501 for what only the sandbox does not serve."""
    for name in body:
        if name not in REPORT_KEYS:
            raise ApiError(400, f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')
    for name in NOT_SERVED:
        if body.get(name):
            raise ApiError(501, f"The sandbox does not serve {name}.")
    dimensions = _names(body, "dimensions", MOST_DIMENSIONS)
    metrics = _names(body, "metrics", MOST_METRICS)
    if not dimensions and not metrics:
        raise ApiError(400, "Requests must have at least one dimension or metric.")
    limit = _count(body, "limit", DEFAULT_ROWS)
    if limit == 0:
        raise ApiError(400, "Limit must be positive.")
    return ReportRequest(
        dimensions=dimensions,
        metrics=metrics,
        ranges=_ranges(body, today),
        dimension_filter=body.get("dimensionFilter"),
        metric_filter=body.get("metricFilter"),
        orders=tuple(_order(item, dimensions, metrics) for item in body.get("orderBys") or []),
        offset=_count(body, "offset", 0),
        limit=min(limit, MOST_ROWS),
        keep_empty=bool(body.get("keepEmptyRows")),
        want_quota=bool(body.get("returnPropertyQuota")),
        currency=body.get("currencyCode"),
    )


def _names(body: dict[str, Any], key: str, most: int) -> tuple[str, ...]:
    names = []
    for item in body.get(key) or []:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise ApiError(400, f"Every entry of {key} needs a name.")
        if set(item) - {"name"}:
            raise ApiError(501, f"The sandbox serves {key} by name only.")
        names.append(item["name"])
    if len(set(names)) != len(names):
        raise ApiError(400, f"Duplicate entries in {key}: {', '.join(names)}.")
    if len(names) > most:
        raise ApiError(400, f"Requests are limited to {most} {key}. This request is for {len(names)}.")
    return tuple(names)


def _count(body: dict[str, Any], key: str, default: int) -> int:
    """An int64, which may come as a string."""
    value = body.get(key)
    if value is None:
        return default
    if str(value).isdecimal():
        return int(value)
    raise ApiError(400, f"Invalid value at '{key}' (TYPE_INT64), {value!r}")


def _ranges(body: dict[str, Any], today: date) -> tuple[DateRange, ...]:
    given = body.get("dateRanges") or []
    if not given:
        raise ApiError(400, "A dateRange is required for this request.")
    if len(given) > MOST_RANGES:
        raise ApiError(
            400, f"Requests are limited to {MOST_RANGES} dateRanges. This request is for {len(given)}."
        )
    ranges = []
    for number, item in enumerate(given):
        first, last = _day(item, "startDate", today), _day(item, "endDate", today)
        if first > last:
            raise ApiError(400, f"Invalid date range: startDate {first} is after endDate {last}.")
        name = item.get("name") or f"date_range_{number}"
        ranges.append(DateRange(name, first.strftime("%Y%m%d"), last.strftime("%Y%m%d")))
    return tuple(ranges)


def _day(item: dict[str, Any], key: str, today: date) -> date:
    text = str(item.get(key, ""))
    ago = re.fullmatch(r"(\d+)daysAgo", text)
    if ago:
        return today - timedelta(days=int(ago[1]))
    if text in ("today", "yesterday"):
        return today - timedelta(days=text == "yesterday")
    try:
        return date.fromisoformat(text if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else "")
    except ValueError as error:
        raise ApiError(
            400, f"Invalid {key}: {text}. Use YYYY-MM-DD, today, yesterday or NdaysAgo."
        ) from error


def _order(item: dict[str, Any], dimensions: tuple[str, ...], metrics: tuple[str, ...]) -> Order:
    descending = bool(item.get("desc"))
    by_metric, by_dimension = item.get("metric"), item.get("dimension")
    if by_metric:
        field = by_metric.get("metricName")
        if field in metrics:
            return Order(field, descending, metric=True)
    elif by_dimension:
        field = by_dimension.get("dimensionName")
        if field in dimensions:
            how = enum(by_dimension.get("orderType"), ORDER_TYPES, "ALPHANUMERIC")
            return Order(field, descending, metric=False, how=how)
    else:
        raise ApiError(501, "The sandbox orders by a dimension or a metric only.")
    raise ApiError(400, f"Field {field} in orderBys is not in this request's dimensions or metrics.")
