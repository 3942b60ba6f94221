"""Rows of GA4's BigQuery export, one event each, as the flat rows that reports are computed from (vendor-apis 6.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Row = dict[str, Any]
VALUES = ("string_value", "int_value", "float_value", "double_value")


def flatten(event: Row) -> Row:
    """One event's dimensions, its counts, its session and its user."""
    parameters = dict(_parameters(event))
    user = event.get("user_pseudo_id")
    session_id = parameters.get("ga_session_id")
    session = f"{user}.{session_id}" if user is not None and session_id is not None else None
    source, medium, campaign = _origin(event)
    name = event.get("event_name")
    device = event.get("device") or {}
    geo = event.get("geo") or {}
    return {
        "date": str(event.get("event_date") or ""),
        "eventName": name,
        "country": geo.get("country"),
        "city": geo.get("city"),
        "region": geo.get("region"),
        "deviceCategory": device.get("category"),
        "operatingSystem": device.get("operating_system"),
        "browser": (device.get("web_info") or {}).get("browser") or device.get("browser"),
        "language": device.get("language"),
        "platform": event.get("platform"),
        "sessionSource": source,
        "sessionMedium": medium,
        "sessionCampaignName": campaign,
        "pageLocation": parameters.get("page_location"),
        "pageTitle": parameters.get("page_title"),
        "session": session,
        "engagedSession": session if str(parameters.get("session_engaged")) == "1" else None,
        "userPseudoId": user,
        "eventCount": 1,
        "newUsers": int(name == "first_visit"),
        "screenPageViews": int(name in ("page_view", "screen_view")),
        "keyEvents": int(name in ("purchase", "generate_lead")),
        "userEngagementDuration": float(parameters.get("engagement_time_msec") or 0) / 1000,
    }


def _parameters(event: Row) -> Iterator[tuple[str, Any]]:
    for parameter in event.get("event_params") or []:
        value = parameter.get("value") or {}
        found = next((value[kind] for kind in VALUES if value.get(kind) is not None), None)
        yield parameter.get("key"), found


def _origin(event: Row) -> tuple[Any, Any, Any]:
    """Source, medium and campaign of the click that was collected, else of the user's first."""
    click = event.get("collected_traffic_source") or {}
    if click.get("manual_source"):
        return click["manual_source"], click.get("manual_medium"), click.get("manual_campaign_name")
    first = event.get("traffic_source") or {}
    return first.get("source"), first.get("medium"), first.get("name")
