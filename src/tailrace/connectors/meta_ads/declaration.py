"""What Meta Ads takes and offers, known without a connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tailrace.connectors.meta_ads.fields import (
    ACCOUNT_FIELDS,
    ENTITY_FIELDS,
    INSIGHTS,
    METRICS,
    ZONE,
    insight_key,
)
from tailrace.connectors.meta_ads.writable import OBJECTS, validate_sync
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

RESTATE_DAYS = 28
WINDOWS = ("7d_click", "1d_view")
GONE_WINDOWS = ("7d_view", "28d_view")
"""Not answered any more since 12 January 2026 (vendor-apis.md 7.3)."""
STATUSES = ("ACTIVE", "PAUSED", "ARCHIVED", "DELETED", "IN_PROCESS", "WITH_ISSUES")
STATUSES_OF = {
    "campaigns": STATUSES,
    "adsets": (*STATUSES, "CAMPAIGN_PAUSED"),
    "ads": (
        *(*STATUSES, "CAMPAIGN_PAUSED", "ADSET_PAUSED", "DISAPPROVED"),
        *("PENDING_BILLING_INFO", "PENDING_REVIEW", "PREAPPROVED"),
    ),
}
MODES = ("auto", "always", "never")

CONNECTION = (
    Option(
        "access_token",
        required=True,
        secret=True,
        description="of a system user (does not end) or a user (ends after about 60 days)",
    ),
    Option("app_secret", secret=True, description="the app's secret, where the app requires appsecret_proof"),
    Option(
        "account_ids", "texts", description="the ad accounts to read; default: all that the token reaches"
    ),
    Option("api_version", default="v26.0", description="the Graph API's version, like v26.0"),
    Option("base_url", default="https://graph.facebook.com", description="where the API is"),
    Option(
        "restate",
        "integer",
        default=RESTATE_DAYS,
        description="days before the last read that are read again",
    ),
    Option(
        "start_date", description="the first day to read, YYYY-MM-DD; default: 90 days before the first run"
    ),
    Option(
        "action_attribution_windows",
        "texts",
        description="windows whose counts stand in `actions`, beside `value`; default: 7d_click, 1d_view",
    ),
    Option("async", default="auto", choices=MODES, description="insights as report runs"),
    Option("report_wait", "duration", default="1h", description="longest wait for one report run"),
    Option("poll_interval", "duration", default="5s", description="between two looks at a report run"),
    rate_limit("none, for Meta counts by account and tier and says how much is used"),
    IN_FLIGHT,
    MAX_WAIT,
)
LIMIT = Option("limit", "integer", default=500, description="rows of a page")
INSIGHT_OPTIONS = (
    Option("fields", "texts", default=METRICS, description="metrics and attributes by their insights name"),
    Option(
        "breakdowns", "texts", default=(), description="like age, gender, publisher_platform; part of the key"
    ),
    Option("restate", "integer", description="as the connection's, for this resource"),
    Option("start_date", description="as the connection's, for this resource"),
    LIMIT,
)
ACCOUNT_OPTIONS = (Option("fields", "texts", default=ACCOUNT_FIELDS, description="fields of the account"),)


def validate_connection(options: Mapping[str, Any]) -> list[Problem]:
    """Ids, version, windows, URL and days that can be ones."""
    problems: list[Problem] = []
    if not re.fullmatch(r"v\d+\.\d+", options["api_version"]):
        wrong = f"{options['api_version']!r} is no API version"
        problems.append((("api_version",), wrong, "write it like v26.0"))
    for number, account in enumerate(options["account_ids"] or ()):
        if not re.fullmatch(r"(act_)?\d+", account):
            fix = "write its digits, with or without act_"
            problems.append((("account_ids", number), f"{account!r} is no ad account's id", fix))
    for number, window in enumerate(options["action_attribution_windows"] or ()):
        if window in GONE_WINDOWS:
            wrong = f"Meta answers no {window} any more since 2026-01-12"
            problems.append((("action_attribution_windows", number), wrong, "use 1d_view"))
    if options["poll_interval"] <= 0:
        problems.append((("poll_interval",), "poll_interval is 0", "write a duration like 5s"))
    return problems + wire_problems(options) + day_problems(options) + limit_problems(options["rate_limit"])


def validate_resource(name: str, options: Mapping[str, Any]) -> list[Problem]:
    """Fields and breakdowns that can be names; a page that has rows; days that can be ones."""
    problems = day_problems(options)
    if "fields" in options and not options["fields"]:
        problems.append((("fields",), f"{name} has no fields", "name at least one, like spend"))
    for option in ("fields", "breakdowns"):
        for number, field in enumerate(options.get(option) or ()):
            if not re.fullmatch(r"[a-z0-9_]+", field):
                problems.append(((option, number), f"{field!r} is no field's name", "write it like spend"))
            elif option == "fields" and field == ZONE:
                problems.append(((option, number), f"{ZONE} is always there", "leave it out"))
            elif option == "breakdowns" and field in (options.get("fields") or ()):
                problems.append(((option, number), f"{field} is also in fields", "name it once"))
    if options.get("limit") is not None and options["limit"] < 1:
        problems.append((("limit",), "limit is below 1", "write 1 or more"))
    return problems


def open_connection(options: Mapping[str, Any], context: Context) -> Connector:
    """Connects lazily: nothing is requested until something is asked for."""
    from tailrace.connectors.meta_ads.connection import MetaAds

    return MetaAds.open(DECLARATION, options, context)


def _entity(name: str, what: str) -> ResourceType:
    return ResourceType(
        name,
        (
            Option("fields", "texts", default=ENTITY_FIELDS[name], description=f"fields of the {what}"),
            Option(
                "statuses",
                "texts",
                default=STATUSES_OF[name],
                description="values of effective_status to list; an empty list asks for Meta's own choice",
            ),
            LIMIT,
        ),
        changes=False,
        description=f"{what}s with their settings, deleted and archived ones too",
        key=("id",),
        deletes="effective_status DELETED; a row that an account no longer lists is removed",
        permissions=("ads_read",),
    )


def _insights(name: str, level: str) -> ResourceType:
    return ResourceType(
        name,
        INSIGHT_OPTIONS,
        changes=False,
        description=f"metrics per {level} and day",
        key=insight_key(level, ()),
        cursor="date_start, with a window that is read again",
        deletes="a row that vanishes from the window is removed",
        permissions=("ads_read",),
        backfill=True,
    )


DECLARATION = Declaration(
    name="meta_ads",
    options=CONNECTION,
    resources=(
        ResourceType(
            "accounts",
            ACCOUNT_OPTIONS,
            changes=False,
            description="the ad accounts with their currency, time zone and status",
            key=("account_id",),
            deletes="an account that the token no longer reaches is removed",
            permissions=("ads_read",),
        ),
        _entity("campaigns", "campaign"),
        _entity("adsets", "ad set"),
        _entity("ads", "ad"),
        *(_insights(name, level) for name, level in INSIGHTS.items()),
    ),
    objects=OBJECTS,
    permissions=(
        Permission("ads_read", "reading accounts, campaigns, ad sets, ads and insights"),
        Permission("ads_management", "syncs to custom audiences"),
    ),
    versions=(ApiVersion("v26.0"),),
    open=open_connection,
    validate_sync=validate_sync,
    validate_resource=validate_resource,
    validate_connection=validate_connection,
)
