"""A checked request and its source into the API's answer: group, compute, filter, sort, page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tailrace.sandbox.ga4.filters import Test, compile_filter
from tailrace.sandbox.ga4.metrics import Row, dimension, spelled
from tailrace.sandbox.ga4.request import Order, ReportRequest
from tailrace.sandbox.ga4.sources import Source

Line = tuple[tuple[str, ...], tuple[float, ...]]


def fields_filtered(expression: Any) -> set[str]:
    """The field names in a FilterExpression: a filter may name what the report does not show."""
    if isinstance(expression, dict):
        own = {expression["fieldName"]} if isinstance(expression.get("fieldName"), str) else set()
        return own.union(*(fields_filtered(part) for part in expression.values()))
    if isinstance(expression, list):
        return set().union(*(fields_filtered(part) for part in expression))
    return set()


def build(request: ReportRequest, source: Source) -> tuple[list[Line], list[str]]:
    """All lines of the report in order, and their dimension names; several date ranges add the dateRange dimension."""
    several = len(request.ranges) > 1
    names = [
        *request.dimensions,
        *(["dateRange"] if several and "dateRange" not in request.dimensions else []),
    ]
    wanted = _test(request.dimension_filter, source.dimensions, numeric=False)
    having = _test(request.metric_filter, source.metrics, numeric=True)
    groups: dict[tuple[str, ...], list[Row]] = {}
    for span in request.ranges:
        for row in source.between(span.first, span.last):
            if wanted is None or wanted(partial(dimension, row)):
                key = tuple(span.name if name == "dateRange" else dimension(row, name) for name in names)
                groups.setdefault(key, []).append(row)
    lines = []
    for key, rows in groups.items():
        values = tuple(source.metrics[name].compute(rows) for name in request.metrics)
        empty = bool(values) and not any(values) and not request.keep_empty
        if not empty and (having is None or having(partial(_metric, source, rows))):
            lines.append((key, values))
    return _sorted(lines, request, names), names


def _metric(source: Source, rows: list[Row], name: str) -> float:
    return source.metrics[name].compute(rows)


def _test(expression: Any, known: Any, *, numeric: bool) -> Test | None:
    return compile_filter(expression, known, numeric=numeric) if expression else None


def _sorted(lines: list[Line], request: ReportRequest, names: list[str]) -> list[Line]:
    """By orderBys; without one by the first metric, largest first, as the API mostly does."""
    lines.sort(key=lambda line: line[0])
    orders = request.orders or (
        (Order(request.metrics[0], descending=True, metric=True),) if request.metrics else ()
    )
    for order in reversed(orders):
        lines.sort(key=_line_key(order, request, names), reverse=order.descending)
    return lines


def _line_key(order: Order, request: ReportRequest, names: list[str]) -> Callable[[Line], Any]:
    if order.metric:
        column = request.metrics.index(order.field)
        return lambda line: line[1][column]
    column = names.index(order.field)
    return lambda line: _text_key(line[0][column], order.how)


def _text_key(value: str, how: str) -> tuple[float, str]:
    if how == "NUMERIC":
        try:
            return float(value), ""
        except ValueError:
            return float("-inf"), value
    return 0.0, value.lower() if how.startswith("CASE") else value


def answer(request: ReportRequest, source: Source, currency: str, time_zone: str) -> dict[str, Any]:
    """The RunReportResponse; what is empty or zero is absent, as in protobuf's JSON."""
    lines, names = build(request, source)
    page = lines[request.offset : request.offset + request.limit]
    document: dict[str, Any] = {}
    if names:
        document["dimensionHeaders"] = [{"name": name} for name in names]
    if request.metrics:
        document["metricHeaders"] = [
            {"name": name, "type": source.metrics[name].type} for name in request.metrics
        ]
    if page:
        document["rows"] = [_row(*line) for line in page]
    if lines:
        document["rowCount"] = len(lines)
    document["metadata"] = {"currencyCode": request.currency or currency, "timeZone": time_zone}
    document["kind"] = "analyticsData#runReport"
    return document


def _row(dimensions: tuple[str, ...], metrics: tuple[float, ...]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if dimensions:
        row["dimensionValues"] = [{"value": value} for value in dimensions]
    if metrics:
        row["metricValues"] = [{"value": spelled(value)} for value in metrics]
    return row
