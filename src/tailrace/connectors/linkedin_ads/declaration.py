"""What LinkedIn Ads takes and offers, known without a connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tailrace.connectors.linkedin_ads.resources import ENTITIES, KEY, REPORTS
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

RESTATE_DAYS = 30
MOST_ELEMENTS = 15_000
METRICS = (
    "impressions",
    "clicks",
    "landingPageClicks",
    "costInLocalCurrency",
    "externalWebsiteConversions",
    "conversionValueInLocalCurrency",
    "oneClickLeads",
)
R_ADS, R_REPORTING, VIEWER = "r_ads", "r_ads_reporting", "VIEWER"
FINE_PAGES = (1, 1000)

CONNECTION = (
    Option("access_token", secret=True, description="a member's token, given from outside; lives 60 days"),
    Option(
        "client_id", description="the app's, with client_secret and refresh_token in place of access_token"
    ),
    Option("client_secret", secret=True, description="the app's secret"),
    Option("refresh_token", secret=True, description="what the app was given"),
    Option("account_ids", "texts", description="the ad accounts to read; default: all that the member sees"),
    Option("api_version", default="202607", description="the API's version, YYYYMM; each lives about a year"),
    Option("base_url", default="https://api.linkedin.com", description="where the API is"),
    Option(
        "token_url",
        default="https://www.linkedin.com/oauth/v2/accessToken",
        description="where tokens are refreshed",
    ),
    Option(
        "introspect_url",
        default="https://www.linkedin.com/oauth/v2/introspectToken",
        description="where doctor asks what the token may do",
    ),
    Option(
        "restate",
        "integer",
        default=RESTATE_DAYS,
        description="days before the last read that are read again",
    ),
    Option(
        "start_date", description="the first day to read, YYYY-MM-DD; default: 90 days before the first run"
    ),
    Option("report_time_zone", default="UTC", description="whose days LinkedIn reports by"),
    Option(
        "most_elements",
        "integer",
        default=MOST_ELEMENTS,
        description="elements at which LinkedIn cuts a report without a word",
    ),
    Option("page_size", "integer", description="records a page of a listing; default: LinkedIn's own, 100"),
    rate_limit("none, for LinkedIn publishes none"),
    IN_FLIGHT,
    MAX_WAIT,
)
ENTITY_OPTIONS = (
    Option("fields", "texts", description="the fields to land, dotted where nested; default: the usual ones"),
)
REPORT_OPTIONS = (
    Option(
        "metrics",
        "texts",
        default=METRICS,
        description="metrics by LinkedIn's name; more than 18 take several calls",
    ),
    Option("restate", "integer", description="as the connection's, for this resource"),
    Option("start_date", description="as the connection's, for this resource"),
)


def validate_connection(options: Mapping[str, Any]) -> list[Problem]:
    """Exactly one way to log in; ids, version, URLs, days and sizes that can be ones."""
    problems = _login_problems(options)
    if not re.fullmatch(r"20\d\d(0[1-9]|1[0-2])", options["api_version"]):
        wrong = f"{options['api_version']!r} is no API version"
        problems.append((("api_version",), wrong, "write year and month, like 202607"))
    for number, account in enumerate(options["account_ids"] or ()):
        if not re.fullmatch(r"(urn:li:sponsoredAccount:)?\d+", account):
            fix = "write its number, like 512345678"
            problems.append((("account_ids", number), f"{account!r} is no ad account", fix))
    if options["most_elements"] < 2:
        problems.append((("most_elements",), "most_elements is below 2", f"write {MOST_ELEMENTS}"))
    size, (least, most) = options["page_size"], FINE_PAGES
    if size is not None and not least <= size <= most:
        problems.append((("page_size",), "page_size is out of range", f"write {least} to {most}"))
    wire = wire_problems(options, ("base_url", "token_url", "introspect_url"))
    return (
        problems
        + _zone_problems(options)
        + wire
        + day_problems(options)
        + limit_problems(options["rate_limit"])
    )


def _login_problems(options: Mapping[str, Any]) -> list[Problem]:
    oauth = [name for name in ("client_id", "client_secret", "refresh_token") if options[name]]
    ways = "give access_token, or client_id, client_secret and refresh_token"
    if options["access_token"] and oauth:
        return [((oauth[0],), "both access_token and OAuth are given", ways)]
    if not options["access_token"] and len(oauth) < 3:
        return [((), "no complete credentials", ways)]
    return []


def _zone_problems(options: Mapping[str, Any]) -> list[Problem]:
    from zoneinfo import ZoneInfo

    zone = options["report_time_zone"]
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return [(("report_time_zone",), f"{zone!r} is no time zone", "write it like UTC or Europe/Berlin")]
    return []


def validate_resource(name: str, options: Mapping[str, Any]) -> list[Problem]:
    """Metrics and fields that can be LinkedIn's names; days that can be ones."""
    problems = day_problems(options)
    if "metrics" in options and not options["metrics"]:
        problems.append((("metrics",), f"{name} has no metrics", "name at least one, like clicks"))
    for number, metric in enumerate(options.get("metrics") or ()):
        if not re.fullmatch(r"[a-z][A-Za-z0-9]*", metric):
            wrong = f"{metric!r} is no metric's name"
            problems.append((("metrics", number), wrong, "write it like costInLocalCurrency"))
        elif metric in ("dateRange", "pivotValues", "pivotValue", "date"):
            problems.append((("metrics", number), f"{metric} is there already", "leave it out"))
    for number, field in enumerate(options.get("fields") or ()):
        if not re.fullmatch(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*", field):
            problems.append(
                (("fields", number), f"{field!r} is no field", "write it like dailyBudget.amount")
            )
    return problems


def open_connection(options: Mapping[str, Any], context: Context) -> Connector:
    """Connects lazily: nothing is requested until something is asked for."""
    from tailrace.connectors.linkedin_ads.connection import LinkedInAds

    return LinkedInAds.open(DECLARATION, options, context)


def _entity(name: str) -> ResourceType:
    return ResourceType(
        name,
        ENTITY_OPTIONS,
        changes=False,
        description=f"{name.replace('_', ' ')} with name, status and dates",
        key=("id",),
        deletes="its status says so; a row that is no longer listed is removed",
        permissions=(R_ADS, VIEWER),
    )


def _report(name: str) -> ResourceType:
    return ResourceType(
        name,
        REPORT_OPTIONS,
        changes=False,
        description=f"metrics per {REPORTS[name].pivot.lower().replace('_', ' ')} and day",
        key=KEY,
        cursor="date",
        deletes="a row that its day no longer shows is removed",
        permissions=(R_ADS, R_REPORTING, VIEWER),
        backfill=True,
    )


DECLARATION = Declaration(
    name="linkedin_ads",
    options=CONNECTION,
    resources=(*(_entity(name) for name in ENTITIES), *(_report(name) for name in REPORTS)),
    permissions=(
        Permission(R_ADS, "accounts, campaign groups, campaigns and creatives"),
        Permission(R_REPORTING, "adAnalytics; without it reports may be empty instead of refused"),
        Permission(VIEWER, "the member's role on each ad account"),
    ),
    versions=(ApiVersion("202607"),),
    open=open_connection,
    validate_resource=validate_resource,
    validate_connection=validate_connection,
)
