"""What Google Ads takes and offers, known without a connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from tailrace.connectors.google_ads.resources import STATS, key_of
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
METRICS = ("impressions", "clicks", "cost_micros", "conversions", "conversions_value")
SCOPE, TOKEN, ROLE = "https://www.googleapis.com/auth/adwords", "Basic access", "Read only"

CONNECTION = (
    Option(
        "developer_token", required=True, secret=True, description="of the API centre of a manager account"
    ),
    Option("access_token", secret=True, description="a bearer token given from outside"),
    Option(
        "client_id", description="OAuth client, with client_secret and refresh_token in place of access_token"
    ),
    Option("client_secret", secret=True, description="OAuth client's secret"),
    Option("refresh_token", secret=True, description="what the OAuth client was given"),
    Option(
        "customer_ids",
        "texts",
        description="the accounts to read; default: all that the login reaches, those below managers included",
    ),
    Option("login_customer_id", description="the manager account that the login acts through"),
    Option("api_version", default="v26", description="the API's version, like v26"),
    Option("base_url", default="https://googleads.googleapis.com", description="where the API is"),
    Option(
        "token_url", default="https://oauth2.googleapis.com/token", description="where tokens are refreshed"
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
    rate_limit("none, for Google publishes no number of requests a second"),
    IN_FLIGHT,
    MAX_WAIT,
)
STATS_OPTIONS = (
    Option("metrics", "texts", default=METRICS, description="metrics by their GAQL name, without `metrics.`"),
    Option(
        "segments",
        "texts",
        description="what splits each row further, by GAQL name without `segments.`; part of the key",
    ),
    Option("restate", "integer", description="as the connection's, for this resource"),
    Option("start_date", description="as the connection's, for this resource"),
)
NAMES = {"metrics": "cost_micros", "segments": "device"}


def validate_connection(options: Mapping[str, Any]) -> list[Problem]:
    """Exactly one way to log in; ids, version, URLs and days that can be ones."""
    problems: list[Problem] = []
    oauth = [name for name in ("client_id", "client_secret", "refresh_token") if options[name]]
    ways = "give access_token, or client_id, client_secret and refresh_token"
    if options["access_token"] and oauth:
        problems.append(((oauth[0],), "both access_token and OAuth are given", ways))
    elif not options["access_token"] and len(oauth) < 3:
        problems.append(((), "no complete credentials", ways))
    if not re.fullmatch(r"v\d+", options["api_version"]):
        problems.append(
            (("api_version",), f"{options['api_version']!r} is no API version", "write it like v26")
        )
    for number, customer in enumerate(options["customer_ids"] or ()):
        if not is_customer(customer):
            problems.append(
                (("customer_ids", number), f"{customer!r} is no customer id", "write its ten digits")
            )
    if options["login_customer_id"] and not is_customer(options["login_customer_id"]):
        fix = "write its ten digits"
        problems.append((("login_customer_id",), f"{options['login_customer_id']!r} is no customer id", fix))
    wire = wire_problems(options, ("base_url", "token_url"))
    return problems + wire + day_problems(options) + limit_problems(options["rate_limit"])


def is_customer(text: str) -> bool:
    """Ten digits, as people write them: 123-456-7890 too."""
    return re.fullmatch(r"\d{1,12}", text.replace("-", "")) is not None


def validate_resource(name: str, options: Mapping[str, Any]) -> list[Problem]:
    """Metrics and segments that can be GAQL names; days that can be ones."""
    problems = day_problems(options)
    if "metrics" in options and not options["metrics"]:
        problems.append((("metrics",), f"{name} has no metrics", "name at least one, like clicks"))
    for space, example in NAMES.items():
        for number, text in enumerate(options.get(space) or ()):
            if not re.fullmatch(rf"({space}\.)?[a-z][a-z0-9_]*", text):
                wrong = f"{text!r} is no {space.removesuffix('s')}'s name"
                problems.append(((space, number), wrong, f"write it like {example}"))
            elif space == "segments" and text.removeprefix("segments.") == "date":
                problems.append((("segments", number), "rows are by date already", "leave date out"))
    return problems


def open_connection(options: Mapping[str, Any], context: Context) -> Connector:
    """Connects lazily: nothing is requested until something is asked for."""
    from tailrace.connectors.google_ads.connection import GoogleAds

    return GoogleAds.open(DECLARATION, options, context)


def _entity(name: str, description: str, deletes: str) -> ResourceType:
    return ResourceType(
        name,
        changes=False,
        description=description,
        key=key_of(name, {}),
        deletes=deletes,
        permissions=(SCOPE, TOKEN, ROLE),
    )


def _stats(name: str, of: str) -> ResourceType:
    return ResourceType(
        name,
        STATS_OPTIONS,
        changes=False,
        description=f"metrics per {of}day",
        key=key_of(name, {}),
        cursor="segments_date",
        deletes="a row that its day no longer shows is removed",
        permissions=(SCOPE, TOKEN, ROLE),
        backfill=True,
    )


REMOVED = "status REMOVED; a row that is no longer listed is removed"
LEVELS = ("", "campaign and ", "campaign, ad group and ", "campaign, ad group, ad and ")
DECLARATION = Declaration(
    name="google_ads",
    options=CONNECTION,
    resources=(
        _entity(
            "accounts",
            "the accounts with their currency and time zone",
            "an account that the login no longer reaches is removed",
        ),
        _entity("campaigns", "campaigns with name, status and channel", REMOVED),
        _entity("ad_groups", "ad groups with name, status and type", REMOVED),
        _entity("ads", "ads with name, status and type", REMOVED),
        *(_stats(name, of) for name, of in zip(STATS, LEVELS, strict=True)),
    ),
    permissions=(
        Permission(SCOPE, "the OAuth client's scope; Google has no narrower one"),
        Permission(TOKEN, "the developer token's access level, to read accounts that are no test accounts"),
        Permission(ROLE, "the user's access level on each account or on the manager above it"),
    ),
    versions=(
        ApiVersion("v22", date(2026, 10, 7)),
        *(ApiVersion(f"v{number}") for number in (23, 24, 25, 26)),
    ),
    open=open_connection,
    validate_resource=validate_resource,
    validate_connection=validate_connection,
)
