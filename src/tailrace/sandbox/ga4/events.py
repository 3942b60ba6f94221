"""Rows of GA4's BigQuery export, one event each, as the flat rows that reports are computed from (vendor-apis 6.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from tailrace.sandbox.ga4.channels import default_channel_group

Row = dict[str, Any]
VALUES = ("string_value", "int_value", "float_value", "double_value")
KEY_EVENTS = ("purchase", "generate_lead")
VIEWS = ("page_view", "screen_view")


def flatten(events: Iterable[Row]) -> list[Row]:
    """Each event's dimensions, counts, session and user; where a session came from and began is told in all its rows."""
    pairs = [(event, dict(_parameters(event))) for event in events]
    pairs.sort(key=lambda pair: int(pair[0].get("event_timestamp") or 0))
    origins: dict[str, tuple[Any, Any, Any]] = {}
    pages: dict[str, str] = {}
    for event, parameters in pairs:
        session = _session(event, parameters)
        origin = _own_origin(event, parameters)
        if session and origin:
            origins.setdefault(session, origin)
        if session and parameters.get("page_location"):
            pages.setdefault(session, urlsplit(str(parameters["page_location"])).path or "/")
    rows = []
    for event, parameters in pairs:
        session = _session(event, parameters) or ""
        source, medium, campaign = origins.get(session) or _first_origin(event)
        came = {
            "sessionSource": source,
            "sessionMedium": medium,
            "sessionCampaignName": campaign,
            "sessionDefaultChannelGroup": default_channel_group(source, medium),
            "landingPage": pages.get(session),
        }
        about = {name: value or None for name, value in {**_about(event, parameters), **came}.items()}
        rows.append({**about, **_counts(event, parameters)})
    return rows


def _parameters(event: Row) -> Iterator[tuple[str, Any]]:
    for parameter in event.get("event_params") or []:
        value = parameter.get("value") or {}
        yield (
            parameter.get("key"),
            next((value[kind] for kind in VALUES if value.get(kind) is not None), None),
        )


def _session(event: Row, parameters: Row) -> str | None:
    """A session's id is unique within its user only."""
    user, number = event.get("user_pseudo_id"), parameters.get("ga_session_id")
    return None if user is None or number is None else f"{user}.{number}"


def _own_origin(event: Row, parameters: Row) -> tuple[Any, Any, Any] | None:
    """Source, medium and campaign that this very event was collected with."""
    if parameters.get("source"):
        return parameters["source"], parameters.get("medium"), parameters.get("campaign")
    click = event.get("collected_traffic_source") or {}
    if click.get("manual_source"):
        return click["manual_source"], click.get("manual_medium"), click.get("manual_campaign_name")
    return None


def _first_origin(event: Row) -> tuple[Any, Any, Any]:
    """Where the user first came from."""
    first = event.get("traffic_source") or {}
    return first.get("source"), first.get("medium"), first.get("name")


def _about(event: Row, parameters: Row) -> Row:
    device, geo = event.get("device") or {}, event.get("geo") or {}
    return {
        "date": str(event.get("event_date") or ""),
        "eventName": event.get("event_name"),
        "country": geo.get("country"),
        "city": geo.get("city"),
        "region": geo.get("region"),
        "deviceCategory": device.get("category"),
        "operatingSystem": device.get("operating_system"),
        "browser": (device.get("web_info") or {}).get("browser") or device.get("browser"),
        "language": device.get("language"),
        "platform": event.get("platform"),
        "pageLocation": parameters.get("page_location"),
        "pageTitle": parameters.get("page_title"),
    }


def _counts(event: Row, parameters: Row) -> Row:
    name, session = event.get("event_name"), _session(event, parameters)
    return {
        "session": session,
        "engagedSession": session if str(parameters.get("session_engaged")) == "1" else None,
        "userPseudoId": event.get("user_pseudo_id"),
        "eventCount": 1,
        "newUsers": int(name == "first_visit"),
        "screenPageViews": int(name in VIEWS),
        "keyEvents": int(name in KEY_EVENTS),
        "userEngagementDuration": float(parameters.get("engagement_time_msec") or 0) / 1000,
    }
