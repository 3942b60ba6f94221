"""Fields of the Google Ads Query Language as columns, and answers as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tailrace.connectors.google_ads.resources import column_name
from tailrace.records import Column, Type

WHOLE_METRICS = frozenset(
    [
        "impressions",
        "clicks",
        "cost_micros",
        "interactions",
        "engagements",
        "view_through_conversions",
        "video_views",
        "video_trueview_views",
        "organic_clicks",
        "organic_impressions",
        "organic_queries",
        "phone_calls",
        "phone_impressions",
        "active_view_impressions",
        "active_view_measurable_impressions",
        "active_view_measurable_cost_micros",
    ]
)
"""Metrics that are int64 in Google's protos; the others are doubles, and an int fits into a double column."""

TEXT_METRICS = frozenset(
    [
        "conversion_last_conversion_date",
        "conversion_last_received_request_date_time",
        "historical_creative_quality_score",
        "historical_landing_page_quality_score",
        "historical_search_predicted_ctr",
        "interaction_event_types",
        "linked_sample_entities",
        "optimization_score_url",
        "search_volume",
    ]
)
"""Metrics that are no numbers in Google's protos."""

FIELD_TYPES: Mapping[str, Type] = {
    "customer.id": "bigint",
    "campaign.id": "bigint",
    "ad_group.id": "bigint",
    "ad_group_ad.ad.id": "bigint",
    "segments.date": "date",
    "customer.manager": "bool",
}


def column(field: str) -> Column:
    """The column of a field, typed as the vendor's proto is."""
    space, _, metric = field.partition(".")
    if space == "metrics" and metric not in TEXT_METRICS:
        return Column(column_name(field), "bigint" if metric in WHOLE_METRICS else "double")
    return Column(column_name(field), FIELD_TYPES.get(field, "text"))


def is_chunk(chunk: Any) -> bool:
    """An object with something in it, whose results, if any, are objects."""
    if not isinstance(chunk, Mapping) or not chunk:
        return False
    results = chunk.get("results", [])
    return isinstance(results, list) and all(isinstance(result, Mapping) for result in results)


def rows(chunks: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> list[dict[str, Any]]:
    """The results of every chunk, flattened; int64 stay the texts that they travel as. A field that is absent is None."""
    paths = [(column_name(field), [_camel(part) for part in field.split(".")]) for field in fields]
    return [_row(result, paths) for chunk in chunks for result in chunk.get("results") or []]


def _row(result: Mapping[str, Any], paths: Sequence[tuple[str, Sequence[str]]]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, path in paths:
        value: Any = result
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        row[name] = value
    return row


def _camel(text: str) -> str:
    first, *rest = text.split("_")
    return first + "".join(part.capitalize() for part in rest)
