"""What Google's Data Manager takes, known without a connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tailrace.connectors.sdk.base import (
    Connector,
    Context,
    Declaration,
    ObjectType,
    Option,
    Permission,
)
from tailrace.connectors.sdk.limits import IN_FLIGHT, MAX_WAIT, limit_problems, rate_limit, wire_problems
from tailrace.connectors.sdk.options import Problem

SCOPE = "https://www.googleapis.com/auth/datamanager"
REQUESTS, SECONDS = 300, 60.0
"""Requests a minute for a project (vendor-apis.md 7.2)."""
MEMBERS = 10_000
"""Members of one request (vendor-apis.md 7.2)."""
ACCOUNT_TYPES = (
    "GOOGLE_ADS",
    "DISPLAY_VIDEO_ADVERTISER",
    "DISPLAY_VIDEO_PARTNER",
    "DATA_PARTNER",
    "GOOGLE_AD_MANAGER_AUDIENCE_LINK",
)
OAUTH = ("client_id", "client_secret", "refresh_token")
CONSENT = ("granted", "denied")

CONNECTION = (
    Option(
        "operating_account", required=True, description="the account that the audience belongs to: its number"
    ),
    Option(
        "account_type",
        default="GOOGLE_ADS",
        choices=ACCOUNT_TYPES,
        description="what the operating account is",
    ),
    Option("login_account", description="the account that the login acts through: a manager's number"),
    Option(
        "login_account_type",
        default="GOOGLE_ADS",
        choices=ACCOUNT_TYPES,
        description="what the login account is",
    ),
    Option("service_account_file", description="a service account's JSON key"),
    Option("access_token", secret=True, description="a bearer token given from outside"),
    Option("client_id", description="OAuth client, with client_secret and refresh_token"),
    Option("client_secret", secret=True, description="OAuth client's secret"),
    Option("refresh_token", secret=True, description="what the OAuth client was given"),
    Option("base_url", default="https://datamanager.googleapis.com", description="where the API is"),
    Option(
        "token_url", default="https://oauth2.googleapis.com/token", description="where tokens are refreshed"
    ),
    Option(
        "poll_interval",
        "duration",
        default="10s",
        description="before the first look at what became of a request; each next wait is twice as long, 5 minutes at most",
    ),
    Option(
        "poll_wait", "duration", default="2h", description="how long to look; after that the rows are unknown"
    ),
    rate_limit("300 requests in 60 s"),
    IN_FLIGHT,
    MAX_WAIT,
)
OBJECT_OPTIONS = (
    Option(
        "audience", required=True, description="the audience's number (product destination id)", target=True
    ),
    Option(
        "ad_user_data",
        required=True,
        choices=CONSENT,
        description="these people's consent to their data being used for ads: granted or denied",
    ),
    Option(
        "ad_personalization",
        required=True,
        choices=CONSENT,
        description="these people's consent to personalised ads: granted or denied",
    ),
    Option(
        "terms_accepted",
        "bool",
        required=True,
        description="true: you have accepted Google's Customer Match terms",
    ),
    Option("encoding", default="hex", choices=("hex", "base64"), description="how hashes are written"),
    Option(
        "gmail_rules",
        "bool",
        default=True,
        description="gmail.com and googlemail.com: dots and what follows a + are left out, as Google asks",
    ),
    Option(
        "confirm",
        "bool",
        default=True,
        description="false: what Google has taken in counts as sent; what becomes of it is not looked at",
    ),
    Option(
        "splits",
        "integer",
        default=30,
        description="requests to spend on finding the rows that Google refuses in one batch",
    ),
)
ADDRESS = ("given_name", "family_name", "region_code", "postal_code")
FIELDS = ("email", "phone", *ADDRESS)


def validate_connection(options: Mapping[str, Any]) -> list[Problem]:
    """Exactly one way to log in; numbers, URLs and waits that can be ones."""
    problems: list[Problem] = []
    oauth = [name for name in OAUTH if options[name]]
    ways = [
        name
        for name, given in (
            ("service_account_file", options["service_account_file"]),
            ("access_token", options["access_token"]),
            ("client_id", len(oauth) == len(OAUTH)),
        )
        if given
    ]
    fix = "give service_account_file, or access_token, or client_id, client_secret and refresh_token"
    if not ways or (oauth and "client_id" not in ways):
        problems.append(((), "no complete credentials", fix))
    elif len(ways) > 1:
        problems.append(((ways[1],), f"both {ways[0]} and {ways[1]} are given", fix))
    problems += [
        ((name,), f"{options[name]!r} is no account's number", "write its digits")
        for name in ("operating_account", "login_account")
        if options[name] and not re.fullmatch(r"\d{1,19}", options[name].replace("-", ""))
    ]
    if options["poll_interval"] <= 0:
        problems.append((("poll_interval",), "poll_interval is no time", "write a duration like 10s"))
    wire = wire_problems(options, ("base_url", "token_url"))
    return problems + wire + limit_problems(options["rate_limit"])


def validate_sync(name: str, mode: str, options: Mapping[str, Any]) -> list[Problem]:  # noqa: ARG001 - there is one object
    """The terms are accepted by a person, and the audience is a number."""
    problems: list[Problem] = []
    if options["terms_accepted"] is not True:
        fix = "accept Google's Customer Match terms in the account, then write terms_accepted: true"
        problems.append((("terms_accepted",), "Google takes no members unless its terms are accepted", fix))
    if not re.fullmatch(r"\d{1,19}", options["audience"]):
        fix = "write its digits, as Google Ads' audience manager shows them"
        problems.append((("audience",), f"{options['audience']!r} is no audience's number", fix))
    if options["splits"] < 0:
        problems.append((("splits",), "splits is below 0", "write 0 or more"))
    return problems


def open_connection(options: Mapping[str, Any], context: Context) -> Connector:
    """Connects lazily: nothing is requested until something is sent."""
    from tailrace.connectors.google_data_manager.connection import GoogleDataManager

    return GoogleDataManager.open(DECLARATION, options, context)


DECLARATION = Declaration(
    name="google_data_manager",
    options=CONNECTION,
    objects=(
        ObjectType(
            "audience_members",
            ("upsert", "mirror"),
            ("keep", "archive"),
            batch_size=MEMBERS,
            match_fields=("email", "phone"),
            options=OBJECT_OPTIONS,
            known_fields=FIELDS,
            takes_fields="any",
        ),
    ),
    permissions=(
        Permission(SCOPE, "the login's scope"),
        Permission("Standard access", "the login's level on the account, to change audiences"),
    ),
    limit=(REQUESTS, SECONDS),
    open=open_connection,
    validate_connection=validate_connection,
    validate_sync=validate_sync,
)
