"""What GA4's Data API takes and offers, known without a connection."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.connectors.sdk.base import (
    ApiVersion,
    Connector,
    Context,
    Declaration,
    Option,
    Permission,
    ResourceType,
)
from tailrace.connectors.sdk.days import day_problems
from tailrace.connectors.sdk.limits import IN_FLIGHT, MAX_WAIT, limit_problems, rate_limit, wire_problems
from tailrace.connectors.sdk.options import Problem

RESTATE_DAYS = 14
MOST_DIMENSIONS, MOST_METRICS, MOST_ROWS = 9, 10, 250_000
SESSION_DIMENSIONS = (
    "date",
    "sessionSource",
    "sessionMedium",
    "sessionCampaignName",
    "sessionDefaultChannelGroup",
)
SESSION_METRICS = ("sessions", "engagedSessions", "newUsers", "keyEvents", "screenPageViews")
ANY = "<report>"
SCOPE = "https://www.googleapis.com/auth/analytics.readonly"

CONNECTION = (
    Option("property_id", required=True, description="the property's number"),
    Option("access_token", secret=True, description="a bearer token given from outside"),
    Option(
        "service_account_file", description="path of a service account's JSON key, in place of access_token"
    ),
    Option("base_url", default="https://analyticsdata.googleapis.com", description="where the API is"),
    Option("api_version", default="v1beta", description="the Data API's version"),
    Option(
        "restate",
        "integer",
        default=RESTATE_DAYS,
        description="days before the last read that are read again",
    ),
    Option(
        "start_date", description="the first day to read, YYYY-MM-DD; default: 90 days before the first run"
    ),
    rate_limit("none; the property's token quota is told by 429s"),
    IN_FLIGHT,
    MAX_WAIT,
)


def _report(dimensions: tuple[str, ...] | None, metrics: tuple[str, ...] | None) -> tuple[Option, ...]:
    needed = dimensions is None
    return (
        Option(
            "dimensions", "texts", dimensions, needed, description="1 to 9; `date` is put first where absent"
        ),
        Option("metrics", "texts", metrics, needed, description="1 to 10"),
        Option(
            "dimension_filter",
            "mapping",
            description="which rows: a FilterExpression on dimensions, as in the API",
        ),
        Option(
            "metric_filter", "mapping", description="which rows: a FilterExpression on metrics, as in the API"
        ),
        Option("restate", "integer", description="as the connection's, for this resource"),
        Option("start_date", description="as the connection's, for this resource"),
        Option("limit", "integer", default=100_000, description="rows a page, at most 250000"),
    )


def with_date(dimensions: tuple[str, ...]) -> tuple[str, ...]:
    """The dimensions with `date` among them: without it no day could be replaced."""
    return dimensions if "date" in dimensions else ("date", *dimensions)


def validate_connection(options: Mapping[str, Any]) -> list[Problem]:
    """Exactly one way to log in; a property that is a number; URLs and days that can be ones."""
    problems: list[Problem] = []
    if bool(options["access_token"]) == bool(options["service_account_file"]):
        problems.append(((), "no single way to log in", "give either access_token or service_account_file"))
    if not re.fullmatch(r"(properties/)?\d+", options["property_id"] or ""):
        fix = "write the property's number, not the G- measurement id"
        problems.append((("property_id",), f"{options['property_id']!r} is no property id", fix))
    if not re.fullmatch(r"v\d+[a-z0-9]*", options["api_version"]):
        text = f"{options['api_version']!r} is no API version"
        problems.append((("api_version",), text, "write it like v1beta"))
    return problems + wire_problems(options) + day_problems(options) + limit_problems(options["rate_limit"])


def validate_resource(name: str, options: Mapping[str, Any]) -> list[Problem]:
    """Within the Data API's limits, each name once."""
    dimensions, metrics = with_date(options["dimensions"]), options["metrics"]
    problems = day_problems(options)
    if len(dimensions) > MOST_DIMENSIONS:
        fix = f"keep {MOST_DIMENSIONS}, date included"
        problems.append((("dimensions",), f"{name} has {len(dimensions)} dimensions", fix))
    if not 1 <= len(metrics) <= MOST_METRICS:
        problems.append((("metrics",), f"{name} has {len(metrics)} metrics", f"name 1 to {MOST_METRICS}"))
    both = sorted(set(dimensions) & set(metrics))
    if both:
        problems.append((("metrics",), f"{both[0]!r} is named as dimension and metric", "keep one"))
    if not 1 <= options["limit"] <= MOST_ROWS:
        problems.append((("limit",), "limit is out of range", f"write a number from 1 to {MOST_ROWS}"))
    for option in ("dimension_filter", "metric_filter"):
        if options[option] is not None:
            problems += filter_problems(options[option], (option,))
    return problems


def filter_problems(expression: Any, place: tuple[str | int, ...]) -> list[Problem]:
    """What is wrong with the outline of a FilterExpression; names and values are GA4's to judge."""
    fix = "write one of andGroup, orGroup, notExpression and filter, as in GA4's FilterExpression"
    if not isinstance(expression, Mapping) or len(expression) != 1:
        return [(place, "this is no filter expression", fix)]
    kind, content = next(iter(expression.items()))
    if kind == "notExpression":
        return filter_problems(content, (*place, kind))
    if kind in ("andGroup", "orGroup"):
        parts = content.get("expressions") if isinstance(content, Mapping) else None
        if not isinstance(parts, Sequence) or isinstance(parts, str) or not parts:
            return [((*place, kind), f"{kind} has no expressions", f"write {kind}: {{expressions: [...]}}")]
        return [
            problem
            for number, part in enumerate(parts)
            for problem in filter_problems(part, (*place, kind, "expressions", number))
        ]
    if kind != "filter":
        return [((*place, kind), f"{kind!r} is no filter expression", fix)]
    if not isinstance(content, Mapping) or not isinstance(content.get("fieldName"), str) or len(content) != 2:
        return [
            (
                (*place, kind),
                "a filter needs fieldName and one condition",
                "write {fieldName: ..., stringFilter: ...}",
            )
        ]
    return []


def open_connection(options: Mapping[str, Any], context: Context) -> Connector:
    """Connects lazily: nothing is requested until something is asked for."""
    from tailrace.connectors.ga4.connection import Ga4

    return Ga4.open(DECLARATION, options, context)


DELETES = "by the window: what a day that is read again no longer shows is removed"
CURSOR = "the day, from restate days before the last one read"
ROLE = "Viewer of the property"
DECLARATION = Declaration(
    name="ga4",
    options=CONNECTION,
    resources=(
        ResourceType(
            "sessions",
            _report(SESSION_DIMENSIONS, SESSION_METRICS),
            changes=False,
            description="sessions per day, source, medium, campaign and channel group",
            key=("property_id", *SESSION_DIMENSIONS),
            cursor=CURSOR,
            deletes=DELETES,
            permissions=(ROLE,),
            backfill=True,
        ),
        ResourceType(
            ANY,
            _report(None, None),
            changes=False,
            any_name=True,
            description="any other report, by its dimensions and metrics",
            cursor=CURSOR,
            deletes=DELETES,
            permissions=(ROLE,),
            backfill=True,
        ),
    ),
    permissions=(
        Permission(ROLE, "every report; no cost or revenue metric withheld from the login"),
        Permission(SCOPE, "what the token may do: read reports and metadata"),
    ),
    versions=(ApiVersion("v1beta"),),
    open=open_connection,
    validate_resource=validate_resource,
    validate_connection=validate_connection,
)
